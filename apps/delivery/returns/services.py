"""What comes back changes what we know: bounces, complaints, answers. Idempotent, in any order.

A bounce or complaint counts only with a signature of ours: the return path it came to, or one it quotes. Nothing
in its text decides whom it concerns, and nothing in its text decides whether people see it: whatever is answered 250
is kept, as a letter or sorted out by its structure.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.models import Suppression
from apps.contacts.person import search_values
from apps.contacts.person.selectors import record_keys, survivors
from apps.contacts.services import NewEvent, events_record, suppress_many
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.errors import Refused
from apps.delivery import selectors
from apps.delivery.letters.services import proof_begin
from apps.delivery.models import InboundMail, OutboxMessage
from apps.delivery.models.inbound import INBOUND_TABLE, RAW_PLACE
from apps.delivery.models.outbox import EVIDENCE_PLACE, RECORD_PLACE, MessageKind, State
from apps.delivery.returns.destinations import (
    OFTEN,
    Destination,
    Incoming,
    NotHere,
    destination,
    too_often,
    too_often_from_there,
)
from apps.mail import reading, return_paths
from apps.mail.reports import bounces
from apps.mail.reports.bounces import Report, Verdict
from apps.mail.reports.structure import Structure, from_server, structure_of
from apps.organizations import selectors as organizations
from apps.vault import keys, sealing, tokens

log = logging.getLogger(__name__)
MAX_MAIL = 10 * 1024 * 1024
"""Bytes of a mail that is taken; larger ones are refused with 552."""
_TOLD = frozenset({MessageKind.CAMPAIGN.value, MessageKind.JOURNEY.value, MessageKind.REPLY.value})
_REPORTS_KEPT = 20
CLEAR_BATCH = 1_000
BELIEVED_FOR = timedelta(days=14)
"""How long after a message left it may bounce. Servers try for five days or so (RFC 5321 section 4.5.4.1); a return
path stands in every copy of a message, and whoever keeps one must not end somebody's mail years later."""
# What may still become "bounced": it left, or may have left.
_LEFT = (State.SENT, State.DOUBTFUL, State.BOUNCED)
Sorting = InboundMail.Sorting
_SORTED = {
    Structure.REPORT: Sorting.UNSIGNED,
    Structure.FEEDBACK: Sorting.UNSIGNED,
    Structure.RECEIPT: Sorting.RECEIPT,
    Structure.NULL_SENDER: Sorting.NULL_SENDER,
    Structure.AUTOMATIC: Sorting.AUTOMATIC,
}
_KIND_OF = {
    Structure.REPORT: InboundMail.InboundKind.BOUNCE,
    Structure.FEEDBACK: InboundMail.InboundKind.COMPLAINT,
    Structure.RECEIPT: InboundMail.InboundKind.RECEIPT,
    Structure.NULL_SENDER: InboundMail.InboundKind.AUTOMATIC,
    Structure.AUTOMATIC: InboundMail.InboundKind.AUTOMATIC,
}


@dataclass(frozen=True)
class Received:
    """What became of a mail: ``new`` is False for one that was here before, or was sorted out and changed nothing."""

    kind: str
    verdict: str
    new: bool
    mail_id: int | None = None


def accept(recipient: str) -> Destination:
    """Whether an address is ours, and not written to too often (``destinations.AT_MOST``; complaints always may, what
    else comes to their addresses is told once it is there).

    Raises ``NotHere`` with the answer to give, and counts what was turned away.
    """
    setup = selectors.setup()
    try:
        place = destination(
            recipient, sending_domain=setup.sending_domain, bounce_domain=setup.bounces, keys=[keys.ring().link]
        )
        if place.incoming is not Incoming.COMPLAINT and selectors.inbound_until(place.message) is not None:
            raise too_often()
        return place
    except NotHere as not_here:
        tally(not_here.what)
        raise


