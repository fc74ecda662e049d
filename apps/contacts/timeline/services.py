"""What happens to people is recorded here, once for each source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from django.db import connection, transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.models import Person, Vocabulary
from apps.contacts.models.timeline import EVENT_TABLE
from apps.contacts.person import search_values
from apps.contacts.person.sealed_rows import event_code, event_facts, event_keys, event_row
from apps.contacts.timeline import results
from apps.core import bulk, clock, copy_format
from apps.core.actors import Actor
from apps.core.bulk import copy_packed, copy_rows
from apps.vault import sealing, tokens

# Delivery comes by every few milliseconds: few round trips, and statements that are planned once.
_PLACE = """
SELECT ARRAY(SELECT nextval(pg_get_serial_sequence(%s::text, 'id')) FROM generate_series(1, %s::int4)),
       to_regclass('pg_temp.new_event') IS NOT NULL
"""
_NEW_EVENTS = """
CREATE TEMP TABLE IF NOT EXISTS new_event (id int8, person_id int8, sealed bytea, code int8, groups int8[], day int8,
                                           source bytea, recorded_at timestamptz) ON COMMIT DELETE ROWS
"""
# It empties the table as it reads it, for a second call in the same transaction. Two imports of one file may race to
# here: the constraint decides, and only winners are counted.
_ADD = """
WITH new AS (
    DELETE FROM new_event RETURNING *
), added AS (
    INSERT INTO contacts_timelineevent (id, person_id, sealed, code, groups, day, source, recorded_at)
    SELECT id, person_id, sealed, code, groups, day, source, recorded_at FROM new
    ON CONFLICT (source) DO NOTHING
    RETURNING id, person_id, groups
), counted AS (
    INSERT INTO contacts_timelinesummary ("group", person_id, count)
    SELECT g, person_id, count(*) FROM added, unnest(groups) AS g GROUP BY g, person_id
    ORDER BY g, person_id
    ON CONFLICT ("group", person_id)
    DO UPDATE SET count = contacts_timelinesummary.count + excluded.count
    RETURNING 1
)
SELECT (SELECT count(*) FROM added), (SELECT count(*) FROM counted)
"""


@dataclass(frozen=True)
class NewEvent:
    """``facts`` are sealed; ``groups`` are group names (``code:CVX:140``); ``source`` makes it once.

    ``kind`` is a word such as ``immunization`` or ``message.clicked``; ``code`` the clinical code, or "".
    """

    person_id: int
    kind: str
    on: date
    source: str
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)
    groups: tuple[str, ...] = ()
    code: str = ""


@transaction.atomic
def events_record(
    *,
    actor: Actor,
    events: Sequence[NewEvent],
    profile_keys: Mapping[int, bytes] | None = None,
    action: Action | None = Action.EVENT_RECORD,
    subject: str | int | None = None,
    likely_new: bool = False,
    made: list[int] | None = None,
) -> int:
    """Record events in bulk; returns how many were new. An event whose source is known changes nothing.

    ``profile_keys`` saves unwrapping where the caller has the keys. ``action`` None: the caller audits.
    ``made`` is given the ids of what was new. ``likely_new`` spares the look for known sources before the work of
    sealing; the constraint decides either way.
    """
    if not events:
        return 0
    keys = dict(profile_keys or {})
    missing = {event.person_id for event in events} - keys.keys()
    if missing:
        rows = Person.objects.filter(pk__in=missing, erased_at__isnull=True)
        for pk, kek_id, wrapped in rows.values_list("pk", "kek_id", "wrapped_profile"):
            assert wrapped is not None  # the constraint on erased people
            keys[pk] = sealing.unwrap_profile(kek_id, wrapped, pk)
        if closed := missing - keys.keys():
            events = _of_survivors(events, closed, keys)
    at = copy_format.int8(copy_format.time(clock.now()))
    by_source = {tokens.token128("event.source", event.source): event for event in events}
    if not likely_new:
        known = "SELECT source FROM contacts_timelineevent WHERE source = ANY(%b)"
        for (source,) in bulk.run(known, [list(by_source)], planned_once=False):
            by_source.pop(source)
    fresh = [(source, event) for source, event in by_source.items() if event.person_id in keys]
    if not fresh:
        return 0
    ids, there = bulk.run(_PLACE, [EVENT_TABLE, len(fresh)])[0]
    if not there:
        bulk.run(_NEW_EVENTS, planned_once=False)
    rows_out = []
    for event_id, (source, event) in zip(ids, fresh, strict=True):
        facts = sealing.encode(event_facts(event.kind, event.on, event.facts))
        sealed = sealing.seal_bytes(keys[event.person_id], facts, table=EVENT_TABLE, row=event_id)
        keyed = event_keys(event.kind, event.code, event.groups, event.on)
        rows_out.append(event_row(event_id, event.person_id, sealed, keyed, source, at))
    copy_packed("new_event (id, person_id, sealed, code, groups, day, source, recorded_at)", rows_out)
    added: int = bulk.run(_ADD)[0][0]
    if made is not None:
        made += [row[0] for row in bulk.run("SELECT id FROM contacts_timelineevent WHERE id = ANY(%b)", [list(ids)])]
    measured = [(number, event) for number, (_, event) in zip(ids, fresh, strict=True) if event.kind == results.KIND]
    if measured:
        _results_added(measured, keys)
    if action is not None:
        people = sorted({event.person_id for _, event in fresh})
        record(actor=actor, action=action, kind="event", subject=subject, people=people, codes={"events": added})
    return int(added)


def _of_survivors(events: Sequence[NewEvent], closed: set[int], keys: dict[int, bytes]) -> list[NewEvent]:
    """What still comes in for a merged record (a click, an answer) happened to the person it was merged into."""
    merged = Person.objects.filter(pk__in=closed, merged_into__isnull=False)
    into = dict(merged.values_list("pk", "merged_into_id"))
    rows = Person.objects.filter(pk__in=set(into.values()) - keys.keys(), erased_at__isnull=True)
    for pk, kek_id, wrapped in rows.values_list("pk", "kek_id", "wrapped_profile"):
        if wrapped is not None:
            keys[pk] = sealing.unwrap_profile(kek_id, wrapped, pk)
    return [replace(event, person_id=into.get(event.person_id, event.person_id)) for event in events]


@dataclass(frozen=True)
class ChangedEvent:
    """A recorded event whose facts changed at their source (an end was added, a class corrected)."""

    event_id: int
    event: NewEvent
    profile_key: bytes = field(repr=False)


@transaction.atomic
def events_change(*, changes: Sequence[ChangedEvent]) -> int:
    """Rewrite recorded events in bulk, and the summaries they count in; returns how many. The caller audits."""
    if not changes:
        return 0
    rows = []
    for change in changes:
        event = change.event
        facts = event_facts(event.kind, event.on, event.facts)
        rows.append(
            (
                change.event_id,
                sealing.seal(change.profile_key, facts, table=EVENT_TABLE, row=change.event_id),
                event_code(event.kind, event.code),
                search_values.event_groups(event.kind, event.groups),
                search_values.event_day(event.on),
            )
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS changed_event (id int8, sealed bytea, code int8, groups int8[],"
            " day int8) ON COMMIT DELETE ROWS"
        )
        cursor.execute("TRUNCATE changed_event")
        copy_rows("changed_event (id, sealed, code, groups, day)", ["int8", "bytea", "int8", "int8[]", "int8"], rows)
        # Groups that an event leaves count one less, groups it enters one more.
        cursor.execute(
            """
            WITH moved AS (
                SELECT e.person_id, e.groups AS old, c.groups AS new
                FROM changed_event c JOIN contacts_timelineevent e ON e.id = c.id WHERE e.groups <> c.groups
            ), steps AS (
                SELECT g, person_id, 1 AS step FROM moved, unnest(new) AS g
                UNION ALL SELECT g, person_id, -1 FROM moved, unnest(old) AS g
            )
            INSERT INTO contacts_timelinesummary ("group", person_id, count)
            SELECT g, person_id, sum(step) FROM steps GROUP BY g, person_id HAVING sum(step) <> 0
            ORDER BY g, person_id
            ON CONFLICT ("group", person_id) DO UPDATE SET count = contacts_timelinesummary.count + excluded.count
            """
        )
        # A row stands for what happened at least once: "never" reads the index alone.
        cursor.execute(
            "DELETE FROM contacts_timelinesummary WHERE count <= 0 AND person_id IN"
            " (SELECT e.person_id FROM changed_event c JOIN contacts_timelineevent e ON e.id = c.id)"
        )
        cursor.execute(
            "UPDATE contacts_timelineevent e SET sealed = c.sealed, code = c.code, groups = c.groups, day = c.day"
            " FROM changed_event c WHERE c.id = e.id"
        )
        changed = int(cursor.rowcount)
    keys = {change.event.person_id: change.profile_key for change in changes if change.event.kind == results.KIND}
    if keys:
        results_renew(profile_keys=keys)
    return changed


@transaction.atomic
def events_remove(*, ids: Sequence[int], profile_keys: Mapping[int, bytes]) -> int:
    """Take events out as if they had never come, with the summaries and last results they count in; returns how many.

    ``profile_keys`` of the people they are about: events of others stay. The caller audits.
    """
    if not ids or not profile_keys:
        return 0
    rows = bulk.run(
        "WITH gone AS (DELETE FROM contacts_timelineevent WHERE id = ANY(%b) AND person_id = ANY(%b)"
        " RETURNING person_id, groups), fewer AS (SELECT g, person_id, count(*) AS n FROM gone, unnest(groups) AS g"
        " GROUP BY g, person_id), counted AS (UPDATE contacts_timelinesummary s SET count = s.count - f.n FROM fewer f"
        ' WHERE s."group" = f.g AND s.person_id = f.person_id RETURNING 1)'
        " SELECT person_id, count(*), (SELECT count(*) FROM counted) FROM gone GROUP BY person_id",
        [list(ids), list(profile_keys)],
        planned_once=False,
    )
    people = [row[0] for row in rows]
    bulk.run("DELETE FROM contacts_timelinesummary WHERE count <= 0 AND person_id = ANY(%b)", [people])
    results_renew(profile_keys={person: profile_keys[person] for person in people})
    return sum(row[1] for row in rows)


def summaries_renew(*, people: Sequence[int]) -> None:
    """Count the events of these people anew, for events that were given to somebody else. Caller's transaction."""
    bulk.run("DELETE FROM contacts_timelinesummary WHERE person_id = ANY(%b)", [list(people)])
    bulk.run(
        'INSERT INTO contacts_timelinesummary ("group", person_id, count) SELECT g, person_id, count(*)'
        " FROM contacts_timelineevent, unnest(groups) AS g WHERE person_id = ANY(%b) GROUP BY g, person_id",
        [list(people)],
        planned_once=False,
    )


