"""Claiming: two seconds' worth of messages, opened, merged, decided, sealed and committed to lanes.

One transaction: the ready rows are gone exactly when the attempts are there. If the process dies in it, the
ready rows are as they were.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts import sql as contacts_sql
from apps.contacts.person.records import PersonRecord
from apps.contacts.person.selectors import follow_guardians, open_people
from apps.contacts.timeline.services import NewEvent, events_record
from apps.core import bulk, clock
from apps.core.actors import Actor
from apps.core.bulk import copy_rows
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery.models.outbox import PAUSED_UNTIL, MessageKind
from apps.delivery.policy.routing import Held, Refusal
from apps.delivery.send import binding, preparing
from apps.delivery.send.batch import Batch, ClaimedRow, Hold, Job
from apps.delivery.send.slots import Lease, renew
from apps.delivery.send.sources import Claimed, Draft, source_of
from apps.mail.compiled import MissingField
from apps.organizations import selectors as organizations
from apps.vault.sealing import SealBroken

log = logging.getLogger(__name__)

# Consent, suppression, stop and pause are read in the statement that claims.
_CLAIM = f"""
WITH picked AS (
    SELECT message_id FROM delivery_readymessage
    WHERE stream = %(stream)s AND not_before <= %(now)s
    ORDER BY not_before, message_id LIMIT %(limit)s::int4 FOR UPDATE SKIP LOCKED
), taken AS (
    DELETE FROM delivery_readymessage r USING picked WHERE r.message_id = picked.message_id
    RETURNING r.message_id
)
SELECT m.id, m.kind, m.source_id, m.node, m.visit, m.person_id, m.purpose, m.level, m.attempts,
       m.content, m.evidence,
       (SELECT s.state FROM delivery_sourcestop s WHERE s.kind = m.kind AND s.source_id = m.source_id),
       {contacts_sql.consent_of("m.person_id", "m.purpose", "%(now)s")},
       {contacts_sql.scopes_stopped("m.person_id")}
