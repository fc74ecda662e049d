"""Setting own attributes of many people at once, whatever else stands in their profiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.contacts.attributes import definitions
from apps.contacts.models import Person
from apps.contacts.person import selectors
from apps.contacts.person.services import contacts_change
from apps.core.actors import Actor
from apps.core.errors import Refused


@transaction.atomic
def attributes_set(*, actor: Actor, values: Mapping[int, Mapping[str, Any]]) -> int:
    """Give people values of own attributes: person to name to value. Returns how many people changed.

    Rows are locked in the order of their ids before they are opened, so that nothing written meanwhile is lost. Whoever
    was erased, or has these values already, is left alone. Nothing but own attributes can be set, so no fact that leads
    to somebody's mail. Raises ``Refused`` for an attribute that is not in use, or a value that is none of it.
    """
    _ensure_valid(values)
    rows = Person.objects.select_for_update().filter(pk__in=values, erased_at__isnull=True).order_by("pk")
    before: dict[int, Mapping[str, Any]] = {}
    profiles: dict[int, dict[str, Any]] = {}
    for row in rows:
        profile = selectors.opened(row).profile
        own = profile.get("attributes") or {}
        if any(name not in own or own[name] != value for name, value in values[row.pk].items()):
            before[row.pk] = profile
            profiles[row.pk] = profile | {"attributes": {**own, **values[row.pk]}}
    return contacts_change(actor=actor, profiles=profiles, before=before) if profiles else 0


def _ensure_valid(values: Mapping[int, Mapping[str, Any]]) -> None:
    known = {each.name: each for each in definitions.everything()}
    # Thousands of people get the same few values: each is looked at once.
    seen: set[tuple[str, type, Any]] = set()
    for wanted in values.values():
        for name, value in wanted.items():
            if (name, type(value), value) in seen:
                continue
            seen.add((name, type(value), value))
            attribute = known.get(name)
            if attribute is None:
                raise Refused("attribute.unknown", "This attribute is not in use. Add it, or choose another.")
            if misfit := attribute.misfit(value):
                raise Refused("attribute.value_wrong", f"The value for “{attribute.label}” {misfit}.")
