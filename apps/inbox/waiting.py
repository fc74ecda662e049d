"""What waits for staff: one registration for each kind of thing, and everything that counts or lists it reads it here.

The tabs of the inbox, the number in the menu and the home page ask the kinds; none of them knows one by name. An app
registers what it knows when it is ready::

    # apps/delivery/apps.py, in ready():
    waiting.register(ANSWERS_BY_MAIL)

Approvals are no work of the inbox: campaigns and journeys tell the home page themselves (``home.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from django.db.models import Count, Min, QuerySet
from django.urls import reverse

from apps.core.permissions import Permission, allows
from apps.ui.board import Item


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of the inbox; ``query`` tells several of one page apart."""

    key: str
    label: str
    query: str = ""


class WaitingKind(Protocol):
    """One kind of thing that waits for staff. ``order`` is that of the tabs, and of the rows on the home page."""

    @property
    def key(self) -> str: ...
    @property
    def order(self) -> int: ...
    @property
    def page(self) -> str:
        """The name of the page that lists them."""
        ...

    @property
    def tabs(self) -> tuple[Tab, ...]:
        """Its tabs in the inbox; the first one bears the number."""
        ...

    @property
    def in_menu(self) -> bool:
        """Whether its number stands beside "Inbox" in the menu."""
        ...

    def is_for(self, role: str) -> bool:
        """Whether ``role`` may know of them."""
        ...

    def count(self, role: str) -> int:
        """How many wait for ``role``: one statement."""
        ...

    def lines(self, role: str) -> Iterable[Item]:
        """What the home page says to ``role``; nothing when none waits."""
        ...


@dataclass(frozen=True, slots=True)
class Rows:
    """The usual kind: rows of a table, for whoever holds all of ``permissions``.

    ``line`` gives the home page's row for a number of them; where and since when is added here. ``oldest`` is the
    field that tells how long they wait, "" where that is not said.
    """

    key: str
    order: int
    permissions: tuple[Permission, ...]
    page: str
    rows: Callable[[], QuerySet[Any]]
    line: Callable[[int], Item]
    oldest: str = ""
    tabs: tuple[Tab, ...] = ()
    in_menu: bool = False

    def is_for(self, role: str) -> bool:
        return all(allows(role, permission) for permission in self.permissions)

    def count(self, role: str) -> int:
        return self.rows().count()

    def lines(self, role: str) -> Iterator[Item]:
        found: dict[str, Any] = {"number": 0, "since": None}
        if self.oldest:
            found |= self.rows().aggregate(number=Count("pk"), since=Min(self.oldest))
        else:
            found["number"] = self.count(role)
        if found["number"]:
            which = "oldest:" if self.oldest and found["number"] > 1 else ""
            yield replace(self.line(found["number"]), url=reverse(self.page), at=found["since"], at_words=which)


INBOX = "Inbox"
"""The entry of the menu beside which the number stands."""

_KINDS: dict[str, WaitingKind] = {}


def register(kind: WaitingKind) -> None:
    """Add a kind of thing that waits; a second one of the same key takes the place of the first."""
    _KINDS[kind.key] = kind


def kinds(role: str) -> list[WaitingKind]:
    """The kinds that ``role`` may know of, in order."""
    return sorted((kind for kind in _KINDS.values() if kind.is_for(role)), key=lambda kind: (kind.order, kind.key))


def tabs(role: str, current: str) -> list[dict[str, Any]]:
    """The tabs of the inbox for ``role``, each kind with its number; ``current`` is the key of the chosen one."""
    found: list[dict[str, Any]] = []
    for kind in kinds(role):
        for place, tab in enumerate(kind.tabs):
            entry = {"label": tab.label, "url": reverse(kind.page) + tab.query, "current": tab.key == current}
            found.append(entry if place else {**entry, "count": kind.count(role)})
    return found


def front_page() -> str:
    """The address at which the inbox begins: the page of its first tab."""
    first = min((kind for kind in _KINDS.values() if kind.tabs), key=lambda kind: kind.order)
    return reverse(first.page)


def menu_counts(role: str) -> dict[str, int]:
    """The label of the menu's entry to how many wait there; empty for a role without an inbox."""
    counted = [kind.count(role) for kind in kinds(role) if kind.in_menu]
    return {INBOX: sum(counted)} if counted else {}