def tally(what: str) -> None:
    """Count something that was turned away or ignored, without keeping it."""
    day = clock.today(organizations.current().zone)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO delivery_inboundtally (day, what, count) VALUES (%s, %s, 1)"
            " ON CONFLICT (day, what) DO UPDATE SET count = delivery_inboundtally.count + 1",
            [day, what],
        )


def mail_receive(*, actor: Actor, recipient: str, raw: bytes, sender: str | None = None, network: str = "") -> Received:
    """Take one mail for one recipient and keep it, whatever it is. Raises ``NotHere`` for what is not taken.

    ``sender`` is the address of the envelope ("" for the empty one, None when it is not known), ``network`` the one
    that brought it ("" when that is not known). What the mail is, its structure says (``structure_of``); its words
    decide nothing about whether people see it.
    """
    place = accept(recipient)
    shape = structure_of(raw, sender)
    if place.incoming is Incoming.BOUNCE:
        return _to_signed_path(actor, place.message, raw, shape, sender)
    if shape is Structure.FEEDBACK or (place.incoming is Incoming.COMPLAINT and shape is Structure.LETTER):
        report = _report(raw)
        quoted = _quoted(report) if report.verdict is Verdict.COMPLAINT else None
        if quoted is not None:
            return _come_back(actor, quoted, raw, report)
    origin = _origin(place, network)
    if shape is Structure.LETTER:
        return _answer(actor, place.message, raw, sender, origin)
    # A report or automatic answer to an address that proves nothing changes nothing; staff find it sorted out.
    if shape in {Structure.REPORT, Structure.FEEDBACK}:
        tally("unsigned")
    return _sort_out(actor, shape, place.message, raw, _SORTED[shape], origin)


def _report(raw: bytes) -> Report:
    """What a mail reports. A fault of the reader must not cost the mail: it is kept as one that reports nothing."""
    try:
        return bounces.parse(raw)
    except Exception as error:  # noqa: BLE001
        # Its type only: what an exception says may be what stood in the mail.
        log.error("A report could not be read: %s", type(error).__name__)
        return Report(Verdict.NOT_A_BOUNCE)


def _origin(place: Destination, network: str) -> bytes | None:
    """The keyed network of a mail to an address that proves nothing. Raises ``NotHere`` when it brought too much."""
    if place.incoming is Incoming.COMPLAINT and selectors.inbound_until(None) is not None:
        # What proves no message of ours is no complaint, whatever name it was sent to.
        tally(OFTEN)
        raise too_often()
    if not network or place.message is not None:
        return None
    origin = tokens.token128("inbound.network", network)
    if selectors.inbound_network_full(origin):
        tally(OFTEN)
        raise too_often_from_there()
    return origin


def _to_signed_path(actor: Actor, message_id: int | None, raw: bytes, shape: Structure, sender: str | None) -> Received:
    """A mail to the return path of one message: its signature makes a bounce of what a mail system wrote."""
    if shape is Structure.RECEIPT:
        return _sort_out(actor, shape, message_id, raw, _SORTED[shape])
    if shape is Structure.AUTOMATIC and not from_server(raw):
        # An absence note may speak of messages that did not reach anyone.
        return _sort_out(actor, shape, message_id, raw, _SORTED[shape])
    if shape is Structure.LETTER and sender and not from_server(raw):
        # Some mail programs of people answer to the return path.
        return _answer(actor, message_id, raw, sender)
    report = _report(raw)
    if report.verdict in {Verdict.NOT_A_BOUNCE, Verdict.AUTO_REPLY} and not report.arrived:
        if shape is Structure.LETTER and report.verdict is Verdict.NOT_A_BOUNCE:
            return _answer(actor, message_id, raw, sender)
        shape = Structure.AUTOMATIC if shape is Structure.LETTER else shape
        reason = Sorting.REPORT if shape in {Structure.REPORT, Structure.FEEDBACK} else _SORTED[shape]
        return _sort_out(actor, shape, message_id, raw, reason)
    return _come_back(actor, message_id, raw, report)


