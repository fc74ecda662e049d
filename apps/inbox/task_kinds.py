"""The kinds of tasks for staff. Each is registered by the app that knows it, when that app is ready.

    # apps/portal/apps.py, in ready():
    task_kinds.register(for_staff.NotMe())

A task whose kind nobody registered (its app is not installed) is shown to nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from apps.core.actors import Actor
from apps.core.permissions import Permission, allows
from apps.inbox.models import StaffTask
from apps.ui.board import Item


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before something is done: a sentence, its title, the words of the button that goes on."""

    text: str
    title: str
    button: str


@dataclass(frozen=True, slots=True)
class Act:
    """What can be done about a task besides marking it as done; the task is done with it.

    ``code`` stands on the trail, and with dashes in the address. ``run`` writes in the caller's transaction and may
    raise ``Refused``; ``said`` are the words when it went well.
    """

    code: str
    label: str
    icon: str
    said: str
    question: Question
    run: Callable[[Actor, StaffTask], None]

    @property
    def address(self) -> str:
        """The act in an address: "put-back"."""
        return self.code.replace("_", "-")


class TaskKind(Protocol):
    """What an app says about a kind of task."""

    code: str
    """At most 12 letters; stored with each task."""
    title: str
    """What happened, as lists and the task's page say it."""
    crumb: str
    """The title in two or three words."""
    icon: str
    permission: Permission
    """Who may see tasks of this kind. Doing something about them asks for ``INBOX_REPLY`` besides."""
    template: str
    """What happened and what to do, in whole sentences. It has ``facts``, what the task is about, and ``person``."""
    acts: tuple[Act, ...]

    def line(self, number: int) -> Item:
        """The row of the home page for ``number`` open tasks, without its address."""
        ...


_KINDS: dict[str, TaskKind] = {}


def register(kind: TaskKind) -> None:
    """Add a kind of task; a second one with the same code takes the place of the first."""
    _KINDS[kind.code] = kind


def of(code: str) -> TaskKind:
    """The kind with this code. Raises ``KeyError`` when no app registered it."""
    return _KINDS[code]


def seen_by(role: str) -> list[str]:
    """The codes of the kinds that ``role`` may see."""
    return sorted(code for code, kind in _KINDS.items() if allows(role, kind.permission))


def act_of(kind: TaskKind, address: str) -> Act | None:
    """The act of ``kind`` that this word of an address means."""
    return next((act for act in kind.acts if act.address == address), None)
