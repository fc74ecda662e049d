"""A journey by its name, made from a ready-made one if there is none: what the commands share."""

from __future__ import annotations

from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.journeys import presets
from apps.journeys.models import Journey
from apps.journeys.selectors import name_token
from apps.journeys.services.drafts import journey_from_preset


def journey_named(*, actor: Actor, name: str) -> Journey:
    """The journey called ``name``; a ready-made one of that name is created first. Raises ``Refused``."""
    row = Journey.objects.filter(name_token=name_token(name)).first()
    if row is not None:
        return row
    made = next((each for each in presets.PRESETS if name_token(each.name) == name_token(name)), None)
    if made is None:
        names = ", ".join(each.name for each in presets.PRESETS)
        raise Refused("journey.unknown", f"There is no journey called {name}. Ready-made: {names}.")
    return journey_from_preset(actor=actor, preset=made)
