"""Send a mail: the message of the step goes into the outbox; delivery asks ``outgoing.JourneySource`` what it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from apps.core.actors import Actor
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery import services as delivery
from apps.delivery.models.outbox import MessageKind
from apps.delivery.services import OutboxItem
from apps.journeys.effects.protocol import EffectRow


def apply(*, actor: Actor, rows: Sequence[EffectRow], now: datetime) -> None:
    """Put the messages of one chunk into the outbox. Values: ``purpose``."""
    by_purpose: dict[tuple[Purpose, int], list[OutboxItem]] = {}
    for row in rows:
        purpose: Purpose = row.effect.values["purpose"]
        item = OutboxItem(
            kind=MessageKind.JOURNEY,
            purpose=purpose,
            level=Level(row.level),
            person_id=row.person,
            source_id=row.journey,
            node=row.step,
            visit=row.visit,
        )
        by_purpose.setdefault((purpose, row.journey), []).append(item)
    # One entry of the trail for each journey and purpose: it names both.
    for items in by_purpose.values():
        delivery.enqueue(actor=actor, items=items)
