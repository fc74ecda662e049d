"""The ways to a recipient: sibling modules of equal shape, named in the setting `DELIVERY_ROUTES`.

Each module has two functions::

    can_carry(recipient: Recipient) -> bool
    seal(message: MergedMessage, recipient: Recipient) -> SealedMail

`can_carry` says whether this route could take a message to that recipient (TLS always says yes: its class is
measured on the connection). `seal` makes the mail that leaves; it may raise `Refused`, and runs in the
transaction of the claim, so what it stores and the fate of the message stand or fall together. It may be
asked again for the same `recipient.message_id` after a retry and must then give an equal result.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Protocol, cast

from django.conf import settings

from apps.delivery.policy.routing import RouteName
from apps.delivery.send.recipients import Recipient
from apps.mail.compiled import MergedMessage
from apps.mail.envelopes import SealedMail


class RouteModule(Protocol):
    """What a module of `DELIVERY_ROUTES` offers."""

    def can_carry(self, recipient: Recipient) -> bool:
        """Whether this route can take a message to the recipient."""

    def seal(self, message: MergedMessage, recipient: Recipient) -> SealedMail:
        """The mail that leaves."""


@cache
def _module(path: str) -> RouteModule | None:
    try:
        return cast(RouteModule, import_module(path))
    except ModuleNotFoundError as e:
        if e.name is not None and path.startswith(e.name):
            # A route whose app is not installed: nobody can be reached that way.
            return None
        raise


def module(name: RouteName) -> RouteModule | None:
    """The module of a route, or None when this installation does not have it."""
    path = settings.DELIVERY_ROUTES.get(name.value)
    return _module(path) if path else None


def can_carry(name: RouteName, recipient: Recipient) -> bool:
    """Whether the route exists here and could take a message to the recipient."""
    found = module(name)
    return found is not None and found.can_carry(recipient)
