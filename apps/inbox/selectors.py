"""Reading tasks, and names as the lists of the inbox show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from apps.audit.actions import Action
from apps.contacts.person.records import PersonRecord
from apps.contacts.person.selectors import open_people
from apps.core.actors import Actor
from apps.inbox import task_kinds
from apps.inbox.models import TASK_TABLE, StaffTask
from apps.inbox.task_kinds import TaskKind
from apps.vault import sealing


def open_tasks(role: str) -> QuerySet[StaffTask]:
    """Tasks that wait and that ``role`` may see."""
    return StaffTask.objects.filter(state=StaffTask.State.OPEN, kind__in=task_kinds.seen_by(role))


def tasks_about(person_id: int, role: str) -> list[tuple[StaffTask, TaskKind]]:
    """What waits about one person and ``role`` may see, each with its kind."""
    return [(row, task_kinds.of(row.kind)) for row in open_tasks(role).filter(person_id=person_id)]


def facts_of(row: StaffTask, record_key: bytes) -> Mapping[str, Any]:
    """What a task is about. Raises ``SealBroken``."""
    found: dict[str, Any] = sealing.open_sealed(record_key, row.sealed, table=TASK_TABLE, row=row.pk)
    return found


def masked_names(*, actor: Actor, ids: Sequence[int]) -> dict[int, str]:
    """Names of people as lists show them, by id; an erased person has none. On the trail first."""
    people = open_people(
        actor=actor, purpose="inbox list", ids=ids, action=Action.CONVERSATION_LIST, with_consents=False
    )
    return {person.id: masked_name(person) for person in people.values()}


def masked_name(person: PersonRecord) -> str:
    """A name as lists show it: whom to expect, and no more. The whole one is seen when the thing is opened."""
    return " ".join(f"{word[:1]}•••" for word in person.name.split()) or "No name"
