"""The shape of every command of the road: ``--as``, ``--json``, exit codes 0 done, 1 refused, 2 wrong use."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core import actors
from apps.core.actors import Actor
from apps.core.errors import Refused


class RoadCommand(BaseCommand):
    """Subclasses implement ``perform(actor, **options)`` and return the JSON object to print.

    ``line(result)`` gives the sentence printed without ``--json``.
    """

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(*args, **kwargs)
        parser.add_argument("--as", dest="as_email", metavar="EMAIL", help="act as this member of staff")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
        return parser

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        raise NotImplementedError

    def line(self, result: dict[str, Any]) -> str:
        """The sentence for people; by default the keys and values."""
        return ", ".join(f"{key}: {value}" for key, value in result.items())

    def handle(self, *args: Any, as_email: str | None = None, as_json: bool = False, **options: Any) -> None:
        try:
            actor = actor_named(as_email) if as_email else actors.COMMAND_LINE
            result = self.perform(actor, **options)
        except Refused as refusal:
            if as_json:
                self.stdout.write(json.dumps({"refused": str(refusal)}))
            else:
                self.stderr.write(str(refusal))
            sys.exit(1)
        except CommandError as wrong:
            self.stderr.write(str(wrong))
            sys.exit(2)
        self.stdout.write(json.dumps(result) if as_json else self.line(result))
        if result.get("ok") is False:
            sys.exit(1)


def actor_named(email: str) -> Actor:
    """The member of staff with this address as an actor. Raises ``Refused`` when nobody active has it."""
    from django.contrib.auth import get_user_model

    user = get_user_model().objects.by_email(email)
    if user is None or not user.is_active:
        raise Refused("Nobody active signs in with that address.")
    return actors.staff(user.pk, user.role)
