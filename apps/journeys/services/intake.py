"""Who comes in, starts over, or leaves because of something that happened.

The timeline is read from a saved position, below the oldest open transaction: numbers commit out of
order, and a row of a transaction that every other sees as finished can no longer be preceded by a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F, Max

from apps.audit.actions import Action
from apps.audit.models import AuditEntry
from apps.contacts import sql as contacts_sql
from apps.contacts.appointments.statuses import BOOKED
from apps.contacts.models import Appointment, TimelineEvent
from apps.contacts.person import search_values
from apps.contacts.person import selectors as contacts
from apps.contacts.timeline import services as timeline
from apps.core.actors import Actor
from apps.delivery import services as delivery
from apps.delivery import sql as delivery_sql
from apps.delivery.policy.routing import Held
from apps.journeys import context, outgoing
from apps.journeys.definition import Definition
from apps.journeys.engine import State
from apps.journeys.models import Journey
from apps.journeys.services.gathering import PURPOSE
from apps.journeys.services.run_batch import COLUMNS, BatchRun, from_row, new_ids
from apps.journeys.vocabulary import Key, Reentry, TriggerKind
from apps.vault import tokens
from apps.vault.sealing import SealBroken

BATCH = 5_000
ERASED_LATELY = 500
AHEAD = timedelta(days=800)
SIGNAL_KINDS = {"message.clicked": "clicked", "message.read": "read", "message.replied": "replied"}
# Whoever left for one of these comes in again only by a person's hand.
FINAL = frozenset({"deceased", "erased", "suppressed", "removed"})


@dataclass(slots=True)
class FoundRun:
    """A run as the intake finds and leaves it: to be decided if it waits, else ended with ``reason``."""

    run: BatchRun
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Happened:
    """One opened event of the timeline.

    ``enters``: it lets its person in. ``about``: the (run, step, round) whose message it answers.
    """

    person: int
    kind: str
    facts: Mapping[str, Any]
    enters: bool = False
    id: int = 0
    about: tuple[int, str, int] | None = None


def group_token(name: str) -> int:
    """The keyed value of an event group."""
    return tokens.token63("group", name)


def key_of(definition: Definition, person: int, subject: int | None) -> bytes:
    """The key of a run: what makes a second entry the same run."""
    what = person if definition.key is Key.PERSON else subject
    return tokens.token128("journey.key", f"{definition.key.value}:{what}")


def read_timeline(*, actor: Actor, journey: Journey, definition: Definition) -> list[FoundRun]:
    """Runs touched by what happened since the saved position, which moves on. Call under the intake lock."""
    below = settled()
    rows = _rows(journey, list(_wanted(definition)), below)
    happened = _open(actor, rows, definition)
    fold = _Fold(journey, definition, {event.person for event in happened})
    for event in happened:
        fold.take(event)
    if len(rows) == BATCH:
        journey.seen_transaction, journey.seen_event = rows[-1][2], rows[-1][0]
    else:
        journey.seen_transaction, journey.seen_event = below, 0
    journey.save(update_fields=["seen_transaction", "seen_event"])
    return numbered(fold.touched.values())


def after_restore() -> bool:
    """Take up the timeline of another cluster: a restored database begins to count transactions anew.

    Rows of the old cluster would look as if they came later, and what comes now as if it had been read. The old
    numbers, those of the saved positions among them, move below zero and keep their order, so that every journey
    goes on exactly where it stood. Returns whether anything was to be done. Under the lock of the intake, before
    anybody uses a position.

    The sign of another cluster is a number that this one has not given yet. Rows that were written since the restore
    have higher ids than every row that came with it, and keep their numbers.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        ahead = cursor.fetchone()[0]
        # By the index of the numbers: nothing lies there in any other than the first look after a restore.
        cursor.execute(contacts_sql.NEWEST_AHEAD, [ahead])
        newest, last_id = cursor.fetchone()
        position = Journey.objects.aggregate(top=Max("seen_transaction"))["top"] or 0
        if newest is None and position <= ahead:
            return False
        if last_id is None:
            # All rows are older than what was read. A row of this cluster still carries its writer's number.
            cursor.execute(contacts_sql.LAST_OF_ANOTHER_CLUSTER)
            last_id = cursor.fetchone()[0] or 0
        shift = max(newest or 0, position) + 1
        timeline.transactions_shift(by=shift, up_to=last_id)
    Journey.objects.update(seen_transaction=F("seen_transaction") - shift)
    return True


