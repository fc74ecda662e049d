"""Sign-in by password, with a lock after five wrong tries."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.db import transaction
from django.http import HttpRequest

from apps.audit.actions import Action
from apps.audit.services import record
from apps.core import actors, clock
from apps.users.models import User


class LockingBackend(ModelBackend):
    """Counts wrong passwords on the row itself, so that no cache and no other address resets the count.

    A stranger learns nothing: unknown, disabled, locked and wrong all cost one password hash and fail alike. Not
    even a right password tells that there is a lock, or the lock would say which guess was right.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if username is None or password is None:
            return None
        with transaction.atomic():
            user = User.objects.select_for_update().filter(login=username).first()
            if user is None:
                User().set_password(password)  # the same time as a real try
                record(actor=actors.STRANGER, action=Action.USER_SIGN_IN_FAILED, codes={"why": "unknown"})
                return None
            now = clock.now()
            right = user.check_password(password)
            if user.is_locked(now) or not user.is_active:
                why = "locked" if user.is_active else "disabled"
                self._note(user, Action.USER_SIGN_IN_FAILED, why)
                return None
            if right:
                if user.failed_tries or user.locked_until:
                    user.failed_tries, user.locked_until = 0, None
                    user.save(update_fields=["failed_tries", "locked_until"])
                return user
            user.failed_tries += 1
            self._note(user, Action.USER_SIGN_IN_FAILED, "password")
            if user.failed_tries >= settings.SIGN_IN_TRIES:
                user.failed_tries, user.locked_until = 0, now + settings.SIGN_IN_LOCK
                self._note(user, Action.USER_LOCK, "tries")
            user.save(update_fields=["failed_tries", "locked_until"])
            return None

    def user_can_authenticate(self, user: Any) -> bool:
        return bool(user.is_active)

    @staticmethod
    def _note(user: User, action: Action, why: str) -> None:
        record(actor=actors.STRANGER, action=action, kind="user", subject=user.pk, codes={"why": why})
