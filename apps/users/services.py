"""Staff: invited, enrolled, changed, disabled. Sessions of whoever loses access end at once."""

from __future__ import annotations

import hmac
import os
import secrets
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_str
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from apps.audit.actions import Action
from apps.audit.changes import seal_change
from apps.audit.services import record
from apps.core import actors, clock
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.core.permissions import Role
from apps.users import selectors
from apps.users.models import TABLE, RecoveryCode, RecoveryDevice, TotpDevice, User, login_token
from apps.users.sessions import stored_key
from apps.vault import sealing

RECOVERY_CODES = 10
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


class InvitationTokens(PasswordResetTokenGenerator):
    """Links that set a password once: they end with the first use, with a change of state, or after three days."""

    key_salt = "apps.users.invitation"

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        return f"{user.pk}{user.password}{user.is_active}{user.last_login}{timestamp}"


invitation_tokens = InvitationTokens()


@transaction.atomic
def user_create(*, actor: Actor, email: str, name: str, role: str, password: str | None = None) -> User:
    """Create a member of staff. Raises ``Refused`` for a bad address, an unknown role, or a taken address."""
    try:
        validate_email(email)
        chosen = Role(role)
    except ValidationError:
        raise Refused("address.malformed", "That is not an e-mail address. Check it and try again.") from None
    except ValueError:
        raise Refused("staff.role_unknown", f"There is no such role. Choose one of: {', '.join(Role)}.") from None
    token = login_token(email)
    sealed = sealing.seal_service({"email": email.strip(), "name": name.strip()}, table=TABLE, row=token)
    user = User(login=token, sealed=sealed, role=chosen.value)
    if password is None:
        user.set_unusable_password()
    else:
        user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        raise Refused(
            "staff.address_taken", "Somebody signs in with that address already. Open their row instead."
        ) from None
    facts = {"email": user.email, "name": user.name, "role": chosen.word}
    record(
        actor=actor,
        action=Action.USER_CREATE,
        kind="user",
        subject=user.pk,
        codes={"role": chosen.value},
        change=seal_change({}, facts),
    )
    return user


@transaction.atomic
def user_invite(*, actor: Actor, email: str, name: str, role: str) -> tuple[User, str]:
    """Create a member of staff without a password; returns them and the path of a one-time link to hand over."""
    user = user_create(actor=actor, email=email, name=name, role=role)
    _record_link(actor, user, mailed=False)
    return user, invitation_path(user)


@dataclass(frozen=True)
class Invitation:
    """A one-time link. ``url`` begins with the public address; ``mailed`` says whether it is on its way by mail."""

    user: User
    url: str = field(repr=False)
    mailed: bool


@transaction.atomic
def staff_invite(*, actor: Actor, email: str, name: str, role: str) -> Invitation:
    """Invite somebody: a member of staff without a password, and the link, mailed where mail is set up."""
    return _hand_over(actor, user_create(actor=actor, email=email, name=name, role=role), by_mail=True)


@transaction.atomic
def link_renew(*, actor: Actor, user: User, by_mail: bool = True) -> Invitation:
    """A fresh link to choose a password, mailed where mail is set up, or (``by_mail`` False) only returned.

    The old password works until the link is used. Raises ``Refused`` for somebody whose access is disabled.
    """
    if not user.is_active:
        raise Refused("staff.disabled", "Give access back first, then make a link.")
    return _hand_over(actor, user, by_mail=by_mail)


def _hand_over(actor: Actor, user: User, *, by_mail: bool) -> Invitation:
    path = invitation_path(user)
    # Never from the host that the request named: whoever asks could name a host of their own.
    url = settings.PUBLIC_URL + reverse("users:invitation", args=path.split("/"))
    text = render_to_string("users/invitation_mail.txt", {"name": user.name, "url": url})
    message = EmailMessage("Choose your password for Carelane", text, to=[user.email])
    mailed = by_mail and message.send() == 1
    _record_link(actor, user, mailed=mailed)
    return Invitation(user, url, mailed)