def _wanted(definition: Definition) -> dict[int, str]:
    """Tokens of the kinds of event this journey reads, with their words."""
    kinds = set(definition.restart_on) | set(definition.exit_on) | set(SIGNAL_KINDS)
    if definition.trigger.kind is TriggerKind.APPOINTMENT:
        kinds.add("appointment.booked")
    if definition.trigger.kind is TriggerKind.EVENT:
        kinds.add(definition.trigger.event)
    return {group_token(f"kind:{kind}"): kind for kind in kinds}


def settled() -> int:
    """The transaction number below which all is finished: no row of an earlier one can appear later."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        return int(cursor.fetchone()[0])


def _rows(journey: Journey, wanted: Sequence[int], below: int) -> list[tuple[int, int, int]]:
    """Up to ``BATCH`` rows (id, person, transaction) behind the saved position, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, person_id, transaction FROM {contacts_sql.timeline('')}"  # noqa: S608
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
        actor=actor, purpose=PURPOSE, ids=[person for _, person, _ in rows], with_consents=False, guardians=False
    )
    wanted = _wanted(definition)
    filters = {group_token(name) for name in definition.trigger.groups}
    events = TimelineEvent.objects.in_bulk([event for event, _, _ in rows])
    found = []
    for event_id, person, _ in rows:
        event = events.get(event_id)
        if person not in records or event is None:
            continue
        groups = set(event.groups)
        kind = next(word for token, word in wanted.items() if token in groups)
        try:
            facts = contacts.open_event(event, records[person].profile_key)
        except SealBroken:
            continue
        found.append(Happened(person, kind, facts, _lets_in(definition, kind) and filters <= groups, event_id))
    messages = outgoing.runs_of_messages(
        int(event.facts.get("message") or 0) for event in found if event.kind in SIGNAL_KINDS
    )
    return [replace(event, about=messages.get(int(event.facts.get("message") or 0))) for event in found]


def _lets_in(definition: Definition, kind: str) -> bool:
    trigger = definition.trigger
    if trigger.kind is TriggerKind.APPOINTMENT:
        return kind == "appointment.booked"
    return trigger.kind is TriggerKind.EVENT and kind == trigger.event


