"""The installation's own organization. One per installation: dedicated infrastructure, no tenants."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Q
from django.urls import reverse

from apps.core import clock
from apps.core.classification import Kind, classify
from apps.vault import sealing

TABLE = "organizations_organization"


@classify(id=Kind.PLAIN, sealed=Kind.SEALED, zone=Kind.PLAIN, version=Kind.PLAIN, updated_at=Kind.PLAIN)
class Organization(models.Model):
    """Sealed: name, postal_address, phone, web, complaint_contact, security_official, privacy_official,
    logo (name of a sealed file) and logo_kind (media type)."""

    sealed = models.BinaryField()
    zone = models.CharField(max_length=40, default="America/New_York")
    # Counts the changes, so that two people who edit at once are told.
    version = models.IntegerField(default=1, db_default=1)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_organization")]

    def __str__(self) -> str:
        return f"Organization {self.pk}"

    @property
    def opened(self) -> dict[str, Any]:
        if not hasattr(self, "_opened"):
            self._opened: dict[str, Any] = sealing.open_service(self.sealed, table=TABLE, row=1)
        return self._opened

    @property
    def name(self) -> str:
        return str(self.opened.get("name", ""))

    @property
    def phone(self) -> str:
        return str(self.opened.get("phone", ""))

    @property
    def postal_address(self) -> str:
        return str(self.opened.get("postal_address", ""))

    @property
    def logo_url(self) -> str:
        """Address of the logo, new with every new picture; empty without one."""
        name = str(self.opened.get("logo", ""))
        return f"{reverse('organizations:logo')}?v={name[-12:]}" if name else ""

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


@classify(id=Kind.PLAIN, name=Kind.PLAIN, value=Kind.PLAIN, changed_by=Kind.PLAIN, changed_at=Kind.PLAIN)
class EnvironmentSetting(models.Model):
    """One setting of the environment as a worker last started with it: a copy, so that a change can be seen.

    Nothing reads it to decide anything. Holds no credential (``settings.ENVIRONMENT`` names what may stand here), and
    so django-auditlog may keep its values before and after in clear.
    """

    LONGEST = 500

    name = models.CharField(max_length=60, unique=True)
    value = models.CharField(max_length=LONGEST, blank=True)
    changed_by = models.CharField(max_length=40)
    changed_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"EnvironmentSetting {self.pk}"

    def get_additional_data(self) -> dict[str, str]:
        """What django-auditlog keeps beside the change: which setting it was, and who (``str(actor)``)."""
        return {"name": self.name, "actor": self.changed_by}
