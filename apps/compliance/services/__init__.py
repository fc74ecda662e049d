"""Writing the register. Agreements and papers are kept, not deleted (45 CFR 164.316(b)(2)(i))."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import date
from functools import partial
from pathlib import PurePath
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from apps.audit.actions import Action
from apps.audit.changes import seal_change
from apps.audit.services import record
from apps.compliance import agreements, selectors
from apps.compliance.models import AGREEMENT_TABLE, DOCUMENT_TABLE, VENDOR_TABLE, Agreement, Document, Vendor
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.errors import Refused
from apps.vault import keys, sealing

MAX_DOCUMENT = 25 * 1024 * 1024
# What a signed paper comes as, told by its first bytes and not by its name.
_TYPES = (
    (b"%PDF-", "application/pdf", ".pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png", ".png"),
    (b"\xff\xd8\xff", "image/jpeg", ".jpg"),
    (b"II*\x00", "image/tiff", ".tif"),
    (b"MM\x00*", "image/tiff", ".tif"),
)


@transaction.atomic
def vendor_create(
    *,
    actor: Actor,
    facts: Mapping[str, Any],
    kind: str,
    handles_health_information: bool = True,
    next_review: date | None = None,
) -> Vendor:
    """Enter a vendor. ``facts``: name, contact, service, location, certifications, note."""
    number = next_ids(VENDOR_TABLE, 1)[0]
    vendor = Vendor.objects.create(
        id=number,
        sealed=_sealed_vendor(facts, number, 1),
        kind=_kind(kind),
        handles_health_information=handles_health_information,
        next_review=next_review or selectors.today() + agreements.REVIEW_EVERY,
    )
    record(
        actor=actor,
        action=Action.VENDOR_CREATE,
        kind="vendor",
        subject=number,
        change=seal_change({}, _vendor_facts(vendor, facts)),
    )
    return vendor


@transaction.atomic
def vendor_change(
    *,
    actor: Actor,
    vendor_id: int,
    facts: Mapping[str, Any],
    kind: str,
    handles_health_information: bool,
    next_review: date | None,
) -> Vendor:
    """Replace what is known of a vendor."""
    vendor = _vendor(vendor_id)
    before = _vendor_facts(vendor, vendor.opened)
    vendor.version += 1
    vendor.sealed = _sealed_vendor(facts, vendor.pk, vendor.version)
    vendor.kind, vendor.handles_health_information, vendor.next_review = (
        _kind(kind),
        handles_health_information,
        next_review,
    )
    vendor.save()
    after = _vendor_facts(vendor, facts)
    record(
        actor=actor,
        action=Action.VENDOR_CHANGE,
        kind="vendor",
        subject=vendor.pk,
        fields=sorted(name for name, value in after.items() if before.get(name) != value),
        change=seal_change(before, after),
    )
    return Vendor.objects.get(pk=vendor.pk)


@transaction.atomic
def vendor_archive(*, actor: Actor, vendor_id: int) -> None:
    """Take a vendor off the list; its agreements stay. Raises ``Refused`` while one is in force."""
    vendor = _vendor(vendor_id)
    if selectors.baa_in_force(vendor):
        raise Refused(
            "vendor.agreement_in_force", "This vendor has an agreement in force. Terminate the agreement first."
        )
    if vendor.breaches.filter(closed__isnull=True).exists():
        raise Refused(
            "vendor.breach_open",
            "A material breach of this vendor is open. Record its cure or the end of the agreement first.",
        )
    vendor.archived_at = clock.now()
    vendor.save(update_fields=["archived_at"])
    record(actor=actor, action=Action.VENDOR_ARCHIVE, kind="vendor", subject=vendor.pk)


@transaction.atomic
def agreement_create(
    *, actor: Actor, vendor_id: int, facts: Mapping[str, Any], effective: date, expires: date | None = None
) -> Agreement:
    """Enter an agreement. ``facts``: party, scope, clauses {code: reference}, options [code], note."""
    vendor = _vendor(vendor_id)
    _check(facts, effective, expires)
    number = next_ids(AGREEMENT_TABLE, 1)[0]
    agreement = Agreement.objects.create(
        id=number,
        vendor=vendor,
        sealed=sealing.seal_service(dict(facts), table=AGREEMENT_TABLE, row=number),
        effective=effective,
        expires=expires,
    )
    record(
        actor=actor,
        action=Action.BAA_CREATE,
        kind="agreement",
        subject=number,
        codes={"vendor": vendor.pk, "clauses": len(facts.get("clauses", {}))},
        change=seal_change({}, _agreement_facts(agreement, facts)),
    )
    return agreement


@transaction.atomic
def agreement_change(
    *, actor: Actor, agreement_id: int, facts: Mapping[str, Any], effective: date, expires: date | None
) -> Agreement:
    """Replace what is known of an agreement. Raises ``Refused`` for a terminated one: that is history."""
    agreement = _agreement(agreement_id)
    if agreement.terminated is not None:
        raise Refused(
            "agreement.terminated", "This agreement was terminated and stays as it was. Enter a new agreement."
        )
    _check(facts, effective, expires)
    before = _agreement_facts(agreement, agreement.opened)
    changed = {**agreement.opened, **facts}
    _rewrite(agreement, changed, effective=effective, expires=expires)
    after = _agreement_facts(agreement, changed)
    record(
        actor=actor,
        action=Action.BAA_CHANGE,
        kind="agreement",
        subject=agreement.pk,
        fields=sorted(name for name, value in after.items() if before.get(name) != value),
        codes={"clauses": len(facts.get("clauses", {}))},
        change=seal_change(before, after),
    )
    return Agreement.objects.get(pk=agreement.pk)


@transaction.atomic
def agreement_terminate(*, actor: Actor, agreement_id: int, on: date, reason: str, data: str) -> None:
    """End an agreement. ``on`` is the first day it no longer holds; ``data`` says what became of the information:
    returned, destroyed or protected (return was not feasible). Raises ``Refused`` when that is not said.
    """
    agreement = _agreement(agreement_id)
    if agreement.terminated is not None:
        raise Refused("agreement.terminated", "This agreement was terminated already.")
    if data not in ENDINGS:
        raise Refused(
            "agreement.without_disposal",
            "Say what became of the health information: returned, destroyed, or protected further.",
        )
    if not reason.strip():
        raise Refused("agreement.without_reason", "Say in a few words why the agreement ends.")
    if on < agreement.effective:
        raise Refused("agreement.ends_too_early", "An agreement cannot end before it begins. Correct the date.")
    ending = {"reason": reason.strip(), "data": data}
    before = _agreement_facts(agreement, agreement.opened)
    agreement.terminated = on
    _rewrite(
        agreement,
        {**agreement.opened, "ending": ending},
        effective=agreement.effective,
        expires=agreement.expires,
    )
    record(
        actor=actor,
        action=Action.BAA_TERMINATE,
        kind="agreement",
        subject=agreement.pk,
        reason=reason,
        codes={"data": data},
        change=seal_change(before, _agreement_facts(agreement, {**agreement.opened, "ending": ending})),
    )


ENDINGS = {
    "returned": "Returned to us",
    "destroyed": "Destroyed, with a certificate",
    "protected": "Return not feasible: protected further",
}


@transaction.atomic
def document_add(*, actor: Actor, agreement_id: int, name: str, content: bytes) -> Document:
    """Keep the signed paper: sealed before it reaches the storage, under a random name.

    Raises ``Refused`` for an empty, too large or unknown file.
    """
    agreement = _agreement(agreement_id)
    if not content:
        raise Refused("agreement.file_empty", "This file is empty. Choose the signed document.")
    if len(content) > MAX_DOCUMENT:
        raise Refused(
            "agreement.file_too_large", "This file is larger than 25 MB. Scan the document at a lower resolution."
        )
    found = next(((kind, ending) for magic, kind, ending in _TYPES if content.startswith(magic)), None)
    if found is None:
        raise Refused(
            "agreement.file_kind_wrong",
            "This is neither a PDF nor an image (PNG, JPEG, TIFF). Save the signed document as a PDF.",
        )
    kind, ending = found
    number = next_ids(DOCUMENT_TABLE, 1)[0]
    stem = PurePath(name.replace("\\", "/")).stem.strip()[:80] or "agreement"
    facts = {"name": stem + ending, "type": kind, "sha256": hashlib.sha256(content).hexdigest()}
    sealed_file = sealing.seal_bytes(
        keys.ring().service, content, table=DOCUMENT_TABLE, row=number, epoch=sealing.SERVICE_KEY
    )
    stored = default_storage.save(f"documents/{secrets.token_hex(16)}", ContentFile(sealed_file))
    try:
        with transaction.atomic():
            document = Document.objects.create(
                id=number,
                agreement=agreement,
                sealed=sealing.seal_service(facts, table=DOCUMENT_TABLE, row=number),
                stored=stored,
                size=len(content),
            )
            record(
                actor=actor,
                action=Action.BAA_UPLOAD,
                kind="agreement",
                subject=agreement.pk,
                codes={"document": number, "bytes": len(content)},
            )
    except BaseException:
        # The row did not come about: leave no file behind that nobody knows.
        default_storage.delete(stored)
        raise
    return document


@transaction.atomic
def agreement_destroy(*, actor: Actor, agreement_id: int, reason: str) -> None:
    """Destroy an agreement and its papers after their time. Raises ``Refused`` before, naming the day."""
    agreement = _agreement(agreement_id)
    until = agreements.keep_until(clock.clinic_day(agreement.created_at), agreement.expires, agreement.terminated)
    if until is None:
        raise Refused(
            "agreement.without_end",
            "This agreement has no end yet. It is kept six years from when it was last in effect.",
        )
    if selectors.today() < until:
        raise Refused(
            "agreement.kept",
            f"This agreement is kept until {until.isoformat()} (six years from when it was last in effect).",
        )
    names = list(agreement.documents.values_list("stored", flat=True))
    agreement.documents.all().delete()
    number = agreement.pk
    agreement.delete()
    record(
        actor=actor,
        action=Action.BAA_DESTROY,
        kind="agreement",
        subject=number,
        reason=reason,
        codes={"documents": len(names)},
    )
    for name in names:
        transaction.on_commit(partial(default_storage.delete, name))


def _vendor_facts(vendor: Vendor, opened: Mapping[str, Any]) -> dict[str, Any]:
    """What the trail keeps of a vendor before and after a change, sealed."""
    return {
        **opened,
        "kind": Vendor.VendorKind(vendor.kind).label,
        "handles_health_information": vendor.handles_health_information,
        "next_review": vendor.next_review,
    }


def _agreement_facts(agreement: Agreement, opened: Mapping[str, Any]) -> dict[str, Any]:
    """What the trail keeps of an agreement before and after a change, sealed."""
    dates = {"effective": agreement.effective, "expires": agreement.expires, "terminated": agreement.terminated}
    clauses = {code: reference or "ticked" for code, reference in opened.get("clauses", {}).items()}
    return {**opened, "clauses": clauses, **dates}


def _rewrite(agreement: Agreement, facts: Mapping[str, Any], *, effective: date, expires: date | None) -> None:
    agreement.version += 1
    agreement.sealed = sealing.seal_service(
        dict(facts), table=AGREEMENT_TABLE, row=agreement.pk, version=agreement.version
    )
    agreement.effective, agreement.expires = effective, expires
    agreement.save()


def _check(facts: Mapping[str, Any], effective: date, expires: date | None) -> None:
    if not str(facts.get("party", "")).strip() or not str(facts.get("scope", "")).strip():
        raise Refused("agreement.incomplete", "Say who signed, and what the vendor may do with health information.")
    if expires is not None and expires <= effective:
        raise Refused("agreement.ends_too_early", "The agreement must end after it begins. Correct the dates.")
    if agreements.unknown_clauses([*facts.get("clauses", {}), *facts.get("options", [])]):
        raise Refused("agreement.clauses_changed", "The list of clauses is out of date. Open the form again.")


def _vendor(vendor_id: int) -> Vendor:
    vendor = Vendor.objects.select_for_update().filter(pk=vendor_id, archived_at__isnull=True).first()
    if vendor is None:
        raise Refused("vendor.unknown", "There is no such vendor any more.")
    return vendor


def _agreement(agreement_id: int) -> Agreement:
    agreement = Agreement.objects.select_for_update().filter(pk=agreement_id).first()
    if agreement is None:
        raise Refused("agreement.unknown", "There is no such agreement any more.")
    return agreement


def _kind(kind: str) -> str:
    if kind not in Vendor.VendorKind.values:
        raise Refused("vendor.without_kind", "Choose what kind of vendor this is.")
    return kind


def _sealed_vendor(facts: Mapping[str, Any], number: int, version: int) -> bytes:
    if not str(facts.get("name", "")).strip():
        raise Refused("vendor.without_name", "Give the vendor's name.")
    return sealing.seal_service(dict(facts), table=VENDOR_TABLE, row=number, version=version)
