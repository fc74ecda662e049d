"""Long jobs over suppressions: a former tool's opt-outs come in, an export goes out.

A list only ever adds: nothing of it lifts a stop, and a repeated chunk changes nothing, so that a job that broke off
goes on where it stood. Addresses of nobody on record are kept as keyed values: whoever is imported with one later is
not written to. Files are sealed; a list goes when it is read, an export after a day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, BinaryIO

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F

from apps.audit.actions import Action
from apps.audit.services import record, record_read
from apps.contacts.models import PersonIdentity, Suppression
from apps.contacts.person import search_values
from apps.contacts.person.selectors import open_people
from apps.contacts.services import suppress_many
from apps.contacts.suppressions.services import holders, reason_given, scopes_for
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.cells import line
from apps.core.errors import Refused
from apps.delivery.models import SuppressionJob
from apps.delivery.suppressions import reading
from apps.imports.readers import tables
from apps.jobs import waking
from apps.jobs.models import LEASE
from apps.jobs.runner import Lost, Runner
from apps.vault import stored_files, streams

State, JobKind = SuppressionJob.State, SuppressionJob.JobKind
TABLE = SuppressionJob._meta.db_table
CHUNK = 2_000
LARGEST = 200 * 1024**2
FAULTS_KEPT = 10_000
KEEP = timedelta(hours=24)
CHANNEL = "carelane_suppressions"
"""Told when a worker lets go of a job; see ``core.notify``."""
REASONS = (Suppression.Reason.FORMER, Suppression.Reason.COMPLAINT, Suppression.Reason.HARD_BOUNCE)
"""Why the addresses of a list were stopped elsewhere."""


def list_create(*, actor: Actor, stream: BinaryIO, name: str, scope: str, reason: str) -> SuppressionJob:
    """Take a list of addresses in: seal it, see where its addresses are, and wake a worker.

    Raises ``Refused`` for what is no list, and when it has no address; then nothing is kept.
    """
    scopes_for(scope)
    if reason not in REASONS:
        raise Refused("suppression.not_chosen", "Choose why these addresses get no mail.")
    job_id = next_ids(TABLE, 1)[0]
    file = _keep(stream, job_id)
    try:
        try:
            table = reading.recognize(partial(stored_files.file_open, file), name)
            sample = [cells for _, (_, cells) in zip(range(reading.SAMPLE), table.rows(), strict=False)]
            rows = sum(1 for _ in table.rows())
        except tables.Unreadable as error:
            raise Refused("suppression.list_unreadable", str(error)) from None
        column = reading.address_column(sample)
        if column is None:
            raise Refused(
                "suppression.without_addresses",
                "There is no e-mail address in the first rows, so nothing was stopped. Send a list with an address in "
                "each row.",
            )
        file["column"] = column
        with transaction.atomic():
            job = SuppressionJob(id=job_id, kind=JobKind.LIST, total=rows, version=0)
            job.act_for(actor)
            job.reseal({"file": file, "scope": scope, "reason": reason, "faults": []})
            job.save(force_insert=True)
            record(
                actor=actor,
                action=Action.SUPPRESSION_IMPORT,
                kind="suppression_job",
                subject=job_id,
                codes={"rows": rows, "scope": scope, "reason": reason},
            )
    except BaseException:
        default_storage.delete(file["stored"])
        raise
    waking.wake("apps.delivery.tasks.suppression_work", job.pk)
    return job


@transaction.atomic
def export_create(*, actor: Actor, reason: str, only: str = "") -> SuppressionJob:
    """Ask for a file of all suppressions, or those for one reason (``only``). Raises ``Refused`` without a reason."""
    reason = reason_given(reason)
    if only and only not in Suppression.Reason.values:
        raise Refused("suppression.not_chosen", "Choose which suppressions are exported.")
    job = SuppressionJob(id=next_ids(TABLE, 1)[0], kind=JobKind.EXPORT, version=0)
    job.act_for(actor)
    job.reseal({"why": reason, "only": only})
    job.save(force_insert=True)
    record(actor=actor, action=Action.SUPPRESSION_EXPORT, kind="suppression_job", subject=job.pk, reason=reason)
    waking.wake("apps.delivery.tasks.suppression_work", job.pk)
    return job


@transaction.atomic
def job_cancel(*, actor: Actor, job_id: int) -> None:
    """Stop a job after the rows at hand. What a list has stopped by then stays stopped: it only ever adds."""
    job = _locked(job_id)
    if not job.under_way:
        raise Refused("suppression.finished", "This is finished; there is nothing to cancel.")
    job.stop = True
    if job.lease_until is None:
        _drop_file(job)
        job.end(State.CANCELLED)
    job.save()
    record(
        actor=actor, action=Action.SUPPRESSION_CANCEL, kind="suppression_job", subject=job.pk, codes={"done": job.done}
    )


def export_open(*, actor: Actor, job_id: int) -> Iterator[bytes]:
    """The plain CSV, piece by piece; on the trail before the first. Raises ``Refused`` when it is not there."""
    with transaction.atomic():
        job = _locked(job_id)
        old = job.finished_at is None or job.finished_at < clock.now() - KEEP
        if job.kind != JobKind.EXPORT or job.state != State.DONE or old:
            raise Refused("suppression.file_gone", "The file of this export is not there any more. Ask for a new one.")
        data = job.opened()
        job.downloads = F("downloads") + 1
        job.save(update_fields=["downloads"])
        record_read(
            actor=actor,
            action=Action.SUPPRESSION_OPEN,
            kind="suppression_job",
            subject=job.pk,
            purpose="download an export",
            reason=data["why"],
        )
    return stored_files.file_blocks(data["file"])


def faults_csv(*, actor: Actor, job_id: int) -> Iterator[str]:
    """The rows of a list that were no address, as CSV: line, what is wrong, what it says. On the trail first."""
    job = SuppressionJob.objects.filter(pk=job_id, kind=JobKind.LIST).first()
    if job is None:
        raise Refused("suppression.job_unknown", "There is no such list.")
    record_read(
        actor=actor, action=Action.SUPPRESSION_OPEN, kind="suppression_job", subject=job.pk, purpose="rows not read"
    )
    yield line(["Line", "What is wrong", "What it says"])
    for number, said, why in job.opened().get("faults", []):
        yield line([number, why, said])


def files_clear(*, actor: Actor) -> int:
    """Delete exports that are a day old; returns how many."""
    cleared = 0
    old = SuppressionJob.objects.filter(
        kind=JobKind.EXPORT, state=State.DONE, finished_at__lt=clock.now() - KEEP
    ).values_list("pk", flat=True)
    for job_id in old:
        with transaction.atomic():
            job = _locked(job_id)
            if job.state != State.DONE:
                continue
            _drop_file(job)
            job.state = State.GONE
            job.save()
            record(actor=actor, action=Action.SUPPRESSION_CLEAR, kind="suppression_job", subject=job.pk)
        cleared += 1
    return cleared


# The work


def _work(job: SuppressionJob, worker: str) -> None:
    if job.kind == JobKind.EXPORT:
        _write_export(job, worker)
    else:
        _take_in(job, worker)


def _take_in(job: SuppressionJob, worker: str) -> None:
    data = job.opened()
    file = data["file"]
    table = reading.recognize(partial(stored_files.file_open, file), "")
    waiting: list[reading.Line] = []
    try:
        for place, row in enumerate(reading.lines(table, file["column"])):
            if place < job.done:
                continue
            waiting.append(row)
            if len(waiting) >= CHUNK:
                _take_chunk(job.pk, worker, waiting)
                waiting = []
    except tables.Unreadable as error:
        _take_chunk(job.pk, worker, waiting)
        raise Refused("suppression.list_unreadable", str(error)) from None
    _take_chunk(job.pk, worker, waiting, last=True)


@transaction.atomic
def _take_chunk(job_id: int, worker: str, rows: Sequence[reading.Line], *, last: bool = False) -> None:
    """Stop the addresses of some rows, once each. Raises ``Lost`` when the job is another worker's or was canceled."""
    job = _locked(job_id)
    if not job.is_held_by(worker):
        raise Lost
    if job.stop:
        _drop_file(job)
        job.end(State.CANCELLED)
        job.save()
        return
    data = job.opened()
    mailboxes = list(dict.fromkeys(search_values.mailbox(address) for row in rows for address in row.addresses))
    stopped = 0
    if mailboxes:
        people = holders(mailboxes)
        for scope in scopes_for(data["scope"]):
            stopped = max(
                stopped,
                suppress_many(
                    actor=job.actor,
                    mailboxes=mailboxes,
                    scope=scope,
                    reason=data["reason"],
                    source=f"list:{job.pk}",
                    people=people,
                ),
            )
    faults = [[row.number, said, why] for row in rows for said, why in row.faults]
    job.added += stopped
    job.known += len(mailboxes) - stopped
    job.unreadable += len(faults)
    job.done += len(rows)
    data["faults"] = (data["faults"] + faults)[:FAULTS_KEPT]
    if last:
        job.total = job.done
        job.reseal(data)
        _drop_file(job)
        job.end(State.DONE)
    else:
        job.reseal(data)
        job.renew()
    job.save()


