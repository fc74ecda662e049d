"""What a reader of the trail asks for: who, what, about whom, when.

Pure; one parser for page, export and command.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from apps.audit.actions import Action
from apps.core.errors import Refused

READING_VERBS = ("open", "search", "list", "reveal", "export", "preview", "view")
ACTOR_KINDS = ("staff", "patient", "system", "command", "stranger")


class FilterRefused(Refused):
    """A filter that means nothing; the text says what to type instead."""


@dataclass(frozen=True, slots=True)
class TrailFilter:
    """A validated filter. Empty values mean "any". Days are calendar days in ``zone``, both included.

    ``actor`` is "kind" or "kind:id"; ``action`` an action ("contact.open"), a noun ("contact.") or the words
    ``reads`` and ``writes``; ``person`` is a person's number; ``entries`` the numbers of the first and last entry
    of a run of equal ones.
    """

    actor: str = ""
    action: str = ""
    person: int | None = None
    first: date | None = None
    last: date | None = None
    entries: tuple[int, int] | None = None
    zone: tzinfo = field(default=UTC, compare=False)

    @property
    def is_empty(self) -> bool:
        """Whether everything is shown."""
        return self == TrailFilter()

    @property
    def since(self) -> datetime | None:
        """The first moment included."""
        return datetime.combine(self.first, time(0), self.zone) if self.first else None

    @property
    def until(self) -> datetime | None:
        """The first moment not included; None also when no day follows the last one."""
        if self.last is None or self.last == date.max:
            return None
        return datetime.combine(self.last + timedelta(days=1), time(0), self.zone)

    def as_query(self) -> dict[str, str]:
        """The filter as query parameters; ``parse(f.as_query()) == f``."""
        values = {
            "actor": self.actor,
            "action": self.action,
            "person": str(self.person or ""),
            "from": self.first.isoformat() if self.first else "",
            "to": self.last.isoformat() if self.last else "",
            "entries": "{}-{}".format(*self.entries) if self.entries else "",
        }
        return {name: value for name, value in values.items() if value}

    def codes(self) -> dict[str, str | int]:
        """The filter as the trail's own entry keeps it; the person is left out, they have a token there."""
        return {name: value for name, value in self.as_query().items() if name != "person"}


def parse(values: Mapping[str, str], zone: tzinfo = UTC) -> TrailFilter:
    """The filter in ``values`` (names as in ``as_query``), its days in ``zone``. Raises ``FilterRefused``."""
    actor = values.get("actor", "").strip()
    if actor and actor.partition(":")[0] not in ACTOR_KINDS:
        raise FilterRefused(
            "trail.actor_kind_unknown", f"There is no kind of actor called {actor[:20]}. Use {', '.join(ACTOR_KINDS)}."
        )
    action = values.get("action", "").strip()
    nouns = {each.value.partition(".")[0] for each in Action}
    known = {each.value for each in Action} | {f"{noun}." for noun in nouns} | {"reads", "writes"}
    if action and action not in known:
        raise FilterRefused("trail.action_unknown", "There is no such action. Choose one from the list.")
    first, last = _day(values.get("from", "")), _day(values.get("to", ""))
    if first and last and last < first:
        raise FilterRefused("period.backwards", "The last day lies before the first. Swap them.")
    person, entries = _person(values.get("person", "")), _entries(values.get("entries", ""))
    return TrailFilter(actor, action, person, first, last, entries, zone)


def _day(text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise FilterRefused("trail.day_malformed", "A day is written like 2026-11-22.") from None


def _person(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise FilterRefused(
            "trail.person_malformed",
            "A person is given by number. Find them on the audit page by name or record number.",
        )
    return int(text)


def _entries(text: str) -> tuple[int, int] | None:
    if not text.strip():
        return None
    low, _, high = text.strip().partition("-")
    if not all(each.isascii() and each.isdigit() and len(each) <= 18 for each in (low, high)):
        raise FilterRefused("trail.run_malformed", "A run of entries is written like 1200-1611.")
    return int(low), int(high)
