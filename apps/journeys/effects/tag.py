"""Add or remove a tag: all people of a chunk in one go, with one entry on the trail for each level of journeys."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from apps.contacts.tags.services import Pair, tags_give, tags_take
from apps.core.actors import Actor
from apps.core.levels import Level
from apps.journeys.effects.protocol import EffectRow


def apply(*, actor: Actor, rows: Sequence[EffectRow], now: datetime) -> None:
    """Give people of one chunk tags, and take tags. Values: ``act`` (add, remove), ``tag`` (its id).

    Raises ``Refused`` when a tag is gone, or when the journey tells more by now than the tag does: the runs stop at the
    step, where a person sees them.
    """
    given: dict[int, list[Pair]] = defaultdict(list)
    taken: list[Pair] = []
    journeys = {row.journey for row in rows}
    subject = journeys.pop() if len(journeys) == 1 else None
    for row in rows:
        pair = row.person, row.effect.values["tag"]
        if row.effect.values["act"] == "add":
            given[row.level].append(pair)
        else:
            taken.append(pair)
    for level, pairs in sorted(given.items()):
        tags_give(actor=actor, pairs=pairs, level=Level(level), subject=subject, kind="journey")
    tags_take(actor=actor, pairs=taken, subject=subject, kind="journey")
