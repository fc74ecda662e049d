"""Consent and suppression."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.consent.given import ConsentCell
from apps.contacts.consent.opt_outs import consents_note, mailboxes_note
from apps.contacts.models import Consent, ConsentState, Person, Suppression
from apps.contacts.models.consent import CONSENT_TABLE
from apps.contacts.person import search_values
from apps.contacts.person.sealed_rows import consent_event, consent_facts, consent_source
from apps.contacts.person.services import refresh_search
from apps.contacts.suppressions.register.services import stops_add
from apps.contacts.timeline.services import NewEvent, events_record
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import copy_rows, next_ids
from apps.core.errors import Refused
from apps.core.purposes import Purpose
from apps.vault import sealing

STATES = ("granted", "denied")
BY_MERGE = "merge:"
"""How the source of a suppression begins that came to a mailbox because its person has another record's too."""
EXPIRED_AT_ONCE = 1_000


@transaction.atomic
def consent_record(
    *,
    actor: Actor,
    person_id: int,
    purpose: str,
    state: str,
    on: date,
    method: str,
    wording: str = "",
    given_by: str = "",
    note: str = "",
    expires: datetime | None = None,
) -> None:
    """Record consent granted or denied (withdrawn) for a purpose; the newest counts.

    ``method`` says how (paper, portal, phone, import), ``wording`` which version of the text was agreed to,
    ``given_by`` who spoke (the person, or a representative with authority: 45 CFR 164.508(c)(1)(vi)).
    ``expires`` is the moment from which it counts no more (45 CFR 164.508(c)(1)(v) asks for a date or an event).
    Raises ``Refused`` for an unknown purpose or state, a future date, an end in the past, or an erased person.
    """
    if purpose not in set(Purpose) or state not in STATES:
        raise Refused("consent.incomplete", "Choose a purpose and whether consent was granted or denied.")
    now = clock.now()
    if on > clock.clinic_day(now):
        raise Refused("consent.in_future", "A consent cannot be dated in the future. Correct the date.")
    row = Person.objects.select_for_update().filter(pk=person_id, erased_at__isnull=True).first()
    if row is None:
        raise Refused("person.unknown", "There is no such person any more.")
    cell = ConsentCell(purpose, state, on, method, wording, given_by, expires)
    if expires is not None and expires <= now:
        raise Refused(
            "consent.run_out", "This consent would have run out already. Correct the day, or record it as denied."
        )
    facts = {**consent_facts(cell), "note": note}
    key = sealing.unwrap_record(row.kek_id, row.wrapped_record, row.pk)
    consent_id = next_ids(CONSENT_TABLE, 1)[0]
    Consent.objects.create(
        id=consent_id, person=row, sealed=sealing.seal(key, facts, table=CONSENT_TABLE, row=consent_id)
    )
    consents_note({(row.pk, purpose): state})
    ConsentState.objects.update_or_create(
        person=row, purpose=purpose, defaults={"state": state, "since": now, "expires": expires}
    )
    refresh_search([row.pk])
    kind, day, told = consent_event(cell)
    events_record(actor=actor, events=[NewEvent(row.pk, kind, day, consent_source(consent_id), told)], action=None)
    record(
        actor=actor,
        action=Action.CONSENT_RECORD,
        kind="person",
        subject=row.pk,
        people=[row.pk],
        codes={"purpose": purpose, "state": state},
    )


@dataclass(frozen=True)
class NewConsent:
    """One of many consents to record; the particulars are those of ``consent_record``."""

    person_id: int
    purpose: str
    state: str
    on: date
    method: str
    wording: str = ""
    given_by: str = ""
    expires: datetime | None = None


@transaction.atomic
def consents_record(
    *,
    actor: Actor,
    consents: Sequence[NewConsent],
    record_keys: Mapping[int, bytes],
    profile_keys: Mapping[int, bytes],
    subject: str | int | None = None,
) -> int:
    """Record consents in bulk; returns how many. One audit entry for all.

    The caller has validated them, holds the people's keys, and writes their search values (``contacts_create`` with
    ``consents``, or ``contacts_change`` afterwards). Several for one person and purpose: the last one counts.
    """
    if not consents:
        return 0
    now = clock.now()
    rows: list[tuple[Any, ...]] = []
    states: dict[tuple[int, str], tuple[str, datetime | None]] = {}
    events: list[NewEvent] = []
    for consent_id, given in zip(next_ids(CONSENT_TABLE, len(consents)), consents, strict=True):
        cell = ConsentCell(
            given.purpose, given.state, given.on, given.method, given.wording, given.given_by, given.expires
        )
        sealed = sealing.seal(record_keys[given.person_id], consent_facts(cell), table=CONSENT_TABLE, row=consent_id)
        rows.append((consent_id, given.person_id, sealed, now))
        states[given.person_id, given.purpose] = (given.state, given.expires)
        kind, on, told = consent_event(cell)
        events.append(NewEvent(given.person_id, kind, on, consent_source(consent_id), told))
    copy_rows(f"{CONSENT_TABLE} (id, person_id, sealed, recorded_at)", ["int8", "int8", "bytea", "timestamptz"], rows)
    consents_note({key: state for key, (state, _) in states.items()})
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS new_consent_state (person_id int8, purpose text, state text,"
            " expires timestamptz) ON COMMIT DELETE ROWS"
        )
        cursor.execute("TRUNCATE new_consent_state")
        copy_rows(
            "new_consent_state (person_id, purpose, state, expires)",
            ["int8", "text", "text", "timestamptz"],
            [(*key, *states[key]) for key in sorted(states)],
        )
        cursor.execute(
            """
            INSERT INTO contacts_consentstate (person_id, purpose, state, since, expires)
            SELECT person_id, purpose, state, %s, expires FROM new_consent_state ORDER BY person_id, purpose
            ON CONFLICT (person_id, purpose)
            DO UPDATE SET state = excluded.state, since = excluded.since, expires = excluded.expires
            """,
            [now],
        )
    events_record(actor=actor, events=events, profile_keys=profile_keys, action=None)
    record(
        actor=actor,
        action=Action.CONSENT_RECORD,
        kind="person",
        subject=subject,
        people=sorted({given.person_id for given in consents}),
        codes={"consents": len(consents)},
    )
    return len(consents)


