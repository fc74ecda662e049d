"""Permissions, roles, and the decorators that guard views. A view without one of them is closed to everybody."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase


class Permission(StrEnum):
    HOME = "home.view"
    CONTACT_VIEW = "contact.view"
    CONTACT_REVEAL = "contact.reveal"
    CONTACT_EDIT = "contact.edit"
    CONTACT_IMPORT = "contact.import"
    CONTACT_EXPORT = "contact.export"
    CONTACT_ERASE = "contact.erase"
    SEGMENT_VIEW = "segment.view"
    SEGMENT_EDIT = "segment.edit"
    TEMPLATE_VIEW = "template.view"
    TEMPLATE_EDIT = "template.edit"
    BRAND_EDIT = "brand.edit"
    CAMPAIGN_VIEW = "campaign.view"
    CAMPAIGN_EDIT = "campaign.edit"
    CAMPAIGN_APPROVE = "campaign.approve"
    CAMPAIGN_SEND = "campaign.send"
    JOURNEY_VIEW = "journey.view"
    JOURNEY_EDIT = "journey.edit"
    JOURNEY_ACTIVATE = "journey.activate"
    JOURNEY_APPROVE = "journey.approve"
    INBOX_VIEW = "inbox.view"
    INBOX_REPLY = "inbox.reply"
    DELIVERY_VIEW = "delivery.view"
    DELIVERY_EDIT = "delivery.edit"
    AUDIT_VIEW = "audit.view"
    AUDIT_EXPORT = "audit.export"
    COMPLIANCE_VIEW = "compliance.view"
    COMPLIANCE_EDIT = "compliance.edit"
    USER_MANAGE = "user.manage"
    ORGANIZATION_EDIT = "organization.edit"
    STATUS_VIEW = "status.view"


class Role(StrEnum):
    ADMINISTRATOR = "administrator"
    MARKETER = "marketer"
    REVIEWER = "reviewer"
    CARE_STAFF = "care_staff"
    AUDITOR = "auditor"

    @property
    def word(self) -> str:
        return self.value.replace("_", " ").capitalize()


P = Permission
_READ = {P.HOME, P.CONTACT_VIEW, P.SEGMENT_VIEW, P.TEMPLATE_VIEW, P.CAMPAIGN_VIEW, P.JOURNEY_VIEW}
# Minimum necessary (45 CFR 164.514(d)(2)): each role maps to what its work needs. Whoever prepares a mailing may
# not be the one who approves it; that is checked at the object too.
ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: frozenset(Permission),
    Role.MARKETER: frozenset(
        _READ
        | {P.CONTACT_EDIT, P.CONTACT_IMPORT, P.SEGMENT_EDIT, P.TEMPLATE_EDIT, P.BRAND_EDIT}
        | {P.CAMPAIGN_EDIT, P.CAMPAIGN_SEND, P.JOURNEY_EDIT, P.JOURNEY_ACTIVATE, P.DELIVERY_VIEW}
    ),
    Role.REVIEWER: frozenset(_READ | {P.CAMPAIGN_APPROVE, P.JOURNEY_APPROVE, P.DELIVERY_VIEW}),
    Role.CARE_STAFF: frozenset(
        {
            P.HOME,
            P.CONTACT_VIEW,
            P.CONTACT_REVEAL,
            P.CONTACT_EDIT,
            P.INBOX_VIEW,
            P.INBOX_REPLY,
            P.JOURNEY_VIEW,
        }
    ),
    Role.AUDITOR: frozenset(_READ | {P.AUDIT_VIEW, P.AUDIT_EXPORT, P.COMPLIANCE_VIEW, P.DELIVERY_VIEW, P.STATUS_VIEW}),
}


def allows(role: str, permission: Permission) -> bool:
    """Whether the role named ``role`` holds ``permission``; an unknown role holds none."""
    try:
        return permission in ROLE_PERMISSIONS[Role(role)]
    except ValueError:
        return False


def role_of(request: HttpRequest) -> str:
    """The role of whoever asks; "" for a stranger."""
    return str(getattr(request.user, "role", ""))


def may(request: HttpRequest, permission: Permission) -> bool:
    """Whether whoever asks holds ``permission``."""
    return allows(role_of(request), permission)


def roles_with(permission: Permission) -> list[Role]:
    """The roles that hold ``permission``: who can grant or do what the reader may not."""
    return [role for role in Role if permission in ROLE_PERMISSIONS[role]]


class NotPermitted(PermissionDenied):
    """The signed-in person lacks ``permission``; the 403 page says which roles hold it."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission
        super().__init__(permission.value)


View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def require(permission: Permission) -> Callable[[View], View]:
    """Guard a staff view: signed in, second factor verified (both by middleware), permission held."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            check(request, permission)
            return view(request, *args, **kwargs)

        guarded.guard = f"permission:{permission.value}"  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def staff_only(view: View) -> View:
    """Guard a view that any signed-in member of staff may open (own account, time-out heartbeat)."""
    view.guard = "staff"  # type: ignore[attr-defined]
    return view


def enrolment(view: View) -> View:
    """Guard of the views that bring a session to a verified second factor: signed in, nothing more."""
    view.guard = "enrolment"  # type: ignore[attr-defined]
    return view


def public(view: View) -> View:
    """Mark a view that strangers and patients may open (sign-in, portal, unsubscribe, health check)."""
    view.guard = "public"  # type: ignore[attr-defined]
    return view


def check(request: HttpRequest, permission: Permission) -> None:
    """Raise ``NotPermitted`` unless the request's member of staff holds ``permission``."""
    if not may(request, permission):
        raise NotPermitted(permission)