FROM taken JOIN delivery_outboxmessage m ON m.id = taken.message_id
WHERE m.state = 'queued'
ORDER BY m.id
"""  # noqa: S608


@transaction.atomic
def claim(*, actor: Actor, lease: Lease, stream: str, limit: int, lanes: Sequence[int], per_domain: int) -> Batch:
    """Claim up to `limit` messages of a stream for the free `lanes`. Raises `Fenced` when the slot is lost.

    Raises `binding.MixedUp`, and undoes the claim, when anybody's values came into somebody else's message.
    """
    now = clock.now()
    renew(lease, now)
    rows = _claim_rows(stream, limit, now)
    batch = Batch(claimed=len(rows))
    if not rows:
        return batch
    rows = _respect_stops(rows, stream, now, batch)
    people, guardians = _open(actor, rows)
    record(
        actor=actor,
        action=Action.MESSAGE_SEND,
        kind="message",
        people=sorted({r.claimed.person_id for r in rows if r.claimed.person_id is not None}),
        codes={"messages": len(rows), "stream": stream, "slot": lease.slot},
    )
    jobs, holds = _prepare(rows, people, guardians, now, batch)
    for job in jobs:
        job.stream = stream
    _write_holds(actor, holds, now)
    batch.held += len(holds)
    batch.lanes = dict(zip(lanes, assign(jobs, len(lanes), per_domain), strict=False))
    for given in batch.lanes.values():
        binding.jobs_check(given)
    copy_rows(
        "delivery_attempt (message_id, slot, fence, lane, sequence, started_at)",
        ["int8", "int2", "int8", "int2", "int4", "timestamptz"],
        [
            (job.id, lease.slot, lease.fence, lane, place, now)
            for lane, given in batch.lanes.items()
            for place, job in enumerate(given)
        ],
    )
    return batch


def assign(jobs: Sequence[Job], lanes: int, per_domain: int) -> list[list[Job]]:
    """Spread jobs over at most `lanes` lanes: a domain's messages together, on at most `per_domain` of them.

    Each lane is worked in order over one connection at a time, so that the number of lanes bounds the number
    of doubtful messages after a kill.
    """
    domains: dict[str, list[Job]] = {}
    for job in jobs:
        domains.setdefault(job.domain, []).append(job)
    count = max(1, min(lanes, len(jobs)))
    share = -(-len(jobs) // count)
    loads: list[list[Job]] = [[] for _ in range(count)]
    for given in sorted(domains.values(), key=len, reverse=True):
        parts = min(per_domain, max(1, -(-len(given) // share)))
        size = -(-len(given) // parts)
        for start in range(0, len(given), size):
            min(loads, key=len).extend(given[start : start + size])
    return [lane for lane in loads if lane]


def _claim_rows(stream: str, limit: int, now: datetime) -> list[ClaimedRow]:
    return [
        ClaimedRow(
            Claimed(
                id=r[0],
                kind=r[1],
                source_id=r[2],
                node=r[3],
                visit=r[4],
                person_id=r[5],
                purpose=Purpose(r[6]),
                level=Level(r[7]),
                attempts=r[8],
            ),
            content=r[9],
            evidence=r[10],
            stop=r[11],
            consent=r[12],
            scopes=tuple(r[13]),
        )
        for r in bulk.run(_CLAIM, {"stream": stream, "now": now, "limit": limit}, planned_once=False)
    ]


def _respect_stops(rows: list[ClaimedRow], stream: str, now: datetime, batch: Batch) -> list[ClaimedRow]:
    """Paused sources go back to wait, stopped ones are over."""
    paused = [r.claimed for r in rows if r.stop == "paused"]
    copy_rows(
        "delivery_readymessage (message_id, stream, provider, kind, source_id, not_before)",
        ["int8", "text", "int8", "text", "int8", "timestamptz"],
        [(c.id, stream, 0, c.kind, c.source_id, PAUSED_UNTIL) for c in paused],
    )
    batch.put_back += len(paused)
    stopped = [r.claimed.id for r in rows if r.stop == "stopped"]
    if stopped:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE delivery_outboxmessage SET state = 'stopped', reason = 'stopped', finished_at = %s"
                " WHERE id = ANY(%s)",
                [now, stopped],
            )
    return [r for r in rows if r.stop is None]


def _open(actor: Actor, rows: Sequence[ClaimedRow]) -> tuple[dict[int, PersonRecord], dict[int, PersonRecord]]:
    """The people of the claim, and the guardians of the minors among them."""
    ids = [r.claimed.person_id for r in rows if r.claimed.person_id is not None]
    if not ids:
        return {}, {}
    purposes = sorted({r.claimed.purpose.value for r in rows})
    people = open_people(actor=actor, purpose="send " + " ".join(purposes), ids=ids, guardians=False)
    guardians = dict(people)
    if missing := _guardians(people) - guardians.keys():
        guardians |= open_people(actor=actor, purpose="guardian", ids=sorted(missing), guardians=False)
        if missing - guardians.keys():
            # Erased, or merged into another record since: then that one is the guardian.
            follow_guardians(people.values())
            moved = sorted(_guardians(people) - guardians.keys() - missing)
            guardians |= open_people(actor=actor, purpose="guardian", ids=moved, guardians=False)
    return people, guardians


def _guardians(people: Mapping[int, PersonRecord]) -> set[int]:
    return {int(person.profile["guardian_id"]) for person in people.values() if person.profile.get("guardian_id")}


def _prepare(
    rows: Sequence[ClaimedRow],
    people: Mapping[int, PersonRecord],
    guardians: Mapping[int, PersonRecord],
    now: datetime,
    batch: Batch,
) -> tuple[list[Job], list[Hold]]:
    context = preparing.ClaimContext.open(now, people, guardians)
    drafts = _drafts([r for r in rows if r.content is None], people, now)
    jobs: list[Job] = []
    holds: list[Hold] = []
    broken: list[int] = []
    for row in rows:
        person = people.get(row.claimed.person_id) if row.claimed.person_id is not None else None
        try:
            made = preparing.prepare(context, row, person, drafts.get(row.claimed.id))
        except MissingField:
            made = Refusal(Held.MISSING_FIELD, "")
        except (Refused, SealBroken, ValueError, KeyError, TypeError, AttributeError) as e:
            # One message that cannot be made must not stop the others. Its text may be personal: the type only.
            log.error("Message %d cannot be made: %s", row.claimed.id, type(e).__name__)
            broken.append(row.claimed.id)
            continue
        if isinstance(made, Refusal):
            key = person.profile_key if person is not None else None
            c = row.claimed
            level = preparing.floor(c.kind, c.level, person)
            holds.append(Hold(c.id, c.kind, c.source_id, c.person_id, key, made.code, int(level)))
        else:
            jobs.append(made)
    if context.merge is not None:
        binding.canaries_check(context.templates.values(), context.merge)
    if broken:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE delivery_outboxmessage SET state = 'failed', reason = 'content', finished_at = %s"
                " WHERE id = ANY(%s)",
                [now, broken],
            )
        batch.failed += len(broken)
    return jobs, holds


def _drafts(
    rows: Sequence[ClaimedRow], people: Mapping[int, PersonRecord], now: datetime
) -> dict[int, Draft | Refusal]:
    """What the sources above say, asked once for each kind."""
    found: dict[int, Draft | Refusal] = {}
    for kind in {r.claimed.kind for r in rows}:
        source = source_of(kind)
        if source is not None:
            asked = [r.claimed for r in rows if r.claimed.kind == kind and r.claimed.person_id in people]
            found.update(source.drafts(claimed=asked, people=people, now=now))
    return found


def _write_holds(actor: Actor, holds: Sequence[Hold], now: datetime) -> None:
    if not holds:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE delivery_outboxmessage m SET state = 'held', reason = h.code, level = h.level, finished_at = %s
            FROM unnest(%s::int8[], %s::text[], %s::int2[]) AS h(id, code, level) WHERE m.id = h.id
            """,
            [now, [h.id for h in holds], [h.code.value for h in holds], [h.level for h in holds]],
        )
    today = now.astimezone(organizations.current().timezone).date()
    events = [
        NewEvent(
            h.person_id,
            "message.held",
            today,
            f"message:{h.id}:held",
            {"message": h.id, "message_kind": h.kind, "reason": h.code.value},
            (f"message.held:{h.kind}:{h.source_id}",),
        )
        for h in holds
        if h.person_id is not None
        and h.profile_key is not None
        and h.kind in (MessageKind.CAMPAIGN, MessageKind.JOURNEY)
    ]
    keys = {h.person_id: h.profile_key for h in holds if h.person_id is not None and h.profile_key is not None}
    events_record(actor=actor, events=events, profile_keys=keys, action=None)
