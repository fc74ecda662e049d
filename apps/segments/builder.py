"""The rows of a rule as ``segments/_rows.html`` draws them, for the segment builder and for a step of a journey."""

from __future__ import annotations

from typing import Any

from apps.contacts.attributes import definitions as attributes
from apps.contacts.tags import definitions as tags
from apps.segments import draft, naming, selectors
from apps.segments.conditions.base.controls import Offer
from apps.segments.rows import rows, whats


def drawn(
    tree: draft.Draft,
    *,
    segment_id: int | None = None,
    wrong: dict[draft.Path, str] | None = None,
    focus: draft.Path | None = None,
) -> dict[str, Any]:
    """The context of the rows: what they offer (all segments but `segment_id`), what is wrong where, what has focus."""
    offer = Offer(
        segments=[each.name for each in selectors.everyone() if each.id != segment_id],
        campaigns=naming.every_campaign(),
        sets=selectors.value_sets(),
        attributes=[each.spec.name for each in attributes.everything() if each.spec.search != "none"],
        tags=[each.name for each in tags.everything()],
        fields=attributes.catalog(),
    )
    return {
        "root": rows(tree, offer, selectors.terms, errors=wrong, focus=focus),
        "whats": whats(offer),
        "shape": draft.shape_of(tree),
        "undo": draft.undo_state(tree),
        "moved": focus is not None,
        "segment_id": segment_id or "",
    }
