"""Sign-in by password, with a lock after five wrong tries."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from apps.core import actors
from apps.users import services
from apps.users.models import User


class LockingBackend(ModelBackend):
    """Counts wrong passwords on the row itself, so that no cache and no other address resets the count."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if username is None or password is None:
            return None
        return services.sign_in_try(actor=actors.STRANGER, login=username, password=password)

    def user_can_authenticate(self, user: Any) -> bool:
        return bool(user.is_active)
