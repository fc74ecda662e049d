"""``create_admin``: the first administrator of an installation."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.permissions import Permission, Role
from apps.users import services


class Command(RoadCommand):
    help = "Create an administrator and print the one-time link with which they choose a password."
    permission = Permission.USER_MANAGE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="")

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        _, path = services.user_invite(
            actor=actor, email=options["email"], name=options["name"], role=Role.ADMINISTRATOR
        )
        return {"link": f"{settings.PUBLIC_URL}/account/invitation/{path}/", "valid_days": 3}