@transaction.atomic
def _come_back(actor: Actor, message_id: int | None, raw: bytes, report: Report) -> Received:
    """A report that a signature of ours proves: it changes what we know of the message and its mailbox."""
    complaint = report.verdict is Verdict.COMPLAINT
    kind = InboundMail.InboundKind.COMPLAINT if complaint else InboundMail.InboundKind.BOUNCE
    message = None
    if message_id is not None:
        message = OutboxMessage.objects.select_for_update().filter(pk=message_id).first()
    shape = Structure.FEEDBACK if complaint else Structure.REPORT
    if message is None:
        tally("gone")
        return _sort_out(actor, shape, None, raw, Sorting.GONE)
    if report.verdict.is_failure and message.finished_at and clock.now() - message.finished_at > BELIEVED_FOR:
        tally("late")
        return _sort_out(actor, shape, message.pk, raw, Sorting.LATE)
    key = _record_key(message.person_id)
    report = bounces.about(report, _address_of(message, key))
    facts = {
        "arrived": report.arrived,
        "verdict": report.verdict.value,
        "status": report.status,
        "reply": report.reply,
        "diagnostic": report.diagnostic,
        "feedback": report.feedback_type,
    }
    sorting = Sorting.COMPLAINT if complaint else Sorting.REPORT
    whose = _whose(message)
    mail_id = _keep(
        kind, report, message, raw, facts, _record_key(whose), InboundMail.State.NOTED, whose, sorting=sorting
    )
    if mail_id is None:
        return Received(kind, report.verdict.value, False)
    now = clock.now()
    _add_evidence(message, key, {"at": now.isoformat(), **facts})
    came_after_all = _mark(message, report, now)
    message.save(update_fields=["state", "reason", "evidence", "finished_at"])
    people = [message.person_id] if message.person_id else []
    mailbox = _mailbox_of(message, key)
    if mailbox is not None and report.verdict is Verdict.HARD:
        _suppress(actor, mailbox, Suppression.Scope.ALL, Suppression.Reason.HARD_BOUNCE, message, people)
    if mailbox is not None and complaint:
        _suppress(actor, mailbox, Suppression.Scope.COMMERCIAL, Suppression.Reason.COMPLAINT, message, people)
    _tell(actor, message, report.verdict, now, came_after_all)
    record(
        actor=actor,
        action=Action.MAIL_RECEIVE,
        kind="message",
        subject=message.pk,
        people=people,
        codes={"kind": kind.value, "verdict": report.verdict.value, "status": report.status},
    )
    return Received(kind, report.verdict.value, True, mail_id)


@transaction.atomic
def _sort_out(
    actor: Actor, shape: Structure, message_id: int | None, raw: bytes, sorting: str, origin: bytes | None = None
) -> Received:
    """Keep a mail that is no letter and changes nothing: on the page "Sorted out", with the reason."""
    message = OutboxMessage.objects.filter(pk=message_id).first() if message_id is not None else None
    whose = _whose(message)
    key = _record_key(whose)
    kind = _KIND_OF[shape]
    report = Report(Verdict.AUTO_REPLY if kind is InboundMail.InboundKind.AUTOMATIC else Verdict.NOT_A_BOUNCE)
    mail_id = _keep(kind, report, message, raw, {}, key, InboundMail.State.NOTED, whose, sorting=sorting, origin=origin)
    if mail_id is not None:
        record(
            actor=actor,
            action=Action.MAIL_RECEIVE,
            kind="mail",
            subject=mail_id,
            people=[whose] if whose and key is not None else [],
            codes={"kind": kind.value, "sorting": str(sorting), "signed": message is not None},
        )
    return Received(kind, report.verdict.value, False, mail_id)


