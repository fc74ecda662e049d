"""allauth's hooks: nobody signs up; staff are invited."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from apps.audit.actions import Action
from apps.audit.services import record
from apps.core import actors


class StaffAccountAdapter(DefaultAccountAdapter):
    """Closed sign-up, no messages of the library's own, every sign-in on the trail."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        return None

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> Any:
        actor = actors.staff(user.pk, user.role)
        record(actor=actor, action=Action.USER_SIGN_IN, kind="user", subject=user.pk)
        return super().post_login(request, user, **kwargs)
