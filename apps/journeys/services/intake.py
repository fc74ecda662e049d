"""Who comes in, starts over, or leaves because of something that happened.

The timeline is read from a saved position, below the oldest open transaction: numbers commit out of order, and a
row of a transaction that every other already sees as finished can no longer be preceded by a new one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from apps.contacts import selectors as contacts
from apps.contacts.models import Appointment, Person, TimelineEvent
from apps.contacts.services.appointments import BOOKED, state_token
from apps.core import clock
from apps.core.actors import Actor
from apps.journeys import world
from apps.journeys.definition import Definition, Key, Reentry, TriggerKind
from apps.journeys.engine import State
from apps.journeys.models import Journey, JourneyMember
from apps.journeys.services.walkers import COLUMNS, Walker, from_row, new_ids
from apps.vault import tokens
from apps.vault.sealing import SealBroken

BATCH = 5_000
AHEAD = timedelta(days=800)
SIGNAL_KINDS = {"message.clicked": "clicked", "message.read": "read", "message.replied": "replied"}


@dataclass
class Arrival:
    """A run the intake touched: to be decided now, or to leave with ``reason``."""

    walker: Walker
    reason: str = ""


@dataclass(frozen=True)
class Happened:
    """One opened event of the timeline."""

    id: int
    person: int
    kind: str
    facts: Mapping[str, Any]


def group_token(name: str) -> int:
    """The keyed value of an event group."""
    return tokens.token63("group", name)


def key_of(definition: Definition, person: int, subject: int | None) -> bytes:
    """The key of a run: what makes a second entry the same run."""
    what = f"{definition.key.value}:{subject if definition.key is not Key.PERSON else person}"
    return tokens.token128("journey.key", what)


def read_timeline(*, actor: Actor, journey: Journey, definition: Definition) -> list[Arrival]:
    """Runs touched by what happened since the saved position, which moves on. Call under the intake lock."""
    rows, more = _rows(journey, _wanted(definition))
    arrivals = fold(
        journey=journey, definition=definition, happened=_open(actor, rows, _wanted(definition))
    )
    if rows and more:
        journey.seen_transaction, journey.seen_event = rows[-1][2], rows[-1][0]
    else:
        journey.seen_transaction, journey.seen_event = more or _settled(), 0
    journey.save(update_fields=["seen_transaction", "seen_event"])
    return arrivals


def _wanted(definition: Definition) -> dict[int, str]:
    """Tokens of the kinds of event this journey reads, with their words."""
    kinds = set(definition.restart_on) | set(definition.exit_on) | set(SIGNAL_KINDS)
    if definition.trigger.kind is TriggerKind.APPOINTMENT:
        kinds.add("appointment.booked")
    if definition.trigger.kind is TriggerKind.EVENT:
        kinds.add(definition.trigger.event)
    return {group_token(f"kind:{kind}"): kind for kind in kinds}


def settled() -> int:
    """The transaction number below which everything is finished: no row of an earlier one can appear later."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        return int(cursor.fetchone()[0])


def _rows(journey: Journey, wanted: Sequence[int], below: int) -> list[tuple[int, int, int]]:
    """Up to ``BATCH`` rows (id, person, transaction) behind the saved position, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, person_id, transaction FROM contacts_timelineevent"
            " WHERE transaction >= %s AND transaction < %s AND (transaction, id) > (%s, %s) AND groups && %s"
            " ORDER BY transaction, id LIMIT %s",
            [
                journey.seen_transaction,
                below,
                journey.seen_transaction,
                journey.seen_event,
                list(wanted),
                BATCH,
            ],
        )
        return cursor.fetchall()


def _open(actor: Actor, rows: Sequence[tuple[int, int, int]], definition: Definition) -> list[Happened]:
    """The events of ``rows`` in their order, opened; those of erased people are gone with their key."""
    records = contacts.open_people(
        actor=actor, purpose=PURPOSE, ids=[person for _, person, _ in rows], with_consents=False
    )
    wanted = _wanted(definition)
    filters = {group_token(f"{definition.trigger.event}|{name}") for name in definition.trigger.groups}
    found = []
    events = TimelineEvent.objects.in_bulk([event for event, _, _ in rows])
    for event_id, person, _ in rows:
        if person not in records:
            continue
        event = events[event_id]
        groups = set(event.groups)
        kind = next(word for token, word in wanted.items() if token in groups)
        try:
            facts = contacts.open_event(event, records[person].profile_key)
        except SealBroken:
            continue
        enters = _lets_in(definition, kind) and filters <= groups
        found.append(Happened(event_id, person, kind, facts, enters))
    return found


def _lets_in(definition: Definition, kind: str) -> bool:
    trigger = definition.trigger
    if trigger.kind is TriggerKind.APPOINTMENT:
        return kind == "appointment.booked"
    return trigger.kind is TriggerKind.EVENT and kind == trigger.event


class _Fold:
    """What events, in their order, do to the runs of one journey. Each run is touched once, in its last state."""

    def __init__(self, journey: Journey, definition: Definition, people: Iterable[int]) -> None:
        self.journey, self.definition = journey, definition
        self.by_key: dict[bytes, Standing] = {}
        self.by_run: dict[int, Standing] = {}
        self.by_person: dict[int, list[Standing]] = {}
        self.touched: dict[bytes, Standing] = {}
        for row in runs_of(journey, people):
            self._keep(row)

    def take(self, event: Happened) -> None:
        """Let one event act."""
        kind, definition = event.kind, self.definition
        if kind in SIGNAL_KINDS:
            self._signal(event)
        if event.enters:
            self._enter(event)
        if kind in definition.exit_on:
            for standing in self._concerned(event):
                if standing.state == State.WAITING.value:
                    standing.state, standing.reason = State.LEFT.value, kind
                    self._touch(standing)
        elif kind in definition.restart_on:
            for standing in self._concerned(event):
                if standing.state in (State.WAITING.value, State.FINISHED.value):
                    standing.walker.restart(self.journey.version_id)
                    standing.state, standing.reason = State.WAITING.value, ""
                    self._touch(standing)

    def _enter(self, event: Happened) -> None:
        subject = self._subject(event)
        key = key_of(self.definition, event.person, subject)
        standing = self.by_key.get(key)
        if standing is None:
            walker = Walker(0, self.journey.pk, self.journey.version_id, event.person, key, subject, fresh=True)
            self._keep(Standing(walker, State.WAITING.value))
            self._touch(self.by_key[key])
            return
        if standing.state == State.WAITING.value or self.definition.reentry is Reentry.NEVER:
            return
        if standing.state == State.FAILED.value or standing.reason in FINAL:
            return
        if event.id <= standing.walker.last_event:
            return
        standing.walker.restart(self.journey.version_id)
        standing.state, standing.reason = State.WAITING.value, ""
        self._touch(standing)

    def _signal(self, event: Happened) -> None:
        """A click, read or reply belongs to the message of one run, step and round."""
        run, step, turn = world.message_of(event.facts)
        standing = self.by_run.get(run)
        if standing is None or standing.walker.round != turn or standing.state != State.WAITING.value:
            return
        signal = f"{SIGNAL_KINDS[event.kind]}:{step}"
        if signal not in standing.walker.signals:
            standing.walker.signals.append(signal)
            self._touch(standing)
