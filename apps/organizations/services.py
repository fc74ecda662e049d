"""Changing the organization."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.organizations import selectors
from apps.organizations.models import TABLE, Organization
from apps.vault import sealing


@transaction.atomic
def organization_change(*, actor: Actor, zone: str | None = None, **given: Any) -> Organization:
    """Change the named facts (``name``, ``postal_address``, ``phone``, ...); the others stay."""
    Organization.objects.select_for_update().filter(pk=1).first()
    organization = selectors.current()
    if zone is not None:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise Refused("There is no such time zone. Choose one from the list.") from None
        organization.zone = zone
    facts = {**organization.opened, **given}
    organization.sealed = sealing.seal_service(facts, table=TABLE, row=1)
    organization.save()
    fields = sorted(given) + (["zone"] if zone is not None else [])
    record(actor=actor, action=Action.ORGANIZATION_CHANGE, kind="organization", subject=1, fields=fields)
    return Organization.objects.get(pk=1)
