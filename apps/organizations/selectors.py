"""Reading the organization."""

from __future__ import annotations

from apps.organizations.models import TABLE, Organization
from apps.vault import sealing


def current() -> Organization:
    """The installation's organization; before set-up an unsaved one with an empty name."""
    found = Organization.objects.filter(pk=1).first()
    if found is None:
        found = Organization(pk=1, sealed=sealing.seal_service({"name": ""}, table=TABLE, row=1))
    return found
