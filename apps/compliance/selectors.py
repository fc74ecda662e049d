"""Reading the register: who has an agreement in force, and what needs somebody's attention."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.urls import reverse

from apps.audit.actions import Action
from apps.audit.services import record_read
from apps.compliance import agreements
from apps.compliance.agreements import Judgement, Standing, Terms
from apps.compliance.models import DOCUMENT_TABLE, Agreement, Document, Vendor
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.organizations import selectors as organizations
from apps.ui import datewords, words
from apps.vault import keys, sealing

_ORDER = [
    Standing.IN_FORCE,
    Standing.EXPIRING,
    Standing.BREACHED,
    Standing.FUTURE,
    Standing.DRAFT,
    Standing.EXPIRED,
    Standing.TERMINATED,
]


@dataclass(frozen=True)
class Reminder:
    """Something in the register that waits for a person. ``tone`` is bad or caution."""

    tone: str
    words: str
    url: str


@dataclass(frozen=True)
class VendorRow:
    """A vendor with the best of its agreements, for lists."""

    vendor: Vendor
    agreement: Agreement | None
    standing: str
    until: date | None


def today() -> date:
    """The date in the clinic's zone."""
    return clock.today(organizations.current().zone)


def baa_in_force(vendor: int | Vendor, on: date | None = None) -> bool:
    """Whether a vendor has a complete, signed agreement in force on a day (by default today).

    An unknown or archived vendor has none. Delivery asks this before health information goes to a relay.
    """
    number = vendor.pk if isinstance(vendor, Vendor) else vendor
    day = on or today()
    rows = _with_documents(Agreement.objects.filter(vendor_id=number, vendor__archived_at__isnull=True))
    return any(judgement_of(row, day).standing.counts for row in rows)


def judgement_of(agreement: Agreement, on: date) -> Judgement:
    """Where an agreement stands on a day, and what is missing."""
    return agreements.judge(terms_of(agreement, on), on)


def terms_of(agreement: Agreement, on: date) -> Terms:
    """The deciding facts of an agreement on a day."""
    return Terms(
        effective=agreement.effective,
        expires=agreement.expires,
        terminated=agreement.terminated,
        clauses=frozenset(agreement.opened.get("clauses", {})),
        signed_copy=bool(agreement.documents.all()),
        breached=any(breach.is_open(on) for breach in agreement.vendor.breaches.all()),
    )


def vendor_rows(*, archived: bool = False, on: date | None = None) -> list[VendorRow]:
    """Every vendor with its best agreement, by name. A register has dozens of rows, so it is sorted here."""
    day = on or today()
    found: dict[int, list[Agreement]] = {}
    for agreement in _with_documents(Agreement.objects.filter(vendor__archived_at__isnull=not archived)):
        found.setdefault(agreement.vendor_id, []).append(agreement)
    rows = []
    for vendor in Vendor.objects.filter(archived_at__isnull=not archived):
        judged = [(judgement_of(one, day).standing, one) for one in found.get(vendor.pk, [])]
        judged.sort(key=lambda pair: (_ORDER.index(pair[0]), -pair[1].pk))
        if judged:
            standing, best = judged[0]
            rows.append(VendorRow(vendor, best, standing.value, _end(best)))
        else:
            missing = "baa_missing" if vendor.handles_health_information else "baa_not_needed"
            rows.append(VendorRow(vendor, None, missing, None))
    return sorted(rows, key=lambda row: row.vendor.name.casefold())


def vendor_choices() -> list[tuple[str, str]]:
    """Vendors for a form, with the standing of their agreement in words; the first choice is none."""
    found = [("", "Choose a vendor")]
    for row in vendor_rows():
        standing = words.status(row.standing).label.lower()
        found.append((str(row.vendor.pk), f"{row.vendor.name} ({standing})"))
    return found


def reminders(on: date | None = None) -> list[Reminder]:
    """What the register asks for, worst first: for Home and for the register's own page."""
    day = on or today()
    bad: list[Reminder] = []
    soon: list[Reminder] = []
    for row in vendor_rows(on=day):
        url = reverse("compliance:vendor", args=[row.vendor.pk])
        name = row.vendor.name
        if row.vendor.handles_health_information and row.standing not in (Standing.IN_FORCE, Standing.EXPIRING):
            why = {
                "baa_missing": "has no business associate agreement",
                Standing.DRAFT: "has an incomplete agreement",
                Standing.FUTURE: "has an agreement that is not in force yet",
                Standing.EXPIRED: "has an agreement that expired",
                Standing.TERMINATED: "has an agreement that was terminated",
                Standing.BREACHED: "broke its agreement and has not cured that",
            }[row.standing]
            bad.append(Reminder("bad", f"{name} {why}: no health information may go there.", url))
        elif row.standing == Standing.EXPIRING and row.until is not None:
            soon.append(Reminder("caution", f"The agreement with {name} ends on {datewords.day(row.until)}.", url))
        if row.vendor.next_review is not None and row.vendor.next_review <= day:
            soon.append(Reminder("caution", f"The yearly review of {name} is due.", url))
    return bad + soon


def document_open(*, actor: Actor, document: Document) -> bytes:
    """The document as it was uploaded; on the trail first. Raises ``Refused`` when the file is gone or damaged."""
    record_read(
        actor=actor,
        action=Action.BAA_OPEN,
        kind="document",
        subject=document.pk,
        codes={"agreement": document.agreement_id},
    )
    try:
        with default_storage.open(document.stored, "rb") as file:
            raw = file.read()
        return sealing.open_bytes(keys.ring().service, raw, table=DOCUMENT_TABLE, row=document.pk)
    except (OSError, sealing.SealBroken):
        raise Refused(
            "agreement.file_damaged",
            "The stored file is missing or damaged. Restore the file store from a backup, or upload the paper again.",
        ) from None


def _with_documents(rows: QuerySet[Agreement]) -> QuerySet[Agreement]:
    return rows.select_related("vendor").prefetch_related("documents", "vendor__breaches")


def _end(agreement: Agreement) -> date | None:
    return min((day for day in (agreement.expires, agreement.terminated) if day is not None), default=None)