def runs_of(journey: Journey, people: Iterable[int]) -> list[FoundRun]:
    """All runs of these people in a journey, locked in the order of their numbers."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT state, reason, {COLUMNS} FROM journeys_journeyrun"  # noqa: S608 - fixed column names
            " WHERE journey_id = %s AND person_id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            [journey.pk, list(people)],
        )
        return [FoundRun(from_row(row[2:]), row[0], row[1]) for row in cursor.fetchall()]


class _Fold:
    """What events, in their order, do to the runs of one journey; each run is touched in its last state."""

    def __init__(self, journey: Journey, definition: Definition, people: Iterable[int]) -> None:
        self.journey, self.definition = journey, definition
        self.by_key: dict[tuple[int, bytes], FoundRun] = {}
        self.touched: dict[tuple[int, bytes], FoundRun] = {}
        for found_run in runs_of(journey, people):
            self.by_key[found_run.run.person, found_run.run.key] = found_run

    def take(self, event: Happened) -> None:
        """Let one event act."""
        if event.about is not None and event.kind in SIGNAL_KINDS:
            self._signal(event, *event.about)
        if event.enters:
            self._enter(event)
        if event.kind in self.definition.exit_on:
            for found_run in self._concerned(event):
                if found_run.state == State.WAITING:
                    found_run.state, found_run.reason = State.LEFT.value, event.kind
                    self._touch(found_run)
        elif event.kind in self.definition.restart_on:
            for found_run in self._concerned(event):
                if found_run.state in (State.WAITING, State.FINISHED):
                    self._restart(found_run)

    def _subject(self, event: Happened) -> int | None:
        if self.definition.key is Key.APPOINTMENT:
            return event.facts.get("appointment")
        return event.id if self.definition.key is Key.EVENT else None

    def _concerned(self, event: Happened) -> list[FoundRun]:
        """The runs an event is about: an appointment's own, else all of the person."""
        if self.definition.key is Key.APPOINTMENT and "appointment" in event.facts:
            key = key_of(self.definition, event.person, event.facts["appointment"])
            return [found] if (found := self.by_key.get((event.person, key))) else []
        return [found_run for (person, _), found_run in self.by_key.items() if person == event.person]

    def _enter(self, event: Happened) -> None:
        subject = self._subject(event)
        key = key_of(self.definition, event.person, subject)
        found_run = self.by_key.get((event.person, key))
        if found_run is None:
            found_run = fresh(self.journey, event.person, key, subject)
            self.by_key[event.person, key] = found_run
            self._touch(found_run)
        elif (
            # One appointment or event is let in once; a person may come back when the last pass is over.
            self.definition.key is Key.PERSON
            and self.definition.reentry is Reentry.AFTER_EXIT
            and found_run.state in (State.FINISHED, State.LEFT)
            and found_run.reason not in FINAL
        ):
            self._restart(found_run)

    def _restart(self, found_run: FoundRun) -> None:
        assert self.journey.version_id is not None
        found_run.run.restart(self.journey.version_id)
        found_run.state, found_run.reason = State.WAITING.value, ""
        self._touch(found_run)

    def _signal(self, event: Happened, run: int, step: str, turn: int) -> None:
        """A click, read or reply belongs to the message of one run, step and round."""
        for (person, _), found_run in self.by_key.items():
            if person != event.person or found_run.run.id != run:
                continue
            signal = f"{SIGNAL_KINDS[event.kind]}:{step}"
            if found_run.run.round == turn and signal not in found_run.run.signals:
                found_run.run.signals.append(signal)
                if found_run.state == State.WAITING:
                    self._touch(found_run)

    def _touch(self, found_run: FoundRun) -> None:
        self.touched[found_run.run.person, found_run.run.key] = found_run


def fresh(journey: Journey, person: int, key: bytes, subject: int | None) -> FoundRun:
    """A run that is about to begin; ``numbered`` gives it its number."""
    assert journey.version_id is not None
    run = BatchRun(0, journey.pk, journey.version_id, person, key, subject, fresh=True)
    return FoundRun(run, State.WAITING.value)


def numbered(found_runs: Iterable[FoundRun]) -> list[FoundRun]:
    """The found_runs, those that are new with numbers of their own."""
    found = list(found_runs)
    new = [found_run.run for found_run in found if found_run.run.fresh]
    for run, run_id in zip(new, new_ids(len(new)) if new else [], strict=True):
        run.id = run_id
    return found


def booked_ahead(now: datetime) -> list[tuple[int, int]]:
    """(appointment, person) of every booked appointment from today on. Nothing is opened: days are keyed."""
    today = now.astimezone(context.zone()).date()
    days = tokens.day_range("appointment", today, today + AHEAD)
    return list(
        Appointment.objects.filter(day__in=days, state=search_values.appointment_state(BOOKED))
        .order_by("pk")
        .values_list("pk", "person_id")
    )


def at_the_door(*, journey: Journey, definition: Definition, now: datetime) -> list[FoundRun]:
    """Who would have come in had the journey been active before: appointments to come that have no run yet."""
    if definition.trigger.kind is not TriggerKind.APPOINTMENT:
        return []
    ahead = booked_ahead(now)
    known = {
        (found_run.run.person, found_run.run.key) for found_run in runs_of(journey, {person for _, person in ahead})
    }
    found = []
    for appointment, person in ahead:
        key = key_of(definition, person, appointment)
        if (person, key) not in known:
            found.append(fresh(journey, person, key, appointment))
    return numbered(found)