def _record_link(actor: Actor, user: User, *, mailed: bool) -> None:
    # Whoever saw the link could have chosen the password: the trail says whether somebody but the invited person did.
    codes = {"link": "mailed" if mailed else "shown"}
    record(actor=actor, action=Action.USER_INVITE, kind="user", subject=user.pk, codes=codes)


def invitation_path(user: User) -> str:
    """``uid/token`` of the one-time link that lets ``user`` choose a password."""
    return f"{urlsafe_base64_encode(str(user.pk).encode())}/{invitation_tokens.make_token(user)}"


def invited(uid: str, token: str) -> User | None:
    """The member of staff an unused, fresh link belongs to, else None."""
    try:
        user = User.objects.filter(pk=int(force_str(urlsafe_base64_decode(uid))), is_active=True).first()
    except (ValueError, OverflowError):
        return None
    return user if user and invitation_tokens.check_token(user, token) else None


@transaction.atomic
def invitation_use(*, uid: str, token: str, password: str) -> User | None:
    """Set a validated password by a one-time link; None when somebody used it in the meantime.

    Two who press the button at once wait for each other here, or the link would work twice.
    """
    found = invited(uid, token)
    if found is None:
        return None
    user = User.objects.select_for_update().get(pk=found.pk)
    if not user.is_active or not invitation_tokens.check_token(user, token):
        return None
    user_set_password(actor=actors.staff(user.pk, user.role), user=user, password=password)
    return user


@transaction.atomic
def password_confirm(*, actor: Actor, user: User, password: str) -> bool:
    """Whether ``password`` is the person's, asked again in their session.

    Whoever sits at an open session could guess for hours, so wrong ones count like those of the sign-in. The fifth
    locks, and ends every session of the person: ``User.is_locked`` says so afterwards.
    """
    row = User.objects.select_for_update().get(pk=user.pk)
    now = clock.now()
    if row.check_password(password) and not row.is_locked(now):
        if row.failed_tries:
            row.failed_tries = 0
            row.save(update_fields=["failed_tries"])
        return True
    record(
        actor=actor, action=Action.USER_SIGN_IN_FAILED, kind="user", subject=row.pk, codes={"why": "current password"}
    )
    row.failed_tries += 1
    if row.failed_tries >= settings.SIGN_IN_TRIES or row.is_locked(now):
        row.failed_tries, row.locked_until = 0, max(row.locked_until or now, now + settings.SIGN_IN_LOCK)
        record(actor=actor, action=Action.USER_LOCK, kind="user", subject=row.pk, codes={"why": "tries"})
        sessions_end(row)
    row.save(update_fields=["failed_tries", "locked_until"])
    user.failed_tries, user.locked_until = row.failed_tries, row.locked_until
    return False


@transaction.atomic
def user_set_password(*, actor: Actor, user: User, password: str) -> None:
    """Set a validated password; every session of the person ends (the caller may start a new one)."""
    user.set_password(password)
    user.failed_tries, user.locked_until = 0, None
    user.save(update_fields=["password", "failed_tries", "locked_until"])
    sessions_end(user)
    record(actor=actor, action=Action.USER_SET_PASSWORD, kind="user", subject=user.pk)


@transaction.atomic
def user_change(*, actor: Actor, user: User, name: str, role: str) -> None:
    """Change name and role. Nobody changes their own role, and the last administrator stays one."""
    user = User.objects.select_for_update().get(pk=user.pk)
    if role != user.role:
        if actor.kind == "staff" and actor.id == str(user.pk):
            raise Refused("staff.own_role", "Ask another administrator to change your own role.")
        _keep_an_administrator(user)
        sessions_end(user)
    before = {"name": user.name, "role": Role(user.role).word}
    user.role = Role(role).value
    user.sealed = sealing.seal_service({"email": user.email, "name": name.strip()}, table=TABLE, row=user.login)
    user.save(update_fields=["role", "sealed"])
    after = {"name": name.strip(), "role": Role(role).word}
    record(
        actor=actor,
        action=Action.USER_CHANGE,
        kind="user",
        subject=user.pk,
        fields=sorted(fact for fact, value in before.items() if after[fact] != value),
        codes={"role": user.role},
        change=seal_change(before, after),
    )


