"""The invented clinic's staff: one sign-in for each role, with second factors whose codes a demo page shows."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from django.db import transaction
from django_otp.oath import TOTP

from apps.core import actors, clock
from apps.core.permissions import Role
from apps.users import services
from apps.users.models import TotpDevice, User

PASSWORD = "demo clinic password"  # noqa: S105 - printed at every start; exists in the demo only


@dataclass(frozen=True)
class Member:
    email: str
    name: str
    role: Role


MEMBERS = (
    Member("ada@riverbend.test", "Ada Okafor", Role.ADMINISTRATOR),
    Member("max@riverbend.test", "Max Lindgren", Role.MARKETER),
    Member("rita@riverbend.test", "Rita Vargas", Role.REVIEWER),
    Member("nora@riverbend.test", "Nora Whitfield", Role.CARE_STAFF),
    Member("otto@riverbend.test", "Otto Brandt", Role.AUDITOR),
)


@dataclass(frozen=True)
class SignIn:
    """What a visitor of the demo types: ``secret`` is base32 for an authenticator app, ``code`` the current one."""

    member: Member
    secret: str
    code: str
    seconds_left: int


@transaction.atomic
def create_missing() -> int:
    """Create the demo's staff where missing, each with a confirmed authenticator; returns how many are new."""
    made = 0
    actor = actors.system("demo")
    for member in MEMBERS:
        if User.objects.by_email(member.email):
            continue
        user = services.user_create(
            actor=actor, email=member.email, name=member.name, role=member.role, password=PASSWORD
        )
        device = services.factor_begin(user=user)
        TotpDevice.objects.filter(pk=device.pk).update(confirmed=True)
        services.recovery_codes_renew(actor=actor, user=user)
        made += 1
    return made


def sign_ins() -> list[SignIn]:
    """Every demo sign-in with its current code."""
    found = []
    now = clock.now().timestamp()
    for member in MEMBERS:
        user = User.objects.by_email(member.email)
        device = TotpDevice.objects.filter(user=user, confirmed=True).first() if user else None
        if device is None:
            continue
        totp = TOTP(device.secret)
        totp.time = now
        secret = base64.b32encode(device.secret).decode()
        found.append(SignIn(member, secret, f"{totp.token():06d}", int(30 - now % 30)))
    return found
