"""Reading staff: what lists and pages of the settings show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Count, Q

from apps.core import actors, clock
from apps.core.actors import Actor
from apps.core.permissions import Role
from apps.users import devices
from apps.users.models import RecoveryCode, TotpDevice, User
from apps.users.sessions import content, stored_key

# What a session keeps besides ids: moments of its own, and the code words of the browser (``devices``).
SEEN, BEGAN, DEVICE = "seen", "began", "device"
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


def actor_of(user_id: int) -> Actor | None:
    """The member of staff of that id as who acts; None for nobody, or somebody who has no access any more."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    return actors.staff(user.pk, user.role) if user is not None else None


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


@dataclass(frozen=True)
class SessionRow:
    """A browser somebody is signed in with. ``handle`` names it on pages: the keyed token that stands in the table."""

    handle: str
    device: str
    icon: str
    began: datetime | None
    seen: datetime | None
    is_this: bool


def sessions_of(user: User) -> Iterator[Session]:
    """The stored sessions of ``user`` that have not run out."""
    for session in Session.objects.filter(expire_date__gte=clock.now()).iterator():
        if content(session).get("_auth_user_id") == str(user.pk):
            yield session


def session_rows(user: User, this: str = "") -> list[SessionRow]:
    """Where ``user`` is signed in, this browser first, then the last used. ``this`` is the own session's key.

    A session that was idle for too long is over, although it is only removed with its next request.
    """
    now = clock.now()
    rows = []
    for session in sessions_of(user):
        data = content(session)
        seen, began = _moment(data.get(SEEN)), _moment(data.get(BEGAN))
        if seen is not None and now - seen > settings.SESSION_IDLE:
            continue
        code = str(data.get(DEVICE, ""))
        rows.append(
            SessionRow(
                handle=session.session_key,
                device=devices.words_of(code),
                icon=devices.icon_of(code),
                began=began,
                seen=seen,
                is_this=bool(this) and session.session_key == stored_key(this),
            )
        )
    return sorted(rows, key=lambda row: (row.is_this, row.seen or datetime.min.replace(tzinfo=UTC)), reverse=True)


def _moment(stamp: float | None) -> datetime | None:
    return datetime.fromtimestamp(stamp, UTC) if stamp else None
