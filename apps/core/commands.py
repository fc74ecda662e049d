"""The shape of every command of the road: ``--as``, ``--json``, exit codes 0 done, 1 refused, 2 wrong use."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError
from django.utils.module_loading import import_string
from psycopg.errors import UndefinedTable

from apps.core import actors
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.core.permissions import Permission, Role, allows, roles_with


class RoadCommand(BaseCommand):
    """Subclasses implement ``perform(actor, **options)`` and return the JSON object to print.

    ``permission`` is what the same act asks for on a page: ``--as`` acts for a member of staff, so it can do no more
    than they could. Whoever has a shell and names nobody is "command line", and the trail says that instead.
    ``line(result)`` gives the sentence printed without ``--json``.
    """

    permission: Permission

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(*args, **kwargs)
        parser.add_argument("--as", dest="as_email", metavar="EMAIL", help="act as this member of staff")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
        return parser

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        raise NotImplementedError

    def line(self, result: dict[str, Any]) -> str:
        """The sentence for people; by default the keys and values, a line each where a value has parts."""
        several = any(isinstance(value, dict | list) for value in result.values())
        return ("\n" if several else ", ").join(f"{key}: {_words(value)}" for key, value in result.items())

    def handle(self, *args: Any, as_email: str | None = None, as_json: bool = False, **options: Any) -> None:
        try:
            # An empty name is nobody's: a script whose variable was not set must not become the command line.
            actor = actors.COMMAND_LINE if as_email is None else actor_named(as_email, self.permission)
            result = self.perform(actor, **options)
        except Refused as refusal:
            if as_json:
                self.stdout.write(json.dumps({"refused": str(refusal), "code": refusal.code}))
            else:
                self.stderr.write(str(refusal))
            sys.exit(1)
        except CommandError as wrong:
            self.stderr.write(str(wrong))
            sys.exit(2)
        except ProgrammingError as error:
            if not isinstance(error.__cause__, UndefinedTable):
                raise
            self.stderr.write("The database has no tables yet. Run 'manage.py migrate' first (or 'make setup').")
            sys.exit(2)
        self.stdout.write(json.dumps(result) if as_json else self.line(result))
        if result.get("ok") is False:
            sys.exit(1)
        for path in settings.AFTER_COMMAND:
            import_string(path)()


def _words(value: Any) -> str:
    """A value as people write it: parts with commas, "none" where there is nothing."""
    if isinstance(value, dict):
        value = [f"{key} {part}" for key, part in value.items()]
    if isinstance(value, list):
        return ", ".join(str(part) for part in value) or "none"
    return "none" if value is None else str(value)


def actor_named(email: str, permission: Permission) -> Actor:
    """The member of staff with this address as an actor.

    Raises ``Refused`` when nobody active has the address, or their role lacks ``permission``.
    """
    user = get_user_model().objects.by_email(email)
    if user is None or not user.is_active:
        raise Refused("actor.unknown", "Nobody active signs in with that address.")
    if not allows(user.role, permission):
        may = " or ".join(role.word.lower() for role in roles_with(permission))
        raise Refused("actor.not_allowed", f"{Role(user.role).word} may not do this. Name somebody who may: {may}.")
    return actors.staff(user.pk, user.role)
