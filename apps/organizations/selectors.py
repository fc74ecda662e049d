"""Reading the organization."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from apps.organizations.models import TABLE, Organization
from apps.vault import sealing


def current() -> Organization:
    """The installation's organization; before set-up an unsaved one with an empty name."""
    found = Organization.objects.filter(pk=1).first()
    if found is None:
        found = Organization(pk=1, sealed=sealing.seal_service({"name": ""}, table=TABLE, row=1))
    return found


def zone() -> ZoneInfo:
    """The clinic's time zone, without opening anything sealed."""
    name = Organization.objects.filter(pk=1).values_list("zone", flat=True).first()
    return ZoneInfo(name or Organization._meta.get_field("zone").default)