@transaction.atomic
def user_disable(*, actor: Actor, user: User) -> None:
    """End access now: sign-in refused, sessions gone (S-124)."""
    user = User.objects.select_for_update().get(pk=user.pk)
    if actor.kind == "staff" and actor.id == str(user.pk):
        raise Refused("staff.own_access", "Ask another administrator to disable your own access.")
    _keep_an_administrator(user)
    user.is_active, user.disabled_at = False, clock.now()
    user.save(update_fields=["is_active", "disabled_at"])
    sessions_end(user)
    record(actor=actor, action=Action.USER_DISABLE, kind="user", subject=user.pk)


@transaction.atomic
def user_enable(*, actor: Actor, user: User) -> None:
    """Give access back; the second factor stays as it was."""
    user.is_active, user.disabled_at, user.failed_tries, user.locked_until = True, None, 0, None
    user.save(update_fields=["is_active", "disabled_at", "failed_tries", "locked_until"])
    record(actor=actor, action=Action.USER_ENABLE, kind="user", subject=user.pk)


@transaction.atomic
def user_unlock(*, actor: Actor, user: User) -> None:
    """End the lock that five wrong tries brought."""
    user = User.objects.select_for_update().get(pk=user.pk)
    user.failed_tries, user.locked_until = 0, None
    user.save(update_fields=["failed_tries", "locked_until"])
    record(actor=actor, action=Action.USER_UNLOCK, kind="user", subject=user.pk)


@transaction.atomic
def preferences_change(*, actor: Actor, user: User, theme: str) -> None:
    """How the product looks for this person: ``theme`` is light, dark, or empty for "as the system"."""
    if theme not in {"", "light", "dark"}:
        raise Refused("theme.unknown", "Choose light, dark, or as your system.")
    User.objects.filter(pk=user.pk).update(theme=theme)
    record(actor=actor, action=Action.USER_CHANGE, kind="user", subject=user.pk, fields=["theme"])


@transaction.atomic
def compact_change(*, actor: Actor, user: User, compact: bool) -> None:
    """Whether tables have low rows for this person, in every browser."""
    User.objects.filter(pk=user.pk).update(compact=compact)
    record(actor=actor, action=Action.USER_CHANGE, kind="user", subject=user.pk, fields=["compact"])


@transaction.atomic
def sessions_end_others(*, actor: Actor, user: User, keep: str) -> int:
    """End every session of ``user`` but the one with key ``keep``; returns how many."""
    ended = sessions_end(user, keep)
    record(actor=actor, action=Action.USER_END_SESSIONS, kind="user", subject=user.pk, codes={"ended": ended})
    return ended


@transaction.atomic
def session_end(*, actor: Actor, user: User, handle: str) -> None:
    """End one session of ``user``, named by its handle (``sessions.stored_key``).

    Raises ``Refused`` when there is none of that name (it may have ended meanwhile).
    """
    for session in selectors.sessions_of(user):
        if hmac.compare_digest(session.session_key.encode(), handle.encode()):
            session.delete()
            record(actor=actor, action=Action.USER_END_SESSIONS, kind="user", subject=user.pk, codes={"ended": 1})
            return
    raise Refused("session.ended", "That session has ended already.")


@transaction.atomic
def factor_reset(*, actor: Actor, user: User) -> None:
    """Remove the second factor: the person enrolls a new one at the next sign-in; sessions end."""
    TotpDevice.objects.filter(user=user).delete()
    RecoveryDevice.objects.filter(user=user).delete()
    sessions_end(user)
    record(actor=actor, action=Action.USER_RESET_FACTOR, kind="user", subject=user.pk)


@transaction.atomic
def factor_begin(*, user: User) -> TotpDevice:
    """A fresh, unconfirmed authenticator for enrolment; replaces an earlier unconfirmed one."""
    TotpDevice.objects.filter(user=user, confirmed=False).delete()
    sealed = sealing.seal_service({"secret": os.urandom(20).hex()}, table="users_totpdevice", row=user.pk)
    return TotpDevice.objects.create(user=user, name="Authenticator app", confirmed=False, sealed=sealed)


