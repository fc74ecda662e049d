"""Chunks of people into the tables. Set-based; no query per row.

The dry run and the import are the same code, so that they agree. What a row needs beside the database was done
before, here or by a worker process (``imports.prepared_rows``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from apps.audit.actions import Action
from apps.audit.services import record, record_read
from apps.contacts import sql as contacts_sql
from apps.contacts.attributes import definitions as attributes
from apps.contacts.changes.pending import pending_changes_add, take_out
from apps.contacts.consent.given import ConsentCell, standing
from apps.contacts.consent.services import NewConsent, consents_record, last_consent_days
from apps.contacts.models import ConsentState, Person, PersonIdentity
from apps.contacts.models.consent import CONSENT_TABLE
from apps.contacts.models.person import PERSON_TABLE
from apps.contacts.models.timeline import EVENT_TABLE
from apps.contacts.person import reach, selectors
from apps.contacts.person.fields import FieldSpec
from apps.contacts.person.records import PersonRecord
from apps.contacts.person.sealed_rows import Fresh, pack
from apps.contacts.person.search_values import EMAIL, EXTERNAL, MRN, OTHER_EMAIL, OTHER_PHONE, PHONE, match_token
from apps.contacts.person.services import contacts_change, contacts_copy
from apps.core import bulk, clock
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.levels import Level
from apps.imports.diff import SKIP, UPDATE, ShiftGuard, merge_profile
from apps.imports.prepared_rows import Line, Prepared, prepared
from apps.imports.readers.people import REPEATED
from apps.imports.readers.rows import PersonRow, Rejection, UnreadCell
from apps.imports.services.changed_keys import without_changed_keys
from apps.imports.services.tagging import ensure_level, tags_bring, tags_foretell
from apps.imports.services.writes import Before, PersonCache, WriteOutcome


@dataclass(slots=True)
class PeopleChunk:
    """Rows at work: what was made of them, and the cells they came from.

    ``repeats`` are places of rows whose key stood further up in the file; ``read`` reads a row again. ``own`` are the
    own attributes that it was prepared by, or, once it is written, those that held then.
    """

    made: Prepared
    lines: Sequence[Line]
    read: Callable[[int, list[str]], PersonRow | Rejection] = field(repr=False)
    repeats: Collection[int] = ()
    own: Mapping[str, FieldSpec] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.lines)

    def reject(self, outcome: WriteOutcome, number: int, reason: str) -> None:
        """Reject a good row after all."""
        outcome.rejections.append(self.rejection(self.made.places[number], reason))

    def row(self, number: int) -> PersonRow:
        """A good row by its number among the good ones."""
        made = self.made
        line, cells = self.lines[made.places[number]]
        if made.rows is None:
            row = self.read(line, cells)
            assert isinstance(row, PersonRow)  # it was one before
            return row
        profile, consents = made.rows[number]
        return PersonRow(line, made.keys[number], profile, consents, made.guardians[number], tuple(cells))

    def rejection(self, place: int, reason: str) -> Rejection:
        """The row at a place of the chunk, rejected."""
        line, cells = self.lines[place]
        return Rejection(line, reason, tuple(cells))


@dataclass(slots=True)
class _Known:
    """A row whose person is known: the opened record, the merged profile, names of changed fields."""

    row: PersonRow
    person: PersonRecord
    profile: dict[str, Any]
    fields: tuple[str, ...]
    consents: list[ConsentCell] = field(default_factory=list)


def people_rows(
    *,
    actor: Actor,
    rows: Sequence[PersonRow],
    match_on: str,
    source: str,
    mode: str = UPDATE,
    write: bool,
    guard: ShiftGuard | None = None,
    cache: PersonCache | None = None,
    subject: str | int | None = None,
) -> WriteOutcome:
    """Create and change people of rows that were read already; see ``people_chunk``."""
    by_line = {row.line: row for row in rows}
    lines = [(row.line, list(row.cells)) for row in rows]
    chunk = PeopleChunk(prepared(rows, (match_on, source)), lines, lambda line, _: by_line[line])
    return people_chunk(
        actor=actor,
        chunk=chunk,
        match_on=match_on,
        source=source,
        mode=mode,
        write=write,
        guard=guard,
        cache=cache,
        subject=subject,
    )


def people_chunk(
    *,
    actor: Actor,
    chunk: PeopleChunk,
    match_on: str,
    source: str,
    mode: str = UPDATE,
    write: bool,
    guard: ShiftGuard | None = None,
    cache: PersonCache | None = None,
    subject: str | int | None = None,
    wait: bool = False,
    tags: Sequence[str] = (),
    level: Level = Level.HEALTH,
) -> WriteOutcome:
    """Create and change the people of a chunk. Suppressions are never touched by an import.

    ``wait``: identity facts wait for confirmation, whoever ``actor`` is. ``tags``: names of tags for everybody.
    ``level``: how much being on the list tells.
    """
    made = chunk.made
    outcome = WriteOutcome(rejections=[chunk.rejection(place, reason) for place, reason in made.rejected])
    outcome.rejections += [chunk.rejection(place, REPEATED) for place in chunk.repeats]
    kind, _ = match_token(match_on, source, "")
    numbers = [number for number, place in enumerate(made.places) if place not in chunk.repeats]
    owners, taken, by_other = _holders(kind, made, numbers)
    pending: Set[bytes] = cache.pending if cache is not None and not write else set()
    numbers = _without_conflicts(chunk, numbers, owners, taken, pending, outcome)
    numbers = without_changed_keys(chunk, numbers, owners, match_on, source, outcome)
    matches = made.matches
    ids = [owners[matches[number]][0] for number in numbers if matches[number] in owners]
    people = open_many(actor, ids, subject)
    fresh: list[int] = []
    known: list[_Known] = []
    on_record: dict[int, int] = {}
    for number in numbers:
        token = matches[number]
        person = people.get(owners[token][0]) if token in owners else None
        if person is None:
            fresh.append(number)
            continue
        on_record[number] = person.id
        row = chunk.row(number)
        if token in by_other and not _is_theirs(person, row, match_on):
            fresh.append(number)
            continue
        if guard is not None:
            guard.see(person.profile, row.profile)
        given = _matched(row.profile, match_on, source)
        merged, fields = merge_profile(person.profile, without_known_numbers(person.profile, given), mode)
        known.append(_Known(row, person, merged, fields))
    if made.unread:
        outcome.unread = _unread(chunk, numbers)
    if cache is not None and not write:
        for number in numbers:
            cache.pending.update(made.unique[number])
    _choose_consents(known, mode)
    to_confirm = take_out(actor, known, wait)
    outcome.to_confirm += len(to_confirm)
    outcome.new += len(fresh)
    for item in known:
        if item.fields or item.consents:
            outcome.changed += 1
        else:
            outcome.unchanged += 1
    if write:
        created = _create(actor, chunk, fresh, subject)
        outcome.made += created
        if made.tags or tags:
            on_record.update(zip(fresh, created, strict=True))
        changed = [item for item in known if item.fields or item.consents]
        _change(actor, changed, subject)
        outcome.touched += [item.person.id for item in changed]
        outcome.before += [_before(item) for item in changed]
        pending_changes_add(actor=actor, people=people, facts=to_confirm, job=None if subject is None else int(subject))
    if made.tags or tags:
        _tag(
            outcome,
            actor,
            chunk,
            on_record,
            fresh,
            tags=tags,
            skip=mode == SKIP,
            write=write,
            subject=subject,
            level=level,
        )
    return outcome


def _tag(
    outcome: WriteOutcome,
    actor: Actor,
    chunk: PeopleChunk,
    on_record: Mapping[int, int],
    fresh: Sequence[int],
    *,
    tags: Sequence[str],
    skip: bool,
    write: bool,
    subject: str | int | None,
    level: Level,
) -> None:
    """Give the people of a chunk their tags, or foretell it. Whom the mode leaves alone gets those of the list only."""
    ensure_level(tags, level)
    new = set(fresh)

    def names(number: int) -> list[str]:
        own = () if skip and number not in new else chunk.made.tags.get(number, ())
        return list(dict.fromkeys((*tags, *own)))

    given = {person: wanted for number, person in on_record.items() if (wanted := names(number))}
    if write:
        tags_bring(outcome, actor, given, None if subject is None else int(subject), level)
    else:
        tags_foretell(outcome, given, [names(number) for number in fresh])


def _unread(chunk: PeopleChunk, numbers: Sequence[int]) -> list[UnreadCell]:
    """The cells left out of the rows that come in."""
    number_of = {chunk.made.places[number]: number for number in numbers}
    return [
        UnreadCell(chunk.lines[place][0], chunk.made.keys[number_of[place]], *cell)
        for place, cells in chunk.made.unread
        if place in number_of
        for cell in cells
    ]


def _is_theirs(person: PersonRecord, row: PersonRow, match_on: str) -> bool:
    """Whether another address or telephone of a person finds them for a row: verified, or no birth date against it."""
    born, says = person.profile.get("birth_date"), row.profile.get("birth_date")
    if not born or not says or born == says:
        return True
    ours = reach.token(match_on, row.key)
    return any(way.verified for way in reach.ways(person.profile, match_on) if reach.token(match_on, way.value) == ours)


def _matched(profile: dict[str, Any], match_on: str, source: str) -> dict[str, Any]:
    """The row's profile without the key that matched: it is ours already, perhaps in other case or spacing."""
    rest = {name: value for name, value in profile.items() if name != match_on}
    if match_on == "external_id" and "external_ids" in rest:
        rest["external_ids"] = {name: value for name, value in rest["external_ids"].items() if name != source}
    return rest