@transaction.atomic
def _answer(
    actor: Actor, message_id: int | None, raw: bytes, sender: str | None, origin: bytes | None = None
) -> Received:
    """A mail that somebody wrote: for the staff inbox. Without our signature it names nobody until it is judged."""
    facts = reading.read_letter(raw, organizations.current().timezone)
    message = OutboxMessage.objects.filter(pk=message_id).first() if message_id is not None else None
    person_id = _whose(message)
    key = _record_key(person_id)
    if person_id is not None and key is None:
        person_id = None
    kind = InboundMail.InboundKind.REPLY
    report = Report(Verdict.NOT_A_BOUNCE)
    mail_id = _keep(kind, report, message, raw, facts, key, InboundMail.State.WAITING, person_id, origin=origin)
    if mail_id is None:
        return Received(kind, report.verdict.value, False)
    proof_begin(mail_id=mail_id, key=key, mail_from=sender or "")
    _tell_of_answer(actor, message, person_id, mail_id)
    record(
        actor=actor,
        action=Action.MAIL_RECEIVE,
        kind="mail",
        subject=mail_id,
        people=[person_id] if person_id else [],
        codes={"kind": kind.value, "signed": message is not None},
    )
    return Received(kind, report.verdict.value, True, mail_id)


def _tell_of_answer(actor: Actor, message: OutboxMessage | None, person_id: int | None, mail_id: int) -> None:
    """An answer to a message of ours stands in the timeline of the person it went to."""
    if person_id is not None and message is not None:
        groups = (f"message.replied:{message.kind}:{message.source_id}",) if message.source_id is not None else ()
        events_record(
            actor=actor,
            events=[
                NewEvent(
                    person_id,
                    "message.replied",
                    _day(clock.now()),
                    f"inbound:{mail_id}",
                    {"message": message.pk, "message_kind": message.kind, "mail": mail_id},
                    groups,
                )
            ],
            action=None,
        )


@transaction.atomic
def mail_to_letters(*, actor: Actor, mail_id: int) -> None:
    """Staff says that a mail which was sorted out is a letter: it waits among the letters.

    What a report changed (the message, a suppression) stays: only the mail moves. Raises ``Refused`` when a colleague
    was faster, or its time was over and it is gone.
    """
    rows = InboundMail.objects.select_for_update().exclude(kind=InboundMail.InboundKind.REPLY)
    row = rows.filter(pk=mail_id).first()
    if row is None:
        raise Refused("inbound.sorted_gone", "Nothing was moved: this mail is among the letters already, or gone.")
    was, key = row.sorting, _record_key(row.person_id)
    facts = reading.read_letter(selectors.mail_raw(row), organizations.current().timezone)
    row.kind, row.sorting, row.state = InboundMail.InboundKind.REPLY, "", InboundMail.State.WAITING
    row.sealed = _seal(key, facts, INBOUND_TABLE, row.pk)
    row.save(update_fields=["kind", "sorting", "state", "sealed"])
    proof_begin(mail_id=row.pk, key=key, mail_from="")
    message = OutboxMessage.objects.filter(pk=row.message).first() if row.message is not None else None
    _tell_of_answer(actor, message, row.person_id, row.pk)
    record(
        actor=actor,
        action=Action.MAIL_TO_LETTERS,
        kind="mail",
        subject=row.pk,
        people=[row.person_id] if row.person_id else [],
        codes={"sorting": was},
    )


@transaction.atomic
def mail_finish(*, actor: Actor, mail_id: int) -> None:
    """A member of staff has dealt with an answer. Raises ``Refused`` when a colleague has already."""
    row = InboundMail.objects.select_for_update().filter(pk=mail_id, state=InboundMail.State.WAITING).first()
    if row is None:
        raise Refused("inbound.done", "A colleague has dealt with this mail already.")
    row.state, row.done_at, row.done_by_id = InboundMail.State.DONE, clock.now(), int(actor.id)
    row.save(update_fields=["state", "done_at", "done_by"])
    record(
        actor=actor,
        action=Action.MAIL_FINISH,
        kind="mail",
        subject=row.pk,
        people=[row.person_id] if row.person_id else [],
    )