def segment_changes(
    *, journey: Journey, definition: Definition, now: datetime, enter: bool, frozen: context.Frozen | None = None
) -> list[FoundRun]:
    """Who entered the journey's segment since the last look, and remember who is in it now.

    ``enter`` False only remembers: for a first look that lets nobody in. ``frozen``: segments as they were approved.
    """
    if definition.trigger.kind is not TriggerKind.SEGMENT:
        return []
    sql, params = context.segment_sql(definition.trigger.segment, now, frozen)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS journey_inside (person_id int8 PRIMARY KEY) ON COMMIT DELETE ROWS"
        )
        cursor.execute("TRUNCATE journey_inside")
        cursor.execute(f"INSERT INTO journey_inside {sql}", params)
        cursor.execute(
            "DELETE FROM journeys_journeymember m WHERE m.journey_id = %s"
            " AND NOT EXISTS (SELECT 1 FROM journey_inside i WHERE i.person_id = m.person_id)",
            [journey.pk],
        )
        cursor.execute(
            "INSERT INTO journeys_journeymember (journey_id, person_id)"
            " SELECT %s, i.person_id FROM journey_inside i"
            " WHERE NOT EXISTS (SELECT 1 FROM journeys_journeymember m"
            "                   WHERE m.journey_id = %s AND m.person_id = i.person_id)"
            " RETURNING person_id",
            [journey.pk, journey.pk],
        )
        people = [row[0] for row in cursor.fetchall()]
    return enter_people(journey=journey, definition=definition, people=people) if enter else []


def enter_people(*, journey: Journey, definition: Definition, people: Sequence[int]) -> list[FoundRun]:
    """People who come in as persons (by segment or by hand); who is on the way already is left out."""
    if not people:
        return []
    fold = _Fold(journey, definition, people)
    for person in people:
        fold.take(Happened(person, "person.entered", {}, enters=True))
    return numbered(fold.touched.values())


def sure_again(*, actor: Actor, now: datetime) -> None:
    """What was kept back because its visit was in doubt goes on where nobody doubts it any more.

    However the doubt ended: confirmed, moved, canceled, a good row, an undo. Runs that stand before a message are due
    now, and messages that were held on their way out wait again; both are decided anew. Two statements by small
    indexes. Under the lock of the intake.
    """
    in_doubt = f"EXISTS (SELECT 1 FROM {contacts_sql.appointments()} WHERE a.id = r.subject AND a.held_at IS NOT NULL)"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE journeys_journeyrun SET due_at = %s WHERE id IN (SELECT r.id FROM journeys_journeyrun r"  # noqa: S608
            f" WHERE r.state = 'waiting' AND r.reason = 'visit_in_doubt' AND r.due_at > %s AND NOT {in_doubt}"
            " ORDER BY r.id FOR NO KEY UPDATE OF r SKIP LOCKED)",
            [now, now],
        )
        cursor.execute(
            f"SELECT m.id FROM {delivery_sql.messages('m')}"  # noqa: S608
            " JOIN journeys_journeystepvisit v ON v.id = m.visit JOIN journeys_journeyrun r ON r.id = v.run_id"
            " WHERE m.state = 'held' AND m.reason = 'visit_in_doubt' AND m.kind = 'journey'"
            f" AND NOT {in_doubt} ORDER BY m.id"
        )
        messages = [row[0] for row in cursor.fetchall()]
    delivery.held_release(actor=actor, message_ids=messages, reason=Held.VISIT_IN_DOUBT)


def gone(limit: int) -> list[FoundRun]:
    """Waiting runs of people who died or were erased: they leave now, not when their step is due.

    Cheap whatever the number of runs: who died is found by a token of the search row, who was erased lately by the
    trail. Both only nominate; the decision opens the record and says why.
    """
    erased = AuditEntry.objects.filter(action=Action.CONTACT_ERASE).order_by("-id")[:ERASED_LATELY]
    people = [int(subject) for subject in erased.values_list("subject", flat=True) if subject.isdigit()]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {COLUMNS} FROM journeys_journeyrun r"  # noqa: S608 - fixed column names
            " WHERE r.state = 'waiting' AND (r.person_id = ANY(%s)"
            f"  OR r.person_id IN (SELECT s.person_id FROM {contacts_sql.search_rows()} WHERE s.tokens @> %s))"
            " ORDER BY r.id LIMIT %s FOR NO KEY UPDATE OF r SKIP LOCKED",
            [people, [search_values.presence("death_date")], limit],
        )
        return [FoundRun(from_row(row), State.WAITING.value) for row in cursor.fetchall()]