def _write_export(job: SuppressionJob, worker: str) -> None:
    file, kept = None, False
    try:
        file = stored_files.file_keep(f"suppressions/{job.pk}", _lines(job, worker))
        kept = _finish(job.pk, worker, State.DONE, file)
    except Lost:
        _finish(job.pk, worker, State.CANCELLED)
    finally:
        if file is not None and not kept:
            default_storage.delete(file["stored"])


def _lines(job: SuppressionJob, worker: str) -> Iterator[bytes]:
    data = job.opened()
    rows = Suppression.objects.order_by("pk")
    if data["only"]:
        rows = rows.filter(reason=data["only"])
    SuppressionJob.objects.filter(pk=job.pk, worker=worker).update(total=rows.count(), done=0)
    yield b"\xef\xbb\xbf" + line(["Address", "Mail", "Reason", "Since", "Source"]).encode()
    last = 0
    while chunk := list(rows.filter(pk__gt=last)[:CHUNK]):
        last = chunk[-1].pk
        held = SuppressionJob.objects.filter(pk=job.pk, worker=worker, state=State.RUNNING, stop=False).update(
            lease_until=clock.now() + LEASE, done=F("done") + len(chunk)
        )
        if not held:
            raise Lost
        known = addresses_of(
            actor=job.actor,
            mailboxes=[bytes(row.mailbox) for row in chunk],
            purpose="export",
            action=Action.CONTACT_EXPORT,
            reason=data["why"],
            subject=job.pk,
        )
        yield "".join(
            line(
                [
                    known.get(bytes(row.mailbox), NOBODY),
                    row.get_scope_display(),
                    row.get_reason_display(),
                    clock.clinic_day(row.since).isoformat(),
                    row.source,
                ]
            )
            for row in chunk
        ).encode()


