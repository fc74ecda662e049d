"""What each app does with its rows about somebody whose record is merged: one registration for each table.

Contacts merges people and knows no app above it, so an app registers when it is ready::

    # apps/inbox/apps.py, in ready():
    from apps.contacts.merging import parts
    from apps.inbox import merging

    parts.register(merging.TASKS)

Rows that go along with the person, sealed or not, need no code: ``services.moved.Moved`` moves and reseals them. Rows
that stay under the number of the merged record say so, with the reason: ``stays``. A test walks all models and fails
for a reference to people that no part names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.contacts.person.records import PersonRecord
from apps.core.actors import Actor


@dataclass
class Merging:
    """One merge, or its undo. ``id`` is the row of ``PersonMerge``; both records are opened and locked.

    At a merge ``kept`` is still what it was; at an undo it is what it is today, and ``merged`` what it was then.
    ``mailboxes``: keyed primary mailboxes of both records as they were, and of the profile that comes of them.
    ``twin_visits``: appointments of ``merged`` that ``kept`` has too, booked for the same time.
    """

    id: int
    actor: Actor
    kept: PersonRecord
    merged: PersonRecord
    at: datetime
    before: tuple[bytes, ...] = field(default=(), repr=False)
    mailbox: bytes | None = field(default=None, repr=False)
    twin_visits: frozenset[int] = frozenset()


Notes = dict[str, Any]
"""What an undo needs of a part: ids and values that JSON can hold, sealed with the merge."""


def _nothing(merging: Merging) -> Notes:
    return {}


def _untouched(merging: Merging, notes: Notes) -> list[str]:
    return []


def _silent(notes: Notes) -> list[str]:
    return []


@dataclass(frozen=True)
class Part:
    """``covers``: the columns that name people, as ``app.Model.field``.

    ``merge`` does it and returns notes; ``undo`` takes it back by the notes, and returns sentences about what stays.
    ``words`` says what a merge did, for the page of its result. Parts are merged by ``order``, undone in reverse.
    """

    name: str
    covers: tuple[str, ...]
    merge: Callable[[Merging], Notes] = _nothing
    undo: Callable[[Merging, Notes], list[str]] = _untouched
    words: Callable[[Notes], list[str]] = _silent
    order: int = 50
    why: str = ""


_PARTS: dict[str, Part] = {}


def register(*found: Part) -> None:
    """Add parts; a second one of the same name takes the place of the first."""
    for part in found:
        _PARTS[part.name] = part


def parts() -> list[Part]:
    """All parts in the order in which a merge goes through them."""
    return sorted(_PARTS.values(), key=lambda part: (part.order, part.name))


def stays(*covers: str, why: str) -> Part:
    """A part whose rows stay under the number they were written for; ``why`` is for whoever reads the code."""
    return Part(name=f"stays:{covers[0]}", covers=covers, why=why)


def covered() -> dict[str, str]:
    """The name of the part for each column that is named."""
    return {column: part.name for part in parts() for column in part.covers}


def told(notes: dict[str, Notes]) -> list[str]:
    """What a merge did, in words."""
    return [words for part in parts() if part.name in notes for words in part.words(notes[part.name])]


def joined(lists: Iterable[list[str]]) -> list[str]:
    """The sentences of several parts, each once."""
    return list(dict.fromkeys(sentence for sentences in lists for sentence in sentences))
