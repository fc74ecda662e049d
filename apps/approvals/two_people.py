"""The rule of two people: nobody decides about what they wrote, whatever a colleague touched up since.

Every app names the parts that its objects are made of, and which acts made somebody an author of a part; a part that a
second person approved since counts no longer. The trail is what knows who did what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.audit import selectors as audit
from apps.audit.actions import Action
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.core.permissions import Permission, allows


@dataclass(frozen=True)
class Part:
    """One part of what is decided about. Whoever did one of ``actions`` to it is its author.

    ``after``, ``until``, ``beyond`` and ``field`` leave out what a second person approved before (see
    ``audit.selectors.acted``). ``why`` says to an author why they must leave the decision to somebody else.
    """

    kind: str
    subject: int
    actions: Sequence[Action]
    why: Callable[[], str]
    after: datetime | None = None
    until: datetime | None = None
    beyond: int = 0
    field: str = ""

    def is_by(self, actor: Actor) -> bool:
        """Whether ``actor`` is an author of it."""
        return audit.acted(
            actor=actor,
            actions=self.actions,
            kind=self.kind,
            subject=self.subject,
            after=self.after,
            until=self.until,
            beyond=self.beyond,
            field=self.field,
        )


def why_not(actor: Actor, parts: Iterable[Part]) -> str:
    """Why ``actor`` must leave the decision about these parts to somebody else, or ""."""
    return next((part.why() for part in parts if part.is_by(actor)), "")


def ensure_may_decide(actor: Actor, permission: Permission) -> None:
    """Raise ``Refused`` unless ``actor`` is somebody of the staff whose role decides about such things."""
    if actor.kind != "staff" or not allows(actor.role, permission):
        raise Refused(
            "approval.not_allowed", "Only a reviewer or an administrator who is signed in by name may decide."
        )