# -- Last results ----------------------------------------------------------------------------------------------

_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(7205759403792804)"
"""Whoever finds out which result is the last one must not be overtaken; held until the transaction ends."""
_LAST = """
SELECT l.person_id, e.id, e.sealed FROM contacts_latestresult l JOIN contacts_timelineevent e ON e.id = l.event_id
 WHERE l.person_id = ANY(%b) AND l.lab = ANY(%b)
"""
_RESULTS = "SELECT person_id, id, sealed FROM contacts_timelineevent WHERE person_id = ANY(%b) AND groups && %b"
_KEEP_LAST = """
INSERT INTO contacts_latestresult (person_id, lab, step, day, event_id)
SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[])
ON CONFLICT (person_id, lab) DO UPDATE SET step = excluded.step, day = excluded.day, event_id = excluded.event_id
"""


def _results_added(added: Sequence[tuple[int, NewEvent]], keys: Mapping[int, bytes]) -> None:
    """Keep what came as the last result of its lab, unless a later one is known."""
    bulk.run(_ONE_AT_A_TIME)
    found: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
    there = {
        row[0] for row in bulk.run("SELECT id FROM contacts_timelineevent WHERE id = ANY(%b)", [[n for n, _ in added]])
    }
    for number, event in added:
        if number in there:
            _note_result(found, event.person_id, {**event_facts(event.kind, event.on, event.facts), "id": number})
    people, labs = {person for person, _ in found}, {lab for _, lab in found}
    known = bulk.run(_LAST, [sorted(people), [search_values.lab(lab) for lab in sorted(labs)]], planned_once=False)
    _note_sealed(found, known, keys)
    _keep_last(found)


