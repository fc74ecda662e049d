"""Who chose the people: a segment is not approved by whoever edited it, whatever a colleague touched up since."""

from __future__ import annotations

from collections.abc import Iterable

from apps.audit import selectors as trail
from apps.audit.actions import Action
from apps.core.actors import Actor

from . import selectors
from .models import Segment

_CHOOSING = (Action.SEGMENT_CREATE, Action.SEGMENT_CHANGE)


def why_not(actor: Actor, ids: Iterable[int]) -> str:
    """Why ``actor`` must leave the decision about these segments to somebody else, or "".

    They edited one of them, or one that they lead to, since a second person last approved it; ever, if nobody did.
    """
    for segment in Segment.objects.filter(pk__in=whole(ids)).order_by("pk"):
        if trail.acted(
            actor=actor, actions=_CHOOSING, kind="segment", subject=segment.pk, beyond=segment.approved_version
        ):
            name = selectors.opened(segment).name
            return (
                f"You edited the segment “{name}”, and nobody else approved that yet, "
                "so somebody else has to decide about it."
            )
    return ""


def whole(ids: Iterable[int]) -> set[int]:
    """The segments and all that they lead to."""
    found = set(ids)
    return found | selectors.reachable(found)