def consents_forget(*, pairs: Sequence[tuple[int, str]]) -> int:
    """Let nothing hold for these (person, purpose): a grant was recorded by mistake. The history keeps it.

    The caller writes the search values and audits. Returns how many states went.
    """
    gone = 0
    for purpose in sorted({purpose for _, purpose in pairs}):
        people = [person for person, each in pairs if each == purpose]
        gone += ConsentState.objects.filter(purpose=purpose, person_id__in=people, state="granted").delete()[0]
    return gone


def last_consent_days(record_keys: Mapping[int, bytes]) -> dict[tuple[int, str], date]:
    """The day of the latest consent of each (person, purpose), from the sealed history of opened people."""
    latest: dict[tuple[int, str], date] = defaultdict(lambda: date.min)
    for row in Consent.objects.filter(person_id__in=record_keys).iterator(chunk_size=2_000):
        facts = sealing.open_sealed(record_keys[row.person_id], row.sealed, table=CONSENT_TABLE, row=row.pk)
        key = (row.person_id, facts["purpose"])
        latest[key] = max(latest[key], date.fromisoformat(facts["date"]))
    return dict(latest)


def consent_history(*, person_id: int, record_key: bytes) -> list[dict[str, Any]]:
    """All recorded consents of an opened person, newest first."""
    rows = Consent.objects.filter(person_id=person_id).order_by("-id")
    return [
        {
            **sealing.open_sealed(record_key, row.sealed, table=CONSENT_TABLE, row=row.pk),
            "recorded_at": row.recorded_at,
        }
        for row in rows
    ]


def suppress(*, actor: Actor, address: str, scope: str, reason: str, source: str = "") -> bool:
    """Suppress one mailbox; whether that was news."""
    return bool(
        suppress_many(
            actor=actor, mailboxes=[search_values.mailbox(address)], scope=scope, reason=reason, source=source
        )
    )


@transaction.atomic
def suppress_many(
    *,
    actor: Actor,
    mailboxes: Iterable[bytes],
    scope: str,
    reason: str,
    source: str = "",
    people: Iterable[int] = (),
    note: str = "",
) -> int:
    """Suppress mailboxes by their tokens; returns how many were not suppressed for that scope before.

    ``note`` is somebody's own reason, for the trail.

    A rest of list hygiene ends by itself with a sign of life, so any other reason takes its place: somebody who
    unsubscribes while resting must stay unsubscribed. So does what the undo of a merge would lift (``BY_MERGE``).
    """
    news = stops_add(
        mailboxes=[bytes(mailbox) for mailbox in mailboxes],
        scope=scope,
        reason=reason,
        since=clock.now(),
        source=source,
    )
    if reason != Suppression.Reason.HYGIENE:
        mailboxes_note(sorted(news), scope, reason)
    record(
        actor=actor,
        action=Action.SUPPRESSION_ADD,
        kind="mailbox",
        people=people,
        reason=note,
        codes={"scope": scope, "reason": reason, "new": len(news)},
    )
    return len(news)


def for_now() -> Q:
    """Suppressions that something else than the person lifts: a rest of list hygiene, or what came by a merge."""
    return Q(reason=Suppression.Reason.HYGIENE) | Q(source__startswith=BY_MERGE)


def consents_expire(*, actor: Actor, now: datetime) -> int:
    """Take back what ran out by ``now``: the state becomes "not recorded", the history stays. Returns how many.

    An authorization ends on its day (45 CFR 164.508(b)(2)(i), (c)(1)(v)). Sending asks for the moment itself; this
    makes what is stored follow, so that segments, counts and plans agree.

    A refusal does not run out. Safe to repeat; one entry for each batch.
    """
    done = 0
    while True:
        with transaction.atomic():
            due = ConsentState.objects.filter(state="granted", expires__lte=now)
            wanted = sorted(set(due.order_by("expires").values_list("person_id", flat=True)[:EXPIRED_AT_ONCE]))
            if not wanted:
                return done
            # People first and in order, as everybody who writes their search values locks them.
            locked = list(
                Person.objects.select_for_update().filter(pk__in=wanted).order_by("pk").values_list("pk", flat=True)
            )
            gone, _ = due.filter(person_id__in=locked).delete()
            refresh_search(locked)
            record(actor=actor, action=Action.CONSENT_EXPIRE, kind="person", people=locked, codes={"consents": gone})
            done += gone
