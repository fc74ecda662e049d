"""Update an attribute: the people of a chunk are given the values in one go, with one entry on the trail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.contacts.attributes.values import attributes_set
from apps.core.actors import Actor
from apps.journeys.effects.protocol import EffectRow


def apply(*, actor: Actor, rows: Sequence[EffectRow], now: datetime) -> None:
    """Set own attributes of the people of one chunk. Values: ``attribute``, ``value``.

    Raises ``Refused`` when an attribute was retired meanwhile: the runs stop at the step, where a person sees them.
    """
    values: dict[int, dict[str, Any]] = {}
    for row in rows:
        values.setdefault(row.person, {})[row.effect.values["attribute"]] = row.effect.values["value"]
    attributes_set(actor=actor, values=values)
