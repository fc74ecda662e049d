"""Where the content of a message comes from: apps above register themselves, so delivery never imports them.

An app registers in its `AppConfig.ready`::

    sources.register(MessageKind.CAMPAIGN, CampaignSource())

At every claim its `drafts` is asked, in bulk, inside the transaction of the claim, with the people opened. It
answers for each message with a `Draft`, or with a `Refusal` (stopped, not approved any more, the opened
record does not match the rule). A message without an answer is held as "stopped": closed until opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from apps.contacts.person.records import PersonRecord
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery.policy.routing import Refusal
from apps.mail.compiled import CompiledMessage, LinkFactory


@dataclass(frozen=True)
class Claimed:
    """A message that this worker holds. `level` is the floor given at enqueueing."""

    id: int
    kind: str
    source_id: int | None
    node: str
    visit: int
    person_id: int | None
    purpose: Purpose
    level: Level
    attempts: int


@dataclass(frozen=True, repr=False)
class Draft:
    """What to merge for one recipient. `facts` are nested mappings of merge fields; `level` is the highest of
    what the audience reveals and what the author declared. Addresses are absolute https URLs.
    """

    compiled: CompiledMessage
    facts: Mapping[str, Any]
    level: Level
    skeleton_id: int | None = None
    zone: str = "UTC"
    list_unsubscribe_url: str | None = None
    portal_url: str | None = None
    link: LinkFactory | None = None
    neutral_subject: str = "Encrypted message"
    groups: tuple[str, ...] = field(default=())


class Source(Protocol):
    """An app that enqueues messages of one kind."""

    def drafts(
        self, *, claimed: Sequence[Claimed], people: Mapping[int, PersonRecord], now: datetime
    ) -> Mapping[int, Draft | Refusal]:
        """For each claimed message (by id) what to merge, or why it must not leave."""


Names = Callable[[Iterable[int]], Mapping[int, str]]
"""Names of sources by id; what was deleted is absent."""


@dataclass(frozen=True)
class LeftOut:
    """Somebody for whom nothing was queued: when, of what (its name), and the word of ``policy.Held``."""

    at: datetime
    name: str
    held: str


_SOURCES: dict[str, Source] = {}
_NAMES: dict[str, Names] = {}
_LEFT_OUT: dict[str, Callable[[int], Sequence[LeftOut]]] = {}


def register(
    kind: str,
    source: Source,
    names: Names | None = None,
    left_out: Callable[[int], Sequence[LeftOut]] | None = None,
) -> None:
    """Make `source` answer for messages of `kind`; the last registration counts. `names` are for staff to read;
    `left_out` tells of one person (by id) what was held back before there was a message.
    """
    _SOURCES[str(kind)] = source
    if names is not None:
        _NAMES[str(kind)] = names
    if left_out is not None:
        _LEFT_OUT[str(kind)] = left_out


def left_out_of(person_id: int) -> list[LeftOut]:
    """What this person did not get because it was held back before there was a message; newest first."""
    found = [each for left_out in _LEFT_OUT.values() for each in left_out(person_id)]
    return sorted(found, key=lambda each: each.at, reverse=True)


def source_of(kind: str) -> Source | None:
    """Who answers for `kind`."""
    return _SOURCES.get(str(kind))


def names_of(wanted: Iterable[tuple[str, int | None]]) -> dict[tuple[str, int], str]:
    """Names of the sources of messages, by kind and source id; one question for each kind."""
    by_kind: dict[str, set[int]] = {}
    for kind, source_id in wanted:
        if source_id is not None and kind in _NAMES:
            by_kind.setdefault(kind, set()).add(source_id)
    return {(kind, number): name for kind, ids in by_kind.items() for number, name in _NAMES[kind](ids).items()}
