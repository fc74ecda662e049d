"""Keys that people gave us: checked at upload, sealed with the profile, gone with the person."""

from __future__ import annotations

import base64
from pathlib import Path

from django.conf import settings
from django.db import transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.person.selectors import open_person
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.errors import Refused
from apps.delivery.models import RecipientKey
from apps.delivery.models.capability import KEY_TABLE
from apps.mail import pgp, smime
from apps.mail.envelopes import CheckedKey
from apps.vault import sealing


@transaction.atomic
def key_add(*, actor: Actor, person_id: int, material: bytes) -> RecipientKey:
    """Check a PGP key or S/MIME certificate for the person's address and keep it; replaces one of its kind.

    Raises `KeyRefused` (a `Refused`) with what is wrong, and `Refused` without person or address.
    """
    person = open_person(actor=actor, purpose="recipient key", person_id=person_id)
    if person is None or not person.email:
        raise Refused("person.without_mailbox", "This person has no e-mail address that a key could belong to.")
    now = clock.now()
    checked = _check(material, person.email)
    data = {
        "fingerprint": checked.fingerprint,
        "algorithm": checked.algorithm,
        "material": base64.b64encode(checked.material).decode("ascii"),
        "notes": list(checked.notes),
    }
    key_id = next_ids(KEY_TABLE, 1)[0]
    RecipientKey.objects.filter(person_id=person_id, kind=checked.kind, state=RecipientKey.KeyState.ACTIVE).update(
        state=RecipientKey.KeyState.REPLACED
    )
    made = RecipientKey.objects.create(
        id=key_id,
        person_id=person_id,
        kind=checked.kind,
        sealed=sealing.seal(person.profile_key, data, table=KEY_TABLE, row=key_id),
        expires=checked.expires,
        added_at=now,
    )
    record(
        actor=actor,
        action=Action.RECIPIENT_KEY_ADD,
        kind="person",
        subject=person_id,
        people=[person_id],
        codes={"kind": checked.kind},
    )
    return made


@transaction.atomic
def key_remove(*, actor: Actor, key_id: int) -> None:
    """Use a key no more."""
    row = RecipientKey.objects.select_for_update().filter(pk=key_id, state=RecipientKey.KeyState.ACTIVE).first()
    if row is None:
        raise Refused("recipient_key.not_in_use", "This key is not in use any more.")
    RecipientKey.objects.filter(pk=key_id).update(state=RecipientKey.KeyState.REMOVED)
    record(
        actor=actor,
        action=Action.RECIPIENT_KEY_REMOVE,
        kind="person",
        subject=row.person_id,
        people=[row.person_id],
        codes={"kind": row.kind},
    )


def _check(material: bytes, address: str) -> CheckedKey:
    """PGP by its armor or packet tag, everything else as a certificate."""
    begins = material.lstrip()[:64]
    if b"BEGIN PGP" in begins or (begins[:1] and begins[0] & 0xC0 in (0x80, 0xC0) and begins[0] != 0x30):
        return pgp.check(material, address, clock.now())
    anchors = b""
    if settings.MAIL_ANCHORS:
        path = Path(settings.MAIL_ANCHORS)
        anchors = path.read_bytes() if path.is_file() else b""
    return smime.check(material, address, clock.now(), anchors=anchors)
