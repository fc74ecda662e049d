"""What the builder draws for each node of a draft: the picker, the controls, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps.segments.conditions import CONDITIONS, kind_of
from apps.segments.conditions.base.controls import Choices, Drawn, Offer, Part, Terms
from apps.segments.conditions.base.documents import Path
from apps.segments.draft import Draft, key
from apps.segments.rules.parsing import NEW_CONDITION


@dataclass(frozen=True, repr=False)
class Row:
    """One node as the template draws it: a group with its children, or a condition with its controls."""

    key: str
    number: str
    is_group: bool
    match: str = "all"
    children: tuple[Row, ...] = ()
    what: str = ""
    parts: tuple[Part, ...] = ()
    error: str = ""
    focus: bool = False


def whats(offer: Offer) -> list[tuple[str, Choices]]:
    """The groups of the first picker of a row."""
    entries = [entry for kind in CONDITIONS.values() for entry in kind.entries(offer)]
    found = [entry for entry in entries if not entry.after]
    for entry in entries:
        if entry.after:
            at = next((place for place, each in enumerate(found) if each.value == entry.after), len(found) - 1)
            found.insert(at + 1, entry)
    groups: dict[str, Choices] = {}
    for entry in found:
        groups.setdefault(entry.heading, []).append((entry.value, entry.label))
    return list(groups.items())


def rows(
    draft: Draft, offer: Offer, terms: Terms, *, errors: dict[Path, str] | None = None, focus: Path | None = None
) -> Row:
    """The whole draft as rows; ``errors`` by path, ``focus`` the node that gets the keyboard."""
    return _row(draft, (), offer, terms, errors or {}, focus)


def _row(node: Draft, path: Path, offer: Offer, terms: Terms, errors: dict[Path, str], focus: Path | None) -> Row:
    base: dict[str, Any] = {
        "key": key(path),
        "number": ".".join(str(index + 1) for index in path),
        "error": errors.get(path, ""),
        "focus": focus == path,
    }
    if "match" in node:
        children = tuple(
            _row(child, (*path, index), offer, terms, errors, focus)
            for index, child in enumerate(node.get("rules", []))
        )
        return Row(is_group=True, match=str(node["match"]), children=children, **base)
    drawn = _condition(node, offer, terms)
    return Row(is_group=False, what=drawn.what, parts=drawn.parts, **base)


def _condition(node: Draft, offer: Offer, terms: Terms) -> Drawn:
    kind = kind_of(node, offer.fields) if node != NEW_CONDITION else None
    return Drawn() if kind is None else kind.draw(node, offer, terms)