def without_known_numbers(known: Mapping[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """A row's profile without numbers that are this person's from a merged record: they would replace the main ones."""
    if "other_mrns" not in known and "other_external_ids" not in known:
        return given
    rest = dict(given)
    if rest.get("mrn") in (known.get("other_mrns") or ()):
        del rest["mrn"]
    others = known.get("other_external_ids") or {}
    if "external_ids" in rest:
        ids = rest["external_ids"].items()
        rest["external_ids"] = {source: number for source, number in ids if str(number) not in others.get(source, ())}
    return rest


def _holders(
    kind: int, made: Prepared, numbers: Sequence[int]
) -> tuple[dict[bytes, list[int]], dict[bytes, list[int]], set[bytes]]:
    """Who has the identities that rows are matched by, and who has record numbers and outside ids of the rows.

    Where nobody has an address or telephone as the primary one, those count who have it beside theirs: the last part.
    """
    wanted = {made.matches[number] for number in numbers}
    claimed = {token for number in numbers for token in made.unique[number]}
    owners: dict[bytes, list[int]] = defaultdict(list)
    taken: dict[bytes, list[int]] = defaultdict(list)
    found = bulk.run(
        contacts_sql.IDENTITY_HOLDERS,
        [sorted({kind, _BESIDE.get(kind, kind), MRN, EXTERNAL}), sorted(wanted | claimed)],
        planned_once=False,
    )
    living = _living({person for _, _, person in found})
    beside: dict[bytes, list[int]] = defaultdict(list)
    for its_kind, token, person in found:
        if its_kind == kind and token in wanted and person in living:
            owners[token].append(person)
        elif its_kind == _BESIDE.get(kind) and token in wanted and person in living:
            beside[token].append(person)
        if its_kind in (MRN, EXTERNAL) and token in claimed:
            taken[token].append(person)
    others = {token: people for token, people in beside.items() if token not in owners}
    return dict(owners) | others, dict(taken), set(others)


_BESIDE = {EMAIL: OTHER_EMAIL, PHONE: OTHER_PHONE}


def _living(people: Collection[int]) -> set[int]:
    if not people:
        return set()
    return set(Person.objects.filter(pk__in=people, erased_at__isnull=True).values_list("pk", flat=True))


def owners_of(kind: int, wanted: set[bytes]) -> dict[bytes, list[int]]:
    """Ids of the people who have each of these identities, those who were erased left out."""
    found: dict[bytes, list[int]] = defaultdict(list)
    rows = PersonIdentity.objects.filter(kind=kind, token__in=list(wanted), person__erased_at__isnull=True)
    for token, person in rows.values_list("token", "person_id"):
        found[bytes(token)].append(person)
    return dict(found)


def _without_conflicts(
    chunk: PeopleChunk,
    numbers: Sequence[int],
    owners: dict[bytes, list[int]],
    taken: dict[bytes, list[int]],
    pending: Set[bytes],
    outcome: WriteOutcome,
) -> list[int]:
    """Reject rows that mean several people, or claim a record number of somebody else; returns the others.

    ``pending`` are identities that a dry run would have given to people of earlier chunks.
    """
    made = chunk.made
    good: list[int] = []
    claimed: dict[bytes, int] = {}
    every = {token for number in numbers for token in made.unique[number]}
    once = len(every) == sum(len(made.unique[number]) for number in numbers)
    if once and not owners and not taken and every.isdisjoint(pending):
        return list(numbers)

    def reject(number: int, reason: str) -> None:
        outcome.rejections.append(chunk.rejection(made.places[number], reason))

    for number in numbers:
        unique = made.unique[number]
        mine = owners.get(made.matches[number], ())
        if len(mine) > 1:
            reject(number, "several people we know have this key")
            continue
        other = any(holder not in mine for token in unique if token in taken for holder in taken[token])
        if other or any(token in pending and token != made.matches[number] for token in unique):
            reject(number, "the record number or outside id belongs to another person we know")
            continue
        if any(claimed.setdefault(token, number) != number for token in unique):
            reject(number, "an earlier row has the same record number or outside id")
            continue
        good.append(number)
    return good


def fresh_ids(people: int, consents: int) -> Fresh:
    """Draw ids for new people and their consents. Ids that are not used leave a gap and nothing else."""
    return Fresh(
        next_ids(PERSON_TABLE, people),
        next_ids(CONSENT_TABLE, consents) if consents else [],
        next_ids(EVENT_TABLE, consents) if consents else [],
        clock.now(),
    )


def _create(actor: Actor, chunk: PeopleChunk, numbers: list[int], subject: str | int | None) -> list[int]:
    """Write new people with their consents, both on the trail; their ids."""
    if not numbers:
        return []
    made = chunk.made
    consents = sum(made.consents[number] for number in numbers)
    # Prepared ahead: a definition may have changed since. From here to the commit it cannot.
    own = attributes.catalog(writing=True).own
    changed = own != chunk.own
    if changed:
        chunk.own = own
    if made.packed is None or changed:
        fresh = fresh_ids(len(numbers), consents)
        rows = [chunk.row(number) for number in numbers]
        states = [standing(row.consents, fresh.now) for row in rows]
        packed, _ = pack(
            fresh, [row.profile for row in rows], consents=[r.consents for r in rows], states=states, own=own
        )
        people = fresh.people
    else:
        people = [made.people[number] for number in numbers]
        packed = made.packed.only(people, numbers)
    contacts_copy(packed)
    record(actor=actor, action=Action.CONTACT_IMPORT, kind="person", subject=subject, people=people)
    if consents:
        record(
            actor=actor,
            action=Action.CONSENT_RECORD,
            kind="person",
            subject=subject,
            people=[person for person, number in zip(people, numbers, strict=True) if made.consents[number]],
            codes={"consents": consents},
        )
    return list(people)


def open_many(actor: Actor, ids: Sequence[int], subject: str | int | None) -> dict[int, PersonRecord]:
    """Lock and open people for an import; on the trail before anything is opened."""
    if not ids:
        return {}
    record_read(actor=actor, action=Action.CONTACT_OPEN, kind="person", subject=subject, people=ids, purpose="import")
    rows = Person.objects.select_for_update().filter(pk__in=ids, erased_at__isnull=True).order_by("pk")
    people = {row.pk: selectors.opened(row) for row in rows}
    states = (
        ConsentState.objects.holding(clock.now())
        .filter(person_id__in=people)
        .values_list("person_id", "purpose", "state")
    )
    for person, purpose, state in states:
        people[person].consents[purpose] = state
    return people


def _choose_consents(known: list[_Known], mode: str) -> None:
    """Keep of the rows' consents those that tell something newer than what we have.

    The same state is no news, unless it brings another end of what was given the same day or later. Another state
    counts only when it is younger than our last record of that purpose, so that an old list never undoes a withdrawal
    and never brings back what ran out.
    """
    if mode == SKIP:
        return
    told = [(item, cell) for item in known for cell in item.row.consents]
    ends = _ends({item.person.id for item, cell in told if cell.expires is not None})

    def same(item: _Known, cell: ConsentCell) -> bool:
        if item.person.consents.get(cell.purpose) != cell.state:
            return False
        return cell.expires is None or ends.get((item.person.id, cell.purpose)) == cell.expires

    doubtful = {item.person.id: item.person.record_key for item, cell in told if not same(item, cell)}
    latest = last_consent_days(doubtful) if doubtful else {}
    for item, cell in told:
        if same(item, cell):
            continue
        last = latest.get((item.person.id, cell.purpose), date.min)
        renewed = item.person.consents.get(cell.purpose) == cell.state and cell.on == last
        if cell.on > last or renewed:
            item.consents.append(cell)


def _ends(people: Collection[int]) -> dict[tuple[int, str], datetime | None]:
    """When what people consented to runs out."""
    if not people:
        return {}
    rows = ConsentState.objects.filter(person_id__in=people).values_list("person_id", "purpose", "expires")
    return {(person, purpose): expires for person, purpose, expires in rows}


def _change(actor: Actor, items: list[_Known], subject: str | int | None) -> None:
    if not items:
        return
    _record_consents(actor, [(item.person, cell) for item in items for cell in item.consents], subject)
    contacts_change(
        actor=actor,
        profiles={item.person.id: item.profile for item in items},
        action=Action.CONTACT_IMPORT,
        subject=subject,
        before={item.person.id: item.person.profile for item in items},
    )


def _before(item: _Known) -> Before:
    """What the row replaces: by field (``address.city``) the value before and after; of consents the state before."""
    person = item.person
    facts: dict[str, Any] = {
        "fields": {name: [at(person.profile, name), at(item.profile, name)] for name in item.fields}
    }
    if item.consents:
        facts["consents"] = {cell.purpose: [person.consents.get(cell.purpose), cell.state] for cell in item.consents}
    return Before(person.id, person.profile_key, facts, person.version + 1)


def at(profile: Mapping[str, Any], name: str) -> Any:
    """The value of a changed field as ``merge_profile`` names it, None where there is none."""
    first, _, rest = name.partition(".")
    value = profile.get(first)
    return value if not rest else value.get(rest) if isinstance(value, Mapping) else None


def _record_consents(actor: Actor, given: list[tuple[PersonRecord, ConsentCell]], subject: str | int | None) -> None:
    consents_record(
        actor=actor,
        consents=[
            NewConsent(person.id, cell.purpose, cell.state, cell.on, cell.method, cell.wording, cell.by, cell.expires)
            for person, cell in given
        ],
        record_keys={person.id: person.record_key for person, _ in given},
        profile_keys={person.id: person.profile_key for person, _ in given},
        subject=subject,
    )
