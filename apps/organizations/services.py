"""Changing the organization."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction

from apps.audit.actions import Action
from apps.audit.changes import seal_change
from apps.audit.services import record
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.organizations import selectors
from apps.organizations.logo import kind_of
from apps.organizations.models import TABLE, EnvironmentSetting, Organization
from apps.organizations.selectors import LOGO_TABLE
from apps.vault import sealing


def logo_change(*, actor: Actor, content: bytes | None, version: int | None = None) -> Organization:
    """Set the logo (PNG, JPEG, GIF, WebP, up to 300 kB), or remove it with None. Raises ``Refused``.

    ``version``: see ``organization_change``.
    The file is sealed before storage sees it and is written before the row that names it: a crash between
    leaves a file nobody names, never a name without a file.
    """
    old = str(selectors.current().opened.get("logo", ""))
    name, media_type = "", ""
    if content is not None:
        media_type = kind_of(content)
        name = f"organization/{secrets.token_hex(16)}"
        blob = sealing.seal_service({"data": base64.b64encode(content).decode()}, table=LOGO_TABLE, row=name)
        name = default_storage.save(name, ContentFile(blob))
    try:
        organization = organization_change(actor=actor, version=version, logo=name, logo_kind=media_type)
    except Refused:
        if name:
            default_storage.delete(name)
        raise
    if old:
        transaction.on_commit(lambda: default_storage.delete(old))
    return organization


@transaction.atomic
def organization_change(
    *, actor: Actor, zone: str | None = None, version: int | None = None, **given: Any
) -> Organization:
    """Change the named facts (``name``, ``postal_address``, ``phone``, ...); the others stay.

    ``version`` is the one the form showed; raises ``Refused`` when somebody else was faster. None changes unseen.
    """
    Organization.objects.select_for_update().filter(pk=1).first()
    organization = selectors.current()
    if version is not None and version != organization.version:
        raise Refused(
            "organization.changed",
            "Somebody else changed the organization meanwhile. Open it anew to see their version.",
        )
    before = {**organization.opened, "zone": organization.zone}
    if zone is not None:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise Refused(
                "organization.time_zone_unknown", "There is no such time zone. Choose one from the list."
            ) from None
        organization.zone = zone
    facts = {**organization.opened, **given}
    organization.version += 1
    organization.sealed = sealing.seal_service(facts, table=TABLE, row=1)
    organization.save()
    after = {**facts, "zone": organization.zone}
    record(
        actor=actor,
        action=Action.ORGANIZATION_CHANGE_LOGO if "logo" in given else Action.ORGANIZATION_CHANGE,
        kind="organization",
        subject=1,
        # A form sends every fact; the entry names those that are different now.
        fields=sorted(name for name, value in after.items() if before.get(name, "") != value),
        change=seal_change(before, after),
    )
    return Organization.objects.get(pk=1)


@transaction.atomic
def environment_note(*, actor: Actor, found: Mapping[str, str]) -> list[str]:
    """Note what the environment says now; returns the names of what is different from the last time, in order.

    ``found``: names and values without credentials. One entry of the trail for all of them, none when nothing differs.
    Each changed row is saved by itself: django-auditlog hears of a row that is saved, not of a bulk statement.
    """
    now = clock.now()
    # Workers that start at once wait for each other, or each would note the same change.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('organizations.environment'))")
    rows = {row.name: row for row in EnvironmentSetting.objects.all()}
    after = {name: value[: EnvironmentSetting.LONGEST] for name, value in found.items()}
    before = {name: row.value for name, row in rows.items()}
    changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    for name in changed:
        row = rows.get(name) or EnvironmentSetting(name=name)
        row.changed_by, row.changed_at = str(actor), now
        if name in after:
            row.value = after[name]
            row.save()
        else:
            row.delete()
    if changed:
        record(
            actor=actor,
            action=Action.ENVIRONMENT_CHANGE,
            kind="environment",
            fields=changed,
            change=seal_change(before, after),
        )
    return changed
