"""allauth's hooks: nobody signs up; staff are invited."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from apps.audit.actions import Action
from apps.audit.services import record
from apps.core import actors
from apps.core.http.proxies import network_of
from apps.vault import tokens


class StaffAccountAdapter(DefaultAccountAdapter):
    """Closed sign-up, no messages of the library's own, every sign-in on the trail."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        return None

    def get_client_ip(self, request: HttpRequest) -> str:
        """A keyed token of the visitor's network, by which the library counts tries: its keys lie in Redis in plain."""
        return tokens.token128("sign_in.address", network_of(str(request.META.get("REMOTE_ADDR", "")))).hex()

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> Any:
        actor = actors.staff(user.pk, user.role)
        record(actor=actor, action=Action.USER_SIGN_IN, kind="user", subject=user.pk)
        return super().post_login(request, user, **kwargs)
