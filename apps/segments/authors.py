"""Who chose the people: a segment is not approved by whoever edited it, whatever a colleague touched up since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from apps.approvals.two_people import Part
from apps.audit.actions import Action
from apps.segments import selectors
from apps.segments.models import Segment

_CHOOSING = (Action.SEGMENT_CREATE, Action.SEGMENT_CHANGE)


def parts(ids: Iterable[int]) -> Iterator[Part]:
    """These segments, and all that they lead to, as parts of what somebody decides about.

    Whoever edited one since a second person last approved it is its author; ever, if nobody did.
    """
    for segment in Segment.objects.filter(pk__in=whole(ids)).order_by("pk"):
        yield Part("segment", segment.pk, _CHOOSING, partial(_why, segment), beyond=segment.approved_version)


def _why(segment: Segment) -> str:
    return (
        f"You edited the segment “{selectors.opened(segment).name}”, and nobody else approved that yet, "
        "so somebody else has to decide about it."
    )


def whole(ids: Iterable[int]) -> set[int]:
    """The segments and all that they lead to."""
    found = set(ids)
    return found | selectors.reachable(found)
