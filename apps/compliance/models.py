"""Vendors and business associate agreements."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import models
from django.db.models import F, Q

from apps.core import clock
from apps.core.classification import Kind, classify
from apps.vault import sealing

VENDOR_TABLE = "compliance_vendor"
AGREEMENT_TABLE = "compliance_agreement"
DOCUMENT_TABLE = "compliance_document"
BREACH_TABLE = "compliance_materialbreach"


@classify(
    id=Kind.PLAIN,
    sealed=Kind.SEALED,
    kind=Kind.PLAIN,
    handles_health_information=Kind.PLAIN,
    next_review=Kind.PLAIN,
    version=Kind.PLAIN,
    created_at=Kind.PLAIN,
    archived_at=Kind.PLAIN,
)
class Vendor(models.Model):
    """Somebody who works for us. Sealed: name, contact, service, location, certifications, note."""

    class VendorKind(models.TextChoices):
        RELAY = "relay", "Mail relay"
        HOSTING = "hosting", "Hosting and backup"
        SOFTWARE = "software", "Software and connectors"
        SERVICE = "service", "Services"
        OTHER = "other", "Other"

    sealed = models.BinaryField()
    kind = models.CharField(max_length=10, choices=VendorKind.choices)
    handles_health_information = models.BooleanField(default=True)
    next_review = models.DateField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)
    archived_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Vendor {self.pk}"

    @property
    def opened(self) -> dict[str, Any]:
        if not hasattr(self, "_opened"):
            self._opened: dict[str, Any] = sealing.open_service(
                self.sealed, table=VENDOR_TABLE, row=self.pk, version=self.version
            )
        return self._opened

    @property
    def name(self) -> str:
        return str(self.opened["name"])


@classify(
    id=Kind.PLAIN,
    vendor=Kind.PLAIN,
    sealed=Kind.SEALED,
    effective=Kind.PLAIN,
    expires=Kind.PLAIN,
    terminated=Kind.PLAIN,
    version=Kind.PLAIN,
    created_at=Kind.PLAIN,
)
class Agreement(models.Model):
    """A business associate agreement. ``expires`` and ``terminated`` are the first day it no longer holds.

    Sealed: party (who signed), scope, clauses {code: reference}, options [code], note, ending (why it ended, and
    whether data was returned or destroyed). Never deleted before six years after it was last in effect.
    """

    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="agreements")
    sealed = models.BinaryField()
    effective = models.DateField()
    expires = models.DateField(null=True)
    terminated = models.DateField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires__isnull=True) | Q(expires__gt=F("effective")), name="agreement_ends_after_it_begins"
            )
        ]

    def __str__(self) -> str:
        return f"Agreement {self.pk}"

    @property
    def opened(self) -> dict[str, Any]:
        if not hasattr(self, "_opened"):
            self._opened: dict[str, Any] = sealing.open_service(
                self.sealed, table=AGREEMENT_TABLE, row=self.pk, version=self.version
            )
        return self._opened


@classify(
    id=Kind.PLAIN, agreement=Kind.PLAIN, sealed=Kind.SEALED, stored=Kind.PLAIN, size=Kind.PLAIN, added_at=Kind.PLAIN
)
class Document(models.Model):
    """The signed paper, as a sealed file under a random name. Sealed here: name, type, sha256. Never replaced."""

    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="documents")
    sealed = models.BinaryField()
    stored = models.CharField(max_length=100, unique=True)
    size = models.IntegerField()
    added_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"Document {self.pk}"

    @property
    def opened(self) -> dict[str, Any]:
        if not hasattr(self, "_opened"):
            self._opened: dict[str, Any] = sealing.open_service(self.sealed, table=DOCUMENT_TABLE, row=self.pk)
        return self._opened

    @property
    def name(self) -> str:
        return str(self.opened["name"])


@classify(
    id=Kind.PLAIN,
    vendor=Kind.PLAIN,
    sealed=Kind.SEALED,
    version=Kind.PLAIN,
    found=Kind.PLAIN,
    closed=Kind.PLAIN,
    ending=Kind.PLAIN,
    created_at=Kind.PLAIN,
)
class MaterialBreach(models.Model):
    """A vendor broke its agreement in substance (45 CFR 164.504(e)(1)(ii)). Sealed: what, steps, closing.

    From the day it was ``found`` until the day it is ``closed`` no agreement of the vendor counts. It is closed by a
    cure or by the end of every agreement, and never deleted.
    """

    class Ending(models.TextChoices):
        CURED = "cured", "Cured"
        TERMINATED = "terminated", "Ended by terminating the agreement"

    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="breaches")
    sealed = models.BinaryField()
    version = models.IntegerField(default=1)
    found = models.DateField()
    closed = models.DateField(null=True)
    ending = models.CharField(max_length=10, choices=Ending.choices, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(closed__isnull=True, ending="") | (Q(closed__isnull=False) & ~Q(ending="")),
                name="breach_closed_has_an_ending",
            ),
            models.CheckConstraint(
                condition=Q(closed__isnull=True) | Q(closed__gte=F("found")), name="breach_ends_after_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return f"MaterialBreach {self.pk}"

    @property
    def pk_text(self) -> str:
        """Its id as text, for ids of elements."""
        return str(self.pk)

    def is_open(self, on: date) -> bool:
        """Whether it stands on a day: from when it was found to the day before it is closed."""
        return self.found <= on and (self.closed is None or on < self.closed)

    @property
    def opened(self) -> dict[str, Any]:
        if not hasattr(self, "_opened"):
            self._opened: dict[str, Any] = sealing.open_service(
                self.sealed, table=BREACH_TABLE, row=self.pk, version=self.version
            )
        return self._opened
