"""The installation's own organization. One per installation: dedicated infrastructure, no tenants."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Q
from django.urls import reverse

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