def reports_clear(*, actor: Actor) -> int:
    """Remove reports that were understood and are older than ``CARELANE_KEEP_REPORTS_DAYS``; returns how many.

    What they changed (the message, its evidence, the timeline, suppressions) stays. A report that proves no message
    of ours, an automatic answer and whatever staff moved to the letters is correspondence: it is never removed here.
    """
    before = clock.now() - timedelta(days=settings.KEEP_REPORTS_DAYS)
    old = InboundMail.objects.exclude(kind=InboundMail.InboundKind.REPLY).filter(
        sorting__in=InboundMail.UNDERSTOOD, received_at__lt=before
    )
    cleared = 0
    while True:
        with transaction.atomic():
            ids = list(
                old.order_by("received_at")
                .select_for_update(skip_locked=True)
                .values_list("pk", flat=True)[:CLEAR_BATCH]
            )
            if ids:
                InboundMail.objects.filter(pk__in=ids).delete()
                record(actor=actor, action=Action.MAIL_CLEAR, kind="mail", codes={"count": len(ids)})
        cleared += len(ids)
        if len(ids) < CLEAR_BATCH:
            return cleared


def _quoted(report: Report) -> int | None:
    """The message that a complaint proves to be about, by a return path of ours that it quotes."""
    domain = selectors.setup().bounces
    for path in report.original_mail_from:
        try:
            return return_paths.message_of(path, "bounce", domain, [keys.ring().link])
        except return_paths.Foreign:
            continue
    return None


def _keep(
    kind: str,
    report: Report,
    message: OutboxMessage | None,
    raw: bytes,
    facts: dict[str, Any],
    key: bytes | None,
    state: str,
    person_id: int | None = None,
    *,
    sorting: str = "",
    origin: bytes | None = None,
) -> int | None:
    """Insert the row, once; None when this very mail was here before."""
    about = message.pk if message is not None else 0
    source = tokens.token128("inbound.mail", f"{kind}|{about}|{hashlib.sha256(raw).hexdigest()}")
    if InboundMail.objects.filter(source=source).exists():
        return None
    number = next_ids(INBOUND_TABLE, 1)[0]
    owner = message.person_id if message is not None and person_id is None else person_id
    row = InboundMail(
        id=number,
        source=source,
        kind=kind,
        sorting=sorting,
        network=origin,
        verdict=report.verdict.value,
        status=report.status,
        message=message.pk if message is not None else None,
        person_id=owner if key is not None else None,
        sealed=_seal(key, facts, INBOUND_TABLE, number),
        raw=_seal_bytes(key, raw, number),
        size=len(raw),
        state=state,
    )
    made = InboundMail.objects.bulk_create([row], ignore_conflicts=True)
    # A second connection may have won the race for the same bytes.
    return number if made and InboundMail.objects.filter(pk=number).exists() else None


def _mark(message: OutboxMessage, report: Report, now: datetime) -> bool:
    """Change what is known of the message; True when it arrived after it had been given up."""
    if report.verdict.is_failure:
        if message.state in _LEFT:
            _mark_bounced(message, report.verdict, now)
        return False
    if report.arrived:
        # A server may find a way after its notice of an end; only "there is no such mailbox" is not taken back.
        back = message.state == State.BOUNCED and message.reason != Verdict.HARD.value
        if back or message.state == State.DOUBTFUL or message.reason == Verdict.DELAYED.value:
            message.state, message.reason = State.SENT, ""
        return back
    if report.verdict in {Verdict.DELAYED, Verdict.ELSEWHERE} and message.state == State.SENT:
        message.reason = report.verdict.value
    return False


