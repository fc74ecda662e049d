"""Who acts. Every write and every opening of personal data names an actor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.http import HttpRequest


@dataclass(frozen=True)
class Actor:
    """``kind`` is staff, patient, system, command or stranger; ``id`` is the row of that kind, or a part's name."""

    kind: str
    id: str = ""
    role: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else self.kind


COMMAND_LINE = Actor(kind="command", id="command line")
STRANGER = Actor(kind="stranger")


def actor_of(request: HttpRequest) -> Actor:
    """Who acts in this request; the middleware has set it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def staff(user_id: int, role: str) -> Actor:
    """A signed-in member of staff."""
    return Actor(kind="staff", id=str(user_id), role=role)


def patient(person_id: int) -> Actor:
    """A patient in the portal."""
    return Actor(kind="patient", id=str(person_id))


def system(part: str) -> Actor:
    """A part of the product acting by itself (``beat``, ``dispatcher``, ``receiver``)."""
    return Actor(kind="system", id=part)