NOBODY = "(nobody on record)"


def addresses_of(*, actor: Actor, mailboxes: Sequence[bytes], **opening: Any) -> dict[bytes, str]:
    """Keyed mailboxes of people on record as addresses; those people are opened, on the trail first."""
    rows = PersonIdentity.objects.filter(kind=PersonIdentity.IdentityKind.EMAIL, token__in=list(mailboxes))
    people = open_people(
        actor=actor, ids=sorted(set(rows.values_list("person_id", flat=True))), with_consents=False, **opening
    )
    return {search_values.mailbox(person.email): person.email for person in people.values() if person.email}


@transaction.atomic
def _finish(job_id: int, worker: str, state: str, file: dict[str, str] | None = None, problem: str = "") -> bool:
    job = _locked(job_id)
    if not job.is_held_by(worker):
        return False
    if file is not None and job.stop:
        raise Lost
    if file is None:
        _drop_file(job)
    data = job.opened()
    if file is not None:
        data["file"] = file
    job.reseal(data | {"problem": problem})
    job.end(state)
    job.save()
    return True


def _fail(job: SuppressionJob, worker: str, error: Exception | None) -> None:
    _finish(job.pk, worker, State.FAILED, problem="" if error is None else str(error))


RUNNER = Runner(SuppressionJob, _work, _fail, channel=CHANNEL)
work, due = RUNNER.run, RUNNER.due


def _keep(stream: BinaryIO, job_id: int) -> dict[str, Any]:
    """Seal a list into the storage piece by piece. Raises ``Refused`` when it is too large."""
    size = 0

    def blocks() -> Iterator[bytes]:
        nonlocal size
        while block := stream.read(streams.PIECE):
            size += len(block)
            if size > LARGEST:
                raise Refused("suppression.list_too_long", "The list is larger than 200 MB. Split it.")
            yield block

    return dict(stored_files.file_keep(f"suppressions/{job_id}", blocks()))


def _drop_file(job: SuppressionJob) -> None:
    """Forget the file of a locked job and delete it once this is committed; the caller saves."""
    data = job.opened()
    file = data.pop("file", None)
    if file is not None:
        job.reseal(data)
        transaction.on_commit(lambda: default_storage.delete(file["stored"]))


def _locked(job_id: int) -> SuppressionJob:
    job = SuppressionJob.objects.select_for_update().filter(pk=job_id).first()
    if job is None:
        raise Refused("suppression.job_unknown", "There is no such list or export.")
    return job