def _mark_bounced(message: OutboxMessage, verdict: Verdict, now: datetime) -> None:
    """A late bounce after the 250. Of several, "hard" is the word that stays, in whatever order they come."""
    if message.state == State.BOUNCED and message.reason == Verdict.HARD.value:
        return
    if message.state != State.BOUNCED or verdict is Verdict.HARD:
        message.state, message.reason = State.BOUNCED, verdict.value
        message.finished_at = message.finished_at or now


def _add_evidence(message: OutboxMessage, key: bytes | None, entry: dict[str, Any]) -> None:
    evidence: dict[str, Any] = {"attempts": []}
    if message.evidence is not None:
        evidence = _open(key, message.evidence, EVIDENCE_PLACE, message.pk)
    evidence["reports"] = [*evidence.get("reports", []), entry][-_REPORTS_KEPT:]
    message.evidence = _seal(key, evidence, EVIDENCE_PLACE, message.pk)


def _mailbox_of(message: OutboxMessage, key: bytes | None) -> bytes | None:
    """The keyed mailbox the message went to: from its own record, not from what the bounce claims."""
    address = _address_of(message, key)
    return search_values.mailbox(address) if "@" in address else None


def _address_of(message: OutboxMessage, key: bytes | None) -> str:
    """The address the message went to, from its own record; empty when that is gone."""
    if message.record is None:
        return ""
    return str(_open(key, message.record, RECORD_PLACE, message.pk).get("to", ""))


def _suppress(
    actor: Actor, mailbox: bytes, scope: str, reason: str, message: OutboxMessage, people: Sequence[int]
) -> None:
    known = Suppression.objects.filter(mailbox=mailbox, scope=scope)
    if not known.exclude(reason=Suppression.Reason.HYGIENE).exists():
        suppress_many(
            actor=actor, mailboxes=[mailbox], scope=scope, reason=reason, source=f"message:{message.pk}", people=people
        )


def _tell(actor: Actor, message: OutboxMessage, verdict: Verdict, now: datetime, came_after_all: bool) -> None:
    """One event for each message and kind, whatever the number and order of reports."""
    if message.person_id is None or message.kind not in _TOLD:
        return
    if verdict.is_failure and message.state == State.BOUNCED:
        kind, word = "message.bounced", "bounced"
    elif verdict is Verdict.COMPLAINT:
        kind, word = "message.complained", "complained"
    elif came_after_all:
        kind, word = "message.delivered", "delivered"
    else:
        return
    groups = (f"{kind}:{message.kind}:{message.source_id}",) if message.source_id is not None else ()
    facts = {
        "message": message.pk,
        "message_kind": message.kind,
        "route": message.route,
        "reason": verdict.value,
    }
    event = NewEvent(message.person_id, kind, _day(now), f"message:{message.pk}:{word}", facts, groups)
    events_record(actor=actor, events=[event], action=None)


def _whose(message: OutboxMessage | None) -> int | None:
    """Who got a message: where their record was merged since, the person it was merged into."""
    if message is None or message.person_id is None:
        return None
    return survivors([message.person_id]).get(message.person_id, message.person_id)


def _record_key(person_id: int | None) -> bytes | None:
    return record_keys([person_id]).get(person_id) if person_id is not None else None


def _seal(key: bytes | None, data: Any, table: str, row: int) -> bytes:
    if key is None:
        return sealing.seal_service(data, table=table, row=row)
    return sealing.seal(key, data, table=table, row=row)


def _open(key: bytes | None, blob: sealing.Blob, table: str, row: int) -> Any:
    if key is None:
        return sealing.open_service(blob, table=table, row=row)
    return sealing.open_sealed(key, blob, table=table, row=row)


def _seal_bytes(key: bytes | None, raw: bytes, row: int) -> bytes:
    if key is None:
        return sealing.seal_bytes(keys.ring().service, raw, table=RAW_PLACE, row=row, epoch=sealing.SERVICE_KEY)
    return sealing.seal_bytes(key, raw, table=RAW_PLACE, row=row)


def _day(now: datetime) -> Any:
    return now.astimezone(organizations.current().timezone).date()
