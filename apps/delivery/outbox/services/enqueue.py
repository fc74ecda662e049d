"""Into the outbox: in bulk, once, and never anywhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.person.selectors import record_keys
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import copy_rows, next_ids
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery.models.outbox import CONTENT_PLACE, OUTBOX_TABLE, MessageKind, Stream
from apps.jobs import waking
from apps.vault import sealing

_STREAMS: Mapping[str, str] = {
    MessageKind.CAMPAIGN: Stream.BULK,
    MessageKind.JOURNEY: Stream.TRANSACTIONAL,
    MessageKind.NOTICE: Stream.TRANSACTIONAL,
    MessageKind.REPLY: Stream.TRANSACTIONAL,
    MessageKind.ACCOUNT: Stream.URGENT,
    MessageKind.TEST: Stream.URGENT,
}


@dataclass(frozen=True, repr=False)
class ReadyMail:
    """Finished mail of one message: header lines, and an entity that begins with Content-Type. CRLF only."""

    to_address: str
    head: bytes
    entity: bytes

    def to_json(self) -> dict[str, str]:
        """The form that is sealed."""
        return {
            "to": self.to_address,
            "head": self.head.decode("latin-1"),
            "entity": self.entity.decode("latin-1"),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, str]) -> ReadyMail:
        """Read what `to_json` wrote."""
        return cls(data["to"], data["head"].encode("latin-1"), data["entity"].encode("latin-1"))


@dataclass(frozen=True)
class OutboxItem:
    """One thing to one person.

    `level` is a floor: what the audience reveals and the author declared. Campaigns give `source_id` (and are
    once per person), journeys `source_id`, `node` and `visit` (once each). `mail` is for what is finished
    already; without it the kind's source is asked for a draft when the message is claimed.
    """

    kind: MessageKind
    purpose: Purpose
    level: Level
    person_id: int | None = None
    source_id: int | None = None
    node: str = ""
    visit: int = 0
    stream: Stream | None = None
    not_before: datetime | None = None
    mail: ReadyMail | None = None


def enqueue(*, actor: Actor, items: Iterable[OutboxItem]) -> int:
    """Put messages into the outbox by COPY; returns how many were new.

    What is there already (the same campaign and person, the same visit of a journey's step) changes nothing,
    so that a repeated feed is harmless. One audit entry for all.
    """
    return len(_enqueue(actor, list(items)))


def enqueue_one(*, actor: Actor, item: OutboxItem) -> int | None:
    """Put one message into the outbox; its id, or None when it was there already."""
    found = _enqueue(actor, [item])
    return found[0] if found else None


@transaction.atomic
def _enqueue(actor: Actor, items: list[OutboxItem]) -> list[int]:
    if not items:
        return []
    now = clock.now()
    # What a tick "as if it were next week" decided is decided: it does not lie in the queue until next week.
    ready = min(now, clock.wall())
    keys = record_keys({i.person_id for i in items if i.mail is not None and i.person_id is not None})
    rows: list[tuple[Any, ...]] = []
    for message_id, item in zip(next_ids(OUTBOX_TABLE, len(items)), items, strict=True):
        stream = item.stream or _STREAMS[item.kind]
        rows.append(
            (
                message_id,
                item.kind.value,
                str(stream),
                item.source_id,
                item.node,
                item.visit,
                item.person_id,
                item.purpose.value,
                int(item.level),
                _sealed_content(message_id, item, keys),
                now,
                item.not_before or ready,
            )
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS new_message (id int8, kind text, stream text, source_id int8,"
            " node text, visit int8, person_id int8, purpose text, level int2, content bytea,"
            " created_at timestamptz, not_before timestamptz) ON COMMIT DELETE ROWS; DELETE FROM new_message"
        )
        copy_rows(
            "new_message (id, kind, stream, source_id, node, visit, person_id, purpose, level, content,"
            " created_at, not_before)",
            ["int8", "text", "text", "int8", "text", "int8", "int8", "text", "int2", "bytea"]
            + ["timestamptz", "timestamptz"],
            rows,
        )
        cursor.execute(
            """
            WITH added AS (
                INSERT INTO delivery_outboxmessage (id, kind, stream, source_id, node, visit, person_id,
                    purpose, level, state, reason, route, content, attempts, created_at)
                SELECT id, kind, stream, source_id, node, visit, person_id, purpose, level, 'queued', '', '',
                    content, 0, created_at
                FROM new_message ORDER BY id
                ON CONFLICT DO NOTHING
                RETURNING id
            ), ready AS (
                INSERT INTO delivery_readymessage (message_id, stream, provider, kind, source_id, not_before)
                SELECT n.id, n.stream, 0, n.kind, n.source_id, n.not_before
                FROM new_message n JOIN added ON added.id = n.id
                RETURNING message_id
            )
            SELECT message_id FROM ready ORDER BY message_id
            """
        )
        added = [row[0] for row in cursor.fetchall()]
    if added:
        fresh = set(added)
        people = {row[6] for row in rows if row[0] in fresh and row[6] is not None}
        record(
            actor=actor,
            action=Action.MESSAGE_ENQUEUE,
            kind="message",
            subject=added[0] if len(added) == 1 else None,
            people=sorted(people),
            purpose=items[0].purpose.value,
            codes={"messages": len(added), "kind": items[0].kind.value, "source": items[0].source_id or 0},
        )
        waking.wake("apps.delivery.tasks.dispatch_ready", expires=30)
    return added


def _sealed_content(message_id: int, item: OutboxItem, keys: Mapping[int, bytes]) -> bytes | None:
    if item.mail is None:
        return None
    data = item.mail.to_json()
    if item.person_id is None:
        return sealing.seal_service(data, table=CONTENT_PLACE, row=message_id)
    return sealing.seal(keys[item.person_id], data, table=CONTENT_PLACE, row=message_id)