def results_renew(*, profile_keys: Mapping[int, bytes]) -> None:
    """Find the last results of these people anew, for events that were changed, taken out or given to somebody else.

    In the caller's transaction; the caller audits.
    """
    bulk.run(_ONE_AT_A_TIME)
    people = sorted(profile_keys)
    bulk.run("DELETE FROM contacts_latestresult WHERE person_id = ANY(%b)", [people])
    kind = search_values.event_groups(results.KIND)
    found: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
    _note_sealed(found, bulk.run(_RESULTS, [people, kind], planned_once=False), profile_keys)
    _keep_last(found)


def _note_sealed(
    found: dict[tuple[int, str], list[Mapping[str, Any]]],
    rows: Iterable[tuple[int, int, bytes]],
    keys: Mapping[int, bytes],
) -> None:
    for person, number, sealed in rows:
        _note_result(
            found, person, {**sealing.open_sealed(keys[person], sealed, table=EVENT_TABLE, row=number), "id": number}
        )


def _note_result(found: dict[tuple[int, str], list[Mapping[str, Any]]], person: int, event: Mapping[str, Any]) -> None:
    for lab in results.labs_of(event):
        found.setdefault((person, lab.name), []).append(event)


def _keep_last(found: Mapping[tuple[int, str], Sequence[Mapping[str, Any]]]) -> None:
    rows = []
    for (person, name), events in sorted(found.items()):
        last = results.latest(events)
        assert last is not None
        step = results.event_step(results.LABS[name], last)
        day = search_values.event_day(date.fromisoformat(str(last["on"])[:10]))
        keyed = None if step is None else search_values.lab_step(name, step)
        rows.append((person, search_values.lab(name), keyed, day, last["id"]))
    if rows:
        bulk.run(_KEEP_LAST, [list(column) for column in zip(*rows, strict=True)], planned_once=False)


def vocabulary_add(terms: Iterable[tuple[str, str, str]]) -> int:
    """Add (system, code, term) rows that are not known yet; returns how many. Terms carry no personal data."""
    rows = [Vocabulary(system=system, code=code, term=term[:300]) for system, code, term in dict.fromkeys(terms)]
    return len(Vocabulary.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2_000))


def transactions_shift(*, by: int, up_to: int) -> None:
    """Take a number off the writers' numbers of the rows up to an id: they keep their order and lie before what comes.

    For the reader that finds rows of another cluster behind a restore, in its transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute("UPDATE contacts_timelineevent SET transaction = transaction - %s WHERE id <= %s", [by, up_to])
