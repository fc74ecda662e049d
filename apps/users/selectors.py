"""Reading staff: what lists and pages of the settings show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.sessions.models import Session
from django.db.models import Count, Q

from apps.core import clock
from apps.core.permissions import Role
from apps.users.models import RecoveryCode, TotpDevice, User

# One sentence for each role: what a person with it can do here.
ROLE_WORDS = {
    Role.ADMINISTRATOR: ("Everything, with users, settings and the audit trail.", "settings"),
    Role.MARKETER: ("Imports people; builds segments, templates, campaigns and journeys.", "send"),
    Role.REVIEWER: ("Reads what marketers prepare and approves or rejects it.", "clipboard-check"),
    Role.CARE_STAFF: ("Opens people and answers their messages.", "stethoscope"),
    Role.AUDITOR: ("Reads everything and the audit trail; changes nothing.", "history"),
}


@dataclass(frozen=True)
class StaffRow:
    """A member of staff as lists show them; ``state`` is active, invited, locked or disabled."""

    user: User
    state: str
    has_factor: bool


def state_of(user: User, now: datetime) -> str:
    """One word for whether and how ``user`` can sign in."""
    if not user.is_active:
        return "disabled"
    if user.is_locked(now):
        return "locked"
    return "active" if user.has_usable_password() else "invited"


def staff_rows() -> list[StaffRow]:
    """All staff, those with access first, by name. An installation has tens of them, so no pages."""
    now = clock.now()
    users = User.objects.annotate(factors=Count("totpdevice", filter=Q(totpdevice__confirmed=True)))
    rows = [StaffRow(user, state_of(user, now), user.factors > 0) for user in users]
    return sorted(rows, key=lambda row: (not row.user.is_active, row.user.name.casefold()))


def staff_row(user_id: int) -> StaffRow | None:
    """One of them, or None."""
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        return None
    factor = TotpDevice.objects.filter(user=user, confirmed=True).exists()
    return StaffRow(user, state_of(user, clock.now()), factor)


def recovery_codes_left(user: User) -> int:
    """How many recovery codes still work."""
    return RecoveryCode.objects.filter(device__user=user, used_at__isnull=True).count()


def sessions_of(user: User) -> int:
    """How many browsers ``user`` is signed in with."""
    living = Session.objects.filter(expire_date__gte=clock.now())
    return sum(session.get_decoded().get("_auth_user_id") == str(user.pk) for session in living.iterator())
