"""Staff: their address and name are sealed under the service key and found by a keyed token."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models, transaction
from django.db.models import Q
from django_otp.models import Device, ThrottlingMixin
from django_otp.oath import TOTP

from apps.core import clock
from apps.core.classification import Kind, classify
from apps.core.permissions import Permission, Role, allows
from apps.vault import sealing, tokens

TABLE = "users_user"


def login_token(email: str) -> str:
    """The keyed look-up of a staff address (32 hex digits); case and surrounding space do not count."""
    return tokens.token128("staff.email", tokens.normalize(email)).hex()


class UserManager(BaseUserManager["User"]):
    def by_email(self, email: str) -> User | None:
        return self.filter(login=login_token(email)).first()


@classify(
    id=Kind.PLAIN,
    password=Kind.SECRET,
    last_login=Kind.PLAIN,
    login=Kind.TOKEN,
    sealed=Kind.SEALED,
    role=Kind.PLAIN,
    is_active=Kind.PLAIN,
    failed_tries=Kind.PLAIN,
    locked_until=Kind.PLAIN,
    theme=Kind.PLAIN,
    compact=Kind.PLAIN,
    created_at=Kind.PLAIN,
    disabled_at=Kind.PLAIN,
)
class User(AbstractBaseUser):
    """A member of staff. One person, one sign-in (45 CFR 164.312(a)(2)(i)); never deleted, only disabled."""

    login = models.CharField(max_length=32, unique=True)
    sealed = models.BinaryField()
    role = models.CharField(max_length=20, choices=[(role.value, role.word) for role in Role])
    is_active = models.BooleanField(default=True)
    failed_tries = models.PositiveSmallIntegerField(default=0)
    locked_until = models.DateTimeField(null=True, blank=True)
    theme = models.CharField(max_length=5, blank=True, choices=[("light", "Light"), ("dark", "Dark")])
    compact = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)
    disabled_at = models.DateTimeField(null=True, blank=True)

    USERNAME_FIELD = "login"
    REQUIRED_FIELDS = []
    objects = UserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(is_active=True, disabled_at__isnull=True) | Q(is_active=False, disabled_at__isnull=False),
                name="user_disabled_has_a_date",
            )
        ]

    def __str__(self) -> str:
        return f"User {self.pk}"

    def __repr__(self) -> str:
        return f"<User {self.pk}>"

    @property
    def opened(self) -> dict[str, Any]:
        """``{"email", "name"}``, opened once per instance."""
        if not hasattr(self, "_opened"):
            self._opened: dict[str, Any] = sealing.open_service(self.sealed, table=TABLE, row=self.login)
        return self._opened

    @property
    def email(self) -> str:
        return str(self.opened["email"])

    @property
    def name(self) -> str:
        return str(self.opened.get("name") or self.opened["email"])

    def may(self, permission: Permission | str) -> bool:
        """Whether the role holds the permission (templates: ``user.may_...`` see ``core.templatetags``)."""
        return self.is_active and allows(self.role, Permission(permission))

    def is_locked(self, now: datetime) -> bool:
        return self.locked_until is not None and self.locked_until > now


def _one_at_a_time(device: Device) -> None:
    """Tries sent side by side wait for each other: the pause after a wrong one holds for all of them."""
    type(device).objects.select_for_update().filter(pk=device.pk).first()
    device.refresh_from_db()


@classify(
    id=Kind.PLAIN,
    user=Kind.PLAIN,
    name=Kind.PLAIN,
    confirmed=Kind.PLAIN,
    sealed=Kind.SEALED,
    last_step=Kind.PLAIN,
    drift=Kind.PLAIN,
    created_at=Kind.PLAIN,
    throttling_failure_timestamp=Kind.PLAIN,
    throttling_failure_count=Kind.PLAIN,
)
class TotpDevice(ThrottlingMixin, Device):
    """An authenticator app (RFC 6238, SHA-1, 30 s, 6 digits); its secret is sealed. A code works once."""

    sealed = models.BinaryField()
    last_step = models.BigIntegerField(default=-1)
    drift = models.SmallIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user"], condition=Q(confirmed=True), name="one_confirmed_totp")]

    def __str__(self) -> str:
        return f"TotpDevice {self.pk}"

    @property
    def secret(self) -> bytes:
        return bytes.fromhex(sealing.open_service(self.sealed, table="users_totpdevice", row=self.user_id)["secret"])

    @transaction.atomic
    def verify_token(self, token: str) -> bool:
        _one_at_a_time(self)
        allowed, _ = self.verify_is_allowed()
        if not allowed:
            return False
        digits = "".join(str(token).split())
        if not digits.isdecimal() or len(digits) != 6:
            self.throttle_increment()
            return False
        totp = TOTP(self.secret, drift=self.drift)
        totp.time = clock.now().timestamp()
        if totp.verify(int(digits), tolerance=1, min_t=self.last_step + 1):
            # A conditional update: the same code typed twice at once is accepted once (ASVS 6.5.1).
            won = TotpDevice.objects.filter(pk=self.pk, last_step=self.last_step).update(
                last_step=totp.t(), drift=totp.drift
            )
            if won:
                self.last_step, self.drift = totp.t(), totp.drift  # throttle_reset saves the whole row
                self.throttle_reset()
                return True
            return False
        self.throttle_increment()
        return False

    def get_throttle_factor(self) -> int:
        return 1


@classify(
    id=Kind.PLAIN,
    user=Kind.PLAIN,
    name=Kind.PLAIN,
    confirmed=Kind.PLAIN,
    throttling_failure_timestamp=Kind.PLAIN,
    throttling_failure_count=Kind.PLAIN,
)
class RecoveryDevice(ThrottlingMixin, Device):
    """Ten printed codes for the day the phone is lost; each works once."""

    def __str__(self) -> str:
        return f"RecoveryDevice {self.pk}"

    @staticmethod
    def token_of(user_id: int, code: str) -> bytes:
        bare = "".join(character for character in code.casefold() if character.isalnum())
        return tokens.token128("staff.recovery", f"{user_id}|{bare}")

    @transaction.atomic
    def verify_token(self, token: str) -> bool:
        _one_at_a_time(self)
        allowed, _ = self.verify_is_allowed()
        if not allowed:
            return False
        used = self.codes.filter(token=self.token_of(self.user_id, token), used_at__isnull=True).update(
            used_at=clock.now()
        )
        if used:
            self.throttle_reset()
            return True
        self.throttle_increment()
        return False

    def get_throttle_factor(self) -> int:
        return 1


@classify(id=Kind.PLAIN, device=Kind.PLAIN, token=Kind.SECRET, used_at=Kind.PLAIN)
class RecoveryCode(models.Model):
    device = models.ForeignKey(RecoveryDevice, related_name="codes", on_delete=models.CASCADE)
    token = models.BinaryField(max_length=16)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["device", "token"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"RecoveryCode {self.pk}"
