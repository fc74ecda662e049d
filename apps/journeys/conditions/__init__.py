"""What a branch may ask about a run: one file and one entry of ``KINDS`` for each kind of question. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from apps.journeys.conditions.message import AboutMessage
from apps.journeys.conditions.person import AboutPerson
from apps.journeys.conditions.protocol import RunCondition
from apps.journeys.conditions.visit import AboutVisit

# In the order of the builder's list.
KINDS: Mapping[str, type[RunCondition]] = MappingProxyType(
    {kind.kind: kind for kind in (AboutPerson, AboutMessage, AboutVisit)}
)


def from_document(document: Mapping[str, Any]) -> RunCondition | None:
    """The question in a condition's JSON; None when it is blank.

    Raises ``ValueError`` with a sentence for one that is written wrongly.
    """
    if not document:
        return None
    # A rule about the person has no mark of its own: it is whatever the others are not.
    others = (kind for kind in KINDS.values() if kind is not AboutPerson and kind.is_in(document))
    return next(others, AboutPerson).from_document(document)
