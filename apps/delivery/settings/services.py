"""Changing how the installation sends."""

from __future__ import annotations

import re
from typing import Any

from django.db import transaction

from apps.audit.actions import Action
from apps.audit.changes import seal_change
from apps.audit.services import record
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.errors import Refused
from apps.delivery import selectors
from apps.delivery.models import DeliverySettings, DkimKey
from apps.delivery.models.setup import DKIM_TABLE, SETTINGS_TABLE
from apps.delivery.settings.setup import Setup
from apps.mail import dkim
from apps.vault import sealing

_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@transaction.atomic
def settings_change(*, actor: Actor, version: int, **given: Any) -> Setup:
    """Change the named settings; the others stay.

    `version` is what the changer saw (0 before the first change); raises `Refused` when somebody else was
    faster, or for a name that is none.
    """
    row = DeliverySettings.objects.select_for_update().filter(pk=1).first()
    if (row.version if row else 0) != version:
        raise Refused(
            "delivery_settings.changed",
            "Somebody else changed these settings meanwhile. Look at them again, then save.",
        )
    before = selectors.setup().to_json()
    merged = {**before, **given}
    for name in ("helo", "sending_domain", "bounce_domain"):
        merged[name] = str(merged.get(name, "")).strip().rstrip(".").lower()
        if merged[name] and not _NAME.fullmatch(merged[name]):
            raise Refused(
                "delivery_settings.host_malformed",
                f"“{merged[name]}” is not a host name. Write it like mail.clinic.example.",
            )
    if merged["mode"] == "relay" and not merged.get("relay"):
        raise Refused("delivery_settings.without_relay", "Fill in the relay's host before mail is sent through it.")
    setup = Setup.from_json(merged)
    setup.table(baa_in_force=False)
    after = setup.to_json()
    sealed = sealing.seal_service(after, table=SETTINGS_TABLE, row=1, version=version + 1)
    DeliverySettings.objects.update_or_create(pk=1, defaults={"sealed": sealed, "version": version + 1})
    record(
        actor=actor,
        action=Action.DELIVERY_CHANGE,
        kind="delivery",
        subject=1,
        fields=sorted(name for name in given if before.get(name) != after.get(name)),
        change=seal_change(before, after),
    )
    return setup


@transaction.atomic
def signing_key_create(*, actor: Actor, domain: str, kind: str, selector: str = "") -> DkimKey:
    """Create a DKIM key that does not sign yet: first its record is published. Raises `Refused`."""
    now = clock.now()
    domain = domain.strip().rstrip(".").lower()
    if not domain or not _NAME.fullmatch(domain):
        raise Refused(
            "delivery_settings.without_domain", "Set the sending domain first; the key is published below it."
        )
    chosen = selector.strip().lower() or f"c{now:%Y%m}{'e' if kind == 'ed25519' else 'r'}"
    taken = set(DkimKey.objects.filter(domain=domain).values_list("selector", flat=True))
    base, number = chosen, 1
    while chosen in taken and not selector:
        number += 1
        chosen = f"{base}{number}"
    if chosen in taken:
        raise Refused("signing_key.selector_taken", "There is a key under this selector already. Choose another name.")
    pem = dkim.create_key(dkim.KeyKind(kind))
    signer = dkim.Signer.load(domain, chosen, pem)
    key_id = next_ids(DKIM_TABLE, 1)[0]
    made = DkimKey.objects.create(
        id=key_id,
        domain=domain,
        selector=chosen,
        kind=kind,
        sealed=sealing.seal_service({"pem": pem.decode("ascii")}, table=DKIM_TABLE, row=key_id),
        record=signer.dns_value(),
    )
    record(actor=actor, action=Action.SIGNING_KEY_CREATE, kind="signing_key", subject=made.pk, codes={"kind": kind})
    return made


@transaction.atomic
def signing_key_activate(*, actor: Actor, key_id: int) -> None:
    """Let a key sign; one of the same kind and domain that signed until now stays published but rests."""
    key = DkimKey.objects.select_for_update().filter(pk=key_id).first()
    if key is None or key.state == DkimKey.KeyState.RETIRED:
        raise Refused("signing_key.unknown", "This key is not there any more. Create a new one.")
    now = clock.now()
    others = DkimKey.objects.filter(domain=key.domain, kind=key.kind, state=DkimKey.KeyState.ACTIVE)
    others.exclude(pk=key.pk).update(state=DkimKey.KeyState.RETIRED, changed_at=now)
    DkimKey.objects.filter(pk=key.pk).update(state=DkimKey.KeyState.ACTIVE, changed_at=now)
    record(actor=actor, action=Action.SIGNING_KEY_ACTIVATE, kind="signing_key", subject=key_id)


@transaction.atomic
def signing_key_retire(*, actor: Actor, key_id: int) -> None:
    """Let a key sign no more. Its record stays in the DNS until the last message it signed has arrived."""
    changed = DkimKey.objects.filter(pk=key_id).update(state=DkimKey.KeyState.RETIRED, changed_at=clock.now())
    if not changed:
        raise Refused("signing_key.unknown", "This key is not there any more.")
    record(actor=actor, action=Action.SIGNING_KEY_RETIRE, kind="signing_key", subject=key_id)
