"""Making tasks for staff, opening them, and having dealt with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from apps.audit.actions import Action
from apps.audit.services import record, record_read
from apps.contacts.merging.parts import Merging, Notes, Part
from apps.contacts.merging.services.moved import Moved, Seal
from apps.contacts.person.records import PersonRecord
from apps.contacts.person.selectors import open_person, record_keys
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.errors import Refused
from apps.inbox import selectors, task_kinds
from apps.inbox.models import TASK_TABLE, StaffTask
from apps.inbox.task_kinds import TaskKind
from apps.vault import sealing

ANSWER = "answer a patient"


@dataclass(frozen=True)
class OpenTask:
    """A task as staff see it; ``person`` is None when the person was erased."""

    row: StaffTask
    kind: TaskKind
    person: PersonRecord | None = field(repr=False)
    facts: Mapping[str, Any] = field(repr=False)


def tasks_create(*, kind: str, about: Mapping[int, Mapping[str, Any]], keys: Mapping[int, bytes]) -> None:
    """Make a task of ``kind`` about each person (to its facts) who has none of the kind open already.

    ``keys`` are the people's record keys. Caller's transaction, caller's audit entry: that says why there is a task.
    Three statements however many people. Raises ``KeyError`` for a kind that no app registered.
    """
    code = task_kinds.of(kind).code
    waiting = StaffTask.objects.filter(person__in=about, kind=code, state=StaffTask.State.OPEN)
    fresh = sorted(set(about) - set(waiting.values_list("person_id", flat=True)))
    if not fresh:
        return
    now = clock.now()
    rows = [
        StaffTask(
            id=row_id,
            person_id=person,
            kind=code,
            sealed=sealing.seal(keys[person], dict(about[person]), table=TASK_TABLE, row=row_id),
            created_at=now,
        )
        for row_id, person in zip(next_ids(TASK_TABLE, len(fresh)), fresh, strict=True)
    ]
    # Somebody else may make the same one in this moment: one is enough.
    StaffTask.objects.bulk_create(rows, batch_size=1_000, ignore_conflicts=True)


def task_open(*, actor: Actor, task_id: int) -> OpenTask | None:
    """Open a task with its person and what it is about; on the trail first. None when ``actor`` may not see it."""
    row = StaffTask.objects.filter(pk=task_id).first()
    if row is None or not _may_see(actor, row):
        return None
    record_read(
        actor=actor, action=Action.TASK_OPEN, kind="task", subject=row.pk, people=[row.person_id], purpose=ANSWER
    )
    person = open_person(actor=actor, purpose=ANSWER, person_id=row.person_id)
    key = record_keys([row.person_id])[row.person_id]
    return OpenTask(row, task_kinds.of(row.kind), person, selectors.facts_of(row, key))


@transaction.atomic
def task_done(*, actor: Actor, task_id: int) -> None:
    """Somebody has dealt with the task. Raises ``Refused`` when it is gone, or a colleague was faster."""
    _finish(actor, _locked(actor, task_id), "done")


@transaction.atomic
def task_act(*, actor: Actor, task_id: int, address: str) -> str:
    """Do what the task's kind offers under ``address``, and finish the task; returns what to say then.

    Raises ``Refused`` as `task_done`, for an act that the kind does not offer, and as the act itself does.
    """
    row = _locked(actor, task_id)
    act = task_kinds.act_of(task_kinds.of(row.kind), address)
    if act is None:
        raise Refused("task.act_unknown", "Nothing was done: a task of this kind does not offer that.")
    act.run(actor, row)
    _finish(actor, row, act.code)
    return act.said


def _may_see(actor: Actor, row: StaffTask) -> bool:
    if actor.kind == "staff":
        return row.kind in task_kinds.seen_by(actor.role)
    return True


def _locked(actor: Actor, task_id: int) -> StaffTask:
    row = StaffTask.objects.select_for_update().filter(pk=task_id).first()
    if row is None or not _may_see(actor, row):
        raise Refused("task.unknown", "There is no such task any more.")
    if row.state == StaffTask.State.DONE:
        raise Refused("task.done", "A colleague has dealt with this task already.")
    return row


def _finish(actor: Actor, row: StaffTask, how: str) -> None:
    row.state, row.done_at, row.done_by_id = StaffTask.State.DONE, clock.now(), int(actor.id)
    row.save(update_fields=["state", "done_at", "done_by"])
    record(
        actor=actor, action=Action.TASK_DONE, kind="task", subject=row.pk, people=[row.person_id], codes={"how": how}
    )


def _merge(merging: Merging) -> Notes:
    """Tasks go along; an open one of a kind of which the kept record has one is put away until an undo."""
    kinds = StaffTask.objects.filter(person_id=merging.kept.id, state=StaffTask.State.OPEN).values_list("kind")
    second = StaffTask.objects.filter(person_id=merging.merged.id, state=StaffTask.State.OPEN, kind__in=kinds)
    away = [[row.kind, selectors.facts_of(row, merging.merged.record_key)] for row in second]
    second.delete()
    return _TASKS.merge(merging) | ({"away": away} if away else {})


def _take_back(merging: Merging, notes: Notes) -> list[str]:
    _TASKS.undo(merging, notes)
    for kind, facts in notes.get("away", ()):
        tasks_create(kind=kind, about={merging.merged.id: facts}, keys={merging.merged.id: merging.merged.record_key})
    return []


_TASKS = Moved(StaffTask, seals=(Seal("sealed", "record", TASK_TABLE),), noun=("task", "tasks"))
MERGING = Part("tasks", ("inbox.StaffTask.person",), _merge, _take_back, _TASKS.words, order=45)
