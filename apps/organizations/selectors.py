"""Reading the organization."""

from __future__ import annotations

import base64
from zoneinfo import ZoneInfo

from django.core.files.storage import default_storage

from apps.organizations.models import TABLE, Organization
from apps.vault import sealing

LOGO_TABLE = "organizations_logo"
DEFAULT_ZONE = ZoneInfo(Organization._meta.get_field("zone").default)


def current() -> Organization:
    """The installation's organization; before set-up an unsaved one with an empty name."""
    found = Organization.objects.filter(pk=1).first()
    if found is None:
        found = Organization(pk=1, sealed=sealing.seal_service({"name": ""}, table=TABLE, row=1))
    return found


def zone() -> ZoneInfo:
    """The clinic's time zone, without opening anything sealed."""
    name = Organization.objects.filter(pk=1).values_list("zone", flat=True).first()
    return ZoneInfo(name) if name else DEFAULT_ZONE


def logo() -> tuple[bytes, str] | None:
    """The logo and its media type, or None."""
    opened = current().opened
    name = str(opened.get("logo", ""))
    if not name or not default_storage.exists(name):
        return None
    with default_storage.open(name) as file:
        data = sealing.open_service(file.read(), table=LOGO_TABLE, row=name)["data"]
    return base64.b64decode(data), str(opened.get("logo_kind", "image/png"))
