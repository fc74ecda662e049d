"""Writing the trail. Every write of the product calls ``record`` in its own transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.db import connections, transaction
from django.db.models import Value
from django.db.models.functions import Cast

from apps.audit import marks
from apps.audit.actions import Action
from apps.audit.models import AuditEntry
from apps.core import clock
from apps.core.actors import Actor

# What the MAC covers: everything but the id (given by the database) and the transaction number.
CONTENT = (
    "at",
    "actor_kind",
    "actor_id",
    "actor_role",
    "action",
    "kind",
    "subject",
    "purpose",
    "reason",
    "fields",
    "codes",
    "people",
    "people_sealed",
    "people_count",
    "change",
)


def record(
    *,
    actor: Actor,
    action: Action,
    kind: str = "",
    subject: str | int | None = None,
    people: Iterable[int] = (),
    purpose: str = "",
    reason: str = "",
    fields: Sequence[str] = (),
    codes: dict[str, Any] | None = None,
    change: bytes | None = None,
    using: str = "default",
) -> AuditEntry:
    """Insert one entry in the caller's transaction.

    ``people`` are ids of the persons it concerns (a bulk act is one entry); ``fields`` are field names; ``codes``
    holds numbers and code words only; ``change`` is a sealed before/after made by the caller; ``reason`` is a
    person's own words and is sealed.
    """
    ids = list(people)
    entry = AuditEntry(
        at=clock.now(),
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_role=actor.role,
        action=action.value,
        kind=kind,
        subject="" if subject is None else str(subject),
        purpose=purpose,
        reason=marks.seal_text(reason) if reason else None,
        fields=list(fields),
        codes=codes or {},
        people=sorted(marks.person_token(person) for person in ids),
        people_sealed=marks.seal_ids(ids) if ids else None,
        people_count=len(ids),
        change=change,
    )
    entry.mac = marks.mac(content_of(entry))
    tokens = entry.people
    # As one text: Django would convert thousands of numbers one by one.
    entry.people = Cast(Value(f"{{{','.join(map(str, tokens))}}}"), AuditEntry._meta.get_field("people"))
    entry.save(force_insert=True, using=using)
    entry.people = tokens
    return entry


def record_read(**given: Any) -> AuditEntry:
    """Like ``record``, for opening personal data: the entry is committed before this returns.

    Inside a transaction it goes by the audit writer's connection; if it cannot be written, the read fails too.
    """
    if connections["default"].in_atomic_block and settings.AUDIT_WRITER != "default":
        with transaction.atomic(using=settings.AUDIT_WRITER):
            return record(**given, using=settings.AUDIT_WRITER)
    return record(**given)


def content_of(entry: AuditEntry) -> dict[str, Any]:
    """The part of an entry that its MAC covers."""
    return {name: getattr(entry, name) for name in CONTENT}