@transaction.atomic
def factor_confirm(*, actor: Actor, user: User, device: TotpDevice, code: str) -> list[str]:
    """Confirm the authenticator by a code; returns ten recovery codes, shown this once.

    Raises ``Refused`` when the code is wrong or the device already has a confirmed sibling.
    """
    if TotpDevice.objects.filter(user=user, confirmed=True).exists():
        raise Refused("authenticator.enrolled", "An authenticator is enrolled already. An administrator can reset it.")
    if not device.verify_token(code):
        raise Refused("authenticator.code_wrong", "That code is not right. Wait for the next one and type it again.")
    TotpDevice.objects.filter(pk=device.pk).update(confirmed=True)
    record(actor=actor, action=Action.USER_ENROL_FACTOR, kind="user", subject=user.pk)
    return recovery_codes_renew(actor=actor, user=user)


@transaction.atomic
def recovery_codes_renew(*, actor: Actor, user: User) -> list[str]:
    """Ten new recovery codes (``xxxxx-xxxxx``, 49 bits); the old ones end."""
    RecoveryDevice.objects.filter(user=user).delete()
    device = RecoveryDevice.objects.create(user=user, name="Recovery codes", confirmed=True)
    codes = []
    for _ in range(RECOVERY_CODES):
        raw = "".join(secrets.choice(_ALPHABET) for _ in range(10))
        codes.append(f"{raw[:5]}-{raw[5:]}")
    RecoveryCode.objects.bulk_create(
        RecoveryCode(device=device, token=RecoveryDevice.token_of(user.pk, code)) for code in codes
    )
    record(actor=actor, action=Action.USER_NEW_RECOVERY_CODES, kind="user", subject=user.pk)
    return codes


def sessions_end(user: User, keep: str = "") -> int:
    """Delete every session of ``user`` but the one with key ``keep``; returns how many."""
    ended = 0
    for session in selectors.sessions_of(user):
        if not keep or session.session_key != stored_key(keep):
            session.delete()
            ended += 1
    return ended


def _keep_an_administrator(user: User) -> None:
    others = User.objects.filter(role=Role.ADMINISTRATOR, is_active=True).exclude(pk=user.pk)
    if user.role == Role.ADMINISTRATOR and not others.select_for_update().exists():
        raise Refused("staff.last_administrator", "This is the only administrator. Make somebody else one first.")


# -- Signing in and out ----------------------------------------------------------------------------------------


@transaction.atomic
def sign_in_try(*, actor: Actor, login: str, password: str) -> User | None:
    """Whoever has this login and password, or None; counts wrong ones, and locks after ``SIGN_IN_TRIES``.

    A stranger learns nothing: unknown, disabled, locked and wrong all cost one password hash and fail alike. Not
    even a right password tells that there is a lock, or the lock would say which guess was right.
    """
    user = User.objects.select_for_update().filter(login=login).first()
    if user is None:
        User().set_password(password)  # the same time as a real try
        record(actor=actor, action=Action.USER_SIGN_IN_FAILED, codes={"why": "unknown"})
        return None
    now = clock.now()
    right = user.check_password(password)
    if user.is_locked(now) or not user.is_active:
        why = "locked" if user.is_active else "disabled"
        _sign_in_note(actor, user, Action.USER_SIGN_IN_FAILED, why)
        return None
    if right:
        if user.failed_tries or user.locked_until:
            user.failed_tries, user.locked_until = 0, None
            user.save(update_fields=["failed_tries", "locked_until"])
        return user
    user.failed_tries += 1
    _sign_in_note(actor, user, Action.USER_SIGN_IN_FAILED, "password")
    if user.failed_tries >= settings.SIGN_IN_TRIES:
        user.failed_tries, user.locked_until = 0, now + settings.SIGN_IN_LOCK
        _sign_in_note(actor, user, Action.USER_LOCK, "tries")
    user.save(update_fields=["failed_tries", "locked_until"])
    return None


def _sign_in_note(actor: Actor, user: User, action: Action, why: str) -> None:
    record(actor=actor, action=action, kind="user", subject=user.pk, codes={"why": why})


def sessions_clear() -> None:
    """Remove the sessions that ended; nothing about anybody was in them but an id."""
    Session.objects.filter(expire_date__lt=clock.now()).delete()
