"""Pausing, resuming and stopping what waits; deciding about what is in doubt."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import int8_array
from apps.core.errors import Refused
from apps.delivery.models import OutboxMessage, ReadyMessage, SourceStop
from apps.delivery.models.outbox import PAUSED_UNTIL, MessageKind, State
from apps.delivery.policy.routing import Held
from apps.jobs import waking
from apps.mail.smtp_replies import RESTORED


@transaction.atomic
def source_pause(*, actor: Actor, kind: MessageKind, source_id: int) -> int:
    """Let nothing more of a campaign or journey leave for now; returns how many messages wait.

    A worker that holds messages of it sees that within a moment; only what is on the wire then still goes.
    """
    SourceStop.objects.update_or_create(
        kind=kind, source_id=source_id, defaults={"state": SourceStop.StopState.PAUSED, "since": clock.now()}
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_readymessage SET not_before = %s WHERE kind = %s AND source_id = %s",
            [PAUSED_UNTIL, kind.value, source_id],
        )
        waiting = cursor.rowcount
    _record(actor, Action.SOURCE_PAUSE, kind, source_id, waiting)
    return waiting


@transaction.atomic
def source_resume(*, actor: Actor, kind: MessageKind, source_id: int) -> int:
    """Let a paused campaign or journey go on; returns how many messages wait. A stopped one stays stopped."""
    stop = SourceStop.objects.select_for_update().filter(kind=kind, source_id=source_id).first()
    if stop is not None and stop.state == SourceStop.StopState.STOPPED:
        raise Refused("sending.stopped", "This was stopped for good. Make a copy to send the rest.")
    SourceStop.objects.filter(kind=kind, source_id=source_id).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_readymessage SET not_before = %s WHERE kind = %s AND source_id = %s AND not_before = %s",
            [clock.now(), kind.value, source_id, PAUSED_UNTIL],
        )
        waiting = cursor.rowcount
    _record(actor, Action.SOURCE_RESUME, kind, source_id, waiting)
    waking.wake("apps.delivery.tasks.dispatch_ready", expires=30)
    return waiting


@transaction.atomic
def source_stop(*, actor: Actor, kind: MessageKind, source_id: int) -> int:
    """Stop a campaign or journey for good; returns how many messages will not leave."""
    SourceStop.objects.update_or_create(
        kind=kind, source_id=source_id, defaults={"state": SourceStop.StopState.STOPPED, "since": clock.now()}
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH gone AS (
                DELETE FROM delivery_readymessage WHERE kind = %s AND source_id = %s RETURNING message_id
            )
            UPDATE delivery_outboxmessage m SET state = 'stopped', reason = 'stopped', finished_at = %s
            FROM gone WHERE m.id = gone.message_id AND m.state = 'queued'
            """,
            [kind.value, source_id, clock.now()],
        )
        stopped = cursor.rowcount
    _record(actor, Action.SOURCE_STOP, kind, source_id, stopped)
    return stopped


@transaction.atomic
def message_stop(*, actor: Actor, message_id: int) -> None:
    """Stop one message that waits. Raises `Refused` when it is on its way or over."""
    message = OutboxMessage.objects.select_for_update().filter(pk=message_id).first()
    waiting = ReadyMessage.objects.filter(pk=message_id).delete()[0] if message else 0
    if message is None or not waiting or message.state != State.QUEUED:
        raise Refused("message.under_way", "This message is already on its way or finished, so it cannot be stopped.")
    _settle(message, State.STOPPED)
    record(
        actor=actor,
        action=Action.MESSAGE_STOP,
        kind="message",
        subject=message_id,
        people=[message.person_id] if message.person_id else [],
    )


@transaction.atomic
def doubtful_resend(*, actor: Actor, message_id: int, send: bool) -> None:
    """A person decided about a doubtful message: send it again, or leave it as it is (counted as failed).

    Nobody but a person does this: the server may have taken the message just before the connection broke.
    """
    message = OutboxMessage.objects.select_for_update().filter(pk=message_id, state=State.DOUBTFUL).first()
    if message is None:
        raise Refused("message.not_in_doubt", "This message is not in doubt any more.")
    if send:
        OutboxMessage.objects.filter(pk=message_id).update(state=State.QUEUED, reason="", finished_at=None, route="")
        ReadyMessage.objects.create(
            message_id=message_id,
            stream=message.stream,
            kind=message.kind,
            source_id=message.source_id,
            not_before=clock.now(),
        )
        waking.wake("apps.delivery.tasks.dispatch_ready", expires=30)
    else:
        _settle(message, State.FAILED)
    record(
        actor=actor,
        action=Action.MESSAGE_RESEND if send else Action.MESSAGE_STOP,
        kind="message",
        subject=message_id,
        people=[message.person_id] if message.person_id else [],
        codes={"send": send},
    )


@transaction.atomic
def held_release(*, actor: Actor, message_ids: Sequence[int], reason: Held) -> int:
    """What was held for ``reason`` waits to be sent again; returns how many. Its source is asked anew when it is
    claimed. Messages that are held for another reason, or not held, stay as they are.
    """
    if not message_ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH again AS (
                UPDATE delivery_outboxmessage SET state = 'queued', reason = '', finished_at = NULL
                WHERE id = ANY(%s::bigint[]) AND state = 'held' AND reason = %s
                RETURNING id, stream, kind, source_id, person_id
            ), ready AS (
                INSERT INTO delivery_readymessage (message_id, stream, provider, kind, source_id, not_before)
                SELECT id, stream, 0, kind, source_id, %s FROM again
            )
            SELECT count(*), array_remove(array_agg(DISTINCT person_id), NULL) FROM again
            """,
            # As when it was enqueued: a tick "as if it were next week" does not let it lie until next week.
            [int8_array(message_ids), reason.value, min(clock.now(), clock.wall())],
        )
        count, people = cursor.fetchone()
    if count:
        record(
            actor=actor,
            action=Action.MESSAGE_RELEASE,
            kind="message",
            people=people or [],
            codes={"messages": count, "reason": reason.value},
        )
        waking.wake("apps.delivery.tasks.dispatch_ready", expires=30)
    return int(count)


@transaction.atomic
def hold_after_restore(*, actor: Actor) -> dict[str, int]:
    """Answers, notices and account mail that waited when a backup was made may have left since: a person decides.

    What belongs to a campaign or journey waits with it, which is paused.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH gone AS (
                DELETE FROM delivery_readymessage WHERE kind <> ALL (%s) RETURNING message_id
            ), doubtful AS (
                UPDATE delivery_outboxmessage m SET state = 'doubtful', reason = %s, finished_at = %s
                FROM gone WHERE m.id = gone.message_id AND m.state = 'queued' RETURNING m.person_id
            )
            SELECT count(*), array_remove(array_agg(DISTINCT person_id), NULL) FROM doubtful
            """,
            [[MessageKind.CAMPAIGN.value, MessageKind.JOURNEY.value], RESTORED, clock.now()],
        )
        found, people = cursor.fetchone()
    if found:
        record(
            actor=actor, action=Action.MESSAGE_RECOVER, kind="message", people=people or [], codes={"doubtful": found}
        )
    return {"messages_in_doubt": found}


def _settle(message: OutboxMessage, state: State) -> None:
    reason = "stopped" if state == State.STOPPED else "network"
    OutboxMessage.objects.filter(pk=message.pk).update(state=state, reason=reason, finished_at=clock.now())


def _record(actor: Actor, action: Action, kind: MessageKind, source_id: int, count: int) -> None:
    record(actor=actor, action=action, kind=kind.value, subject=source_id, codes={"messages": count})
