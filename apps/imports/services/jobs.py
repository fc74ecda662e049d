"""An import from upload to result: what a person decides. The work itself is in ``import_passes``.

draft -> checking -> checked -> running -> done
  any open state -> cancelled (and back by resuming); checking -> refused, any pass -> failed
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction

from apps.audit import selectors as trail
from apps.audit.actions import Action
from apps.audit.services import record, record_read
from apps.contacts.attributes import definitions as attributes
from apps.contacts.changes import identity_facts
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.cells import line
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.core.permissions import Permission, allows
from apps.imports import column_mapping
from apps.imports.events import mapping as event_mapping
from apps.imports.models import IMPORT_TABLE, REJECTION_TABLE, ImportJob, ImportRejection, ImportUndo
from apps.imports.readers import appointments, synthea
from apps.imports.readers.tables import Table, Unreadable
from apps.imports.services.uploads import Upload as Upload
from apps.imports.services.uploads import forget, keep, read_as, stored_names
from apps.imports.services.uploads import table_of as table_of
from apps.imports.services.writes import SOURCES
from apps.jobs import waking
from apps.references import selectors as references
from apps.references.models import Noun
from apps.vault import sealing, stored_files

State, JobKind = ImportJob.State, ImportJob.JobKind
MAX_FILES = 40
KEEP_UPLOADS = timedelta(days=7)
KEEP_REJECTIONS = timedelta(days=30)
NOT_YOURS = "These rows show people unmasked, so only whoever uploaded the file and administrators see them."


def import_create(
    *,
    actor: Actor,
    kind: str,
    uploads: Sequence[Upload],
    invent_addresses: bool = False,
    document: dict[str, Any] | None = None,
) -> ImportJob:
    """Take files in: seal them, recognize them, count their rows. Nothing is written about people yet.

    ``kind`` is of ``JobKind``; ``document`` a mapping (lists of people or events; without it the guesses are the
    start). Raises ``Refused`` with what to do when a file cannot be read; then nothing is kept.
    """
    if not uploads:
        raise Refused("import.without_files", "Choose at least one file.")
    if len(uploads) > MAX_FILES:
        raise Refused(
            "import.too_many_files", f"At most {MAX_FILES} files can be imported at once. Import the rest afterwards."
        )
    if kind != JobKind.SYNTHEA and len(uploads) > 1:
        raise Refused("import.files_not_together", "Import one file at a time; only Synthea tables belong together.")
    job_id = next_ids(IMPORT_TABLE, 1)[0]
    kept: list[dict[str, Any]] = []
    try:
        for upload in uploads:
            kept.append(keep(upload, job_id))
        data: dict[str, Any] = {"files": kept, "invent": bool(invent_addresses), "mapping": None}
        total = _recognize(kind, data, document)
        with transaction.atomic():
            job = ImportJob(
                id=job_id,
                kind=kind,
                total=total,
                version=0,
            )
            job.act_for(actor)
            job.reseal(data)
            job.save(force_insert=True)
            record(
                actor=actor,
                action=Action.IMPORT_CREATE,
                kind="import",
                subject=job_id,
                codes={"kind": kind, "files": len(kept), "rows": total},
            )
    except BaseException:
        _delete([name for item in kept for name in stored_names(item)])
        raise
    return job


def _recognize(kind: str, data: dict[str, Any], document: dict[str, Any] | None) -> int:
    """Fill in what each file is; returns the rows to be read. Raises ``Refused``."""
    total = 0
    for item in data["files"]:
        try:
            wanted = column_mapping.reading_of(document or {}) if kind in READABLE else {}
            table = read_as(item, wanted)
            item["table"] = _table_name(kind, table)
            item["used"] = item["table"] in synthea.USED or kind != JobKind.SYNTHEA
            item["rows"] = sum(1 for _ in table.rows()) if item["used"] else 0
            total += item["rows"]
        except Unreadable as error:
            raise Refused("import.file_unreadable", _about(item, data, str(error))) from None
        except column_mapping.BadMapping as error:
            raise Refused("import.mapping_wrong", str(error)) from None
    if kind == JobKind.SYNTHEA:
        names = [item["table"] for item in data["files"] if item["used"]]
        if not names:
            raise Refused(
                "import.no_synthea_table",
                "None of these files is a Synthea table that can be imported: "
                f"{', '.join(f'{name}.csv' for name in synthea.USED)}.",
            )
        order = {name: place for place, name in enumerate(synthea.USED)}
        data["files"].sort(key=lambda item: order.get(item["table"], 99))
    if kind in MAPPED:
        data["mapping"] = document or suggestion(data, kind)
        if document is not None:
            MAPPED[kind](data)
    return total


@transaction.atomic
def import_reread(*, actor: Actor, job_id: int, reading: dict[str, Any]) -> ImportJob:
    """Read the file of a list otherwise: ``encoding``, ``header_line``, ``sheet``. The columns are guessed anew.

    Raises ``Refused`` when it cannot be read so; then nothing is changed.
    """
    job = _locked(job_id)
    if job.kind not in READABLE or job.state not in (State.DRAFT, State.CHECKED, State.REFUSED):
        raise Refused("import.mapping_fixed", MAPPING_FIXED)
    _need_files(job)
    data = job.opened()
    job.total = reread(data, reading, job.kind)
    job_to(job, State.DRAFT, data)
    record(actor=actor, action=Action.IMPORT_CHANGE, kind="import", subject=job.pk, fields=["reading"])
    return job


def reread(data: dict[str, Any], reading: dict[str, Any], kind: str) -> int:
    """Recognize the file of a list anew; returns its rows. Raises ``Refused``."""
    item = data["files"][0]
    before = set(stored_names(item))
    try:
        wanted = column_mapping.reading_of(reading)
        table = read_as(item, wanted)
        _table_name(kind, table)
        item["rows"] = sum(1 for _ in table.rows())
    except Unreadable as error:
        raise Refused("import.file_unreadable", str(error)) from None
    except column_mapping.BadMapping as error:
        raise Refused("import.mapping_wrong", str(error)) from None
    data["mapping"] = (suggestion(data, kind) if kind in MAPPED else {}) | wanted
    transaction.on_commit(partial(_delete, sorted(before - set(stored_names(item)))))
    return int(item["rows"])


READABLE = (JobKind.LIST, JobKind.EVENTS, JobKind.APPOINTMENTS)
"""Kinds of imports of which somebody chooses how the file is read: code page, line of the header, sheet."""
MAPPING_FIXED = "The mapping of this import cannot be changed any more. Start a new import."


def _table_name(kind: str, table: Table) -> str:
    if kind == JobKind.APPOINTMENTS:
        appointments.columns(table.headers)
        return "appointments"
    if kind in MAPPED:
        return str(kind)
    return synthea.recognized(table)


def _about(item: dict[str, Any], data: dict[str, Any], sentence: str) -> str:
    """The sentence, with the place of the file among several (its name may be personal)."""
    if len(data["files"]) == 1:
        return sentence
    return f"File {data['files'].index(item) + 1}: {sentence}"


# The mapping of a list


def suggestion(data: dict[str, Any], kind: str = JobKind.LIST) -> dict[str, Any]:
    """A mapping guessed from the file."""
    table = table_of(data["files"][0])
    sample = table.sample()
    if kind == JobKind.EVENTS:
        return event_mapping.suggest(list(table.headers), sample)
    return column_mapping.suggest(column_mapping.guess(table.headers, sample), sample)


def may_see_rows(actor: Actor, job: ImportJob) -> bool:
    """Whether ``actor`` may see rows of the file as they stand, unmasked: it is their own, or they may reveal."""
    return (
        actor.kind != "staff"
        or allows(actor.role, Permission.CONTACT_REVEAL)
        or trail.acted(actor=actor, actions=[Action.IMPORT_CREATE], kind="import", subject=job.pk)
    )


def guesses(*, actor: Actor, job: ImportJob) -> list[column_mapping.ColumnGuess]:
    """Columns with type and sample values, for the mapping page. The look is on the trail.

    Of a colleague's file whoever may not reveal sees no values (``may_see_rows``).
    """
    record_read(actor=actor, action=Action.IMPORT_PREVIEW, kind="import", subject=job.pk, purpose="map columns")
    table = table_of(job.opened()["files"][0])
    found = column_mapping.guess(table.headers, table.sample())
    return found if may_see_rows(actor, job) else [replace(each, samples=()) for each in found]


def checked_mapping(data: dict[str, Any]) -> column_mapping.ColumnMapping:
    """The mapping of a list, checked against its file. Raises ``Refused``."""
    try:
        found = column_mapping.parse(data["mapping"], attributes.types())
        found.bind(tuple(data["files"][0]["headers"]))
        retired = {each.name for each in attributes.everything(retired=True) if each.retired}
        for column, target in found.columns.items():
            if target.removeprefix("attributes.") in retired:
                raise column_mapping.BadMapping(
                    f"Column “{column}” goes to an attribute that was retired. Choose another."
                )
    except column_mapping.BadMapping as error:
        raise Refused("import.mapping_wrong", str(error)) from None
    return found


def checked_events(data: dict[str, Any]) -> event_mapping.EventMapping:
    """The mapping of a list of events, checked against its file. Raises ``Refused``."""
    try:
        found = event_mapping.parse(data["mapping"])
        found.bind(data["files"][0]["headers"])
    except column_mapping.BadMapping as error:
        raise Refused("import.mapping_wrong", str(error)) from None
    return found


MAPPED: dict[str, Callable[[dict[str, Any]], object]] = {
    JobKind.LIST: checked_mapping,
    JobKind.EVENTS: checked_events,
}
"""Kinds of imports that have a mapping, and what checks it."""


@transaction.atomic
def import_map(*, actor: Actor, job_id: int, document: dict[str, Any]) -> ImportJob:
    """Set the mapping of a list. Raises ``Refused`` naming what is wrong with it."""
    job = _locked(job_id)
    if job.kind not in MAPPED or job.state not in (State.DRAFT, State.CHECKED, State.REFUSED):
        raise Refused("import.mapping_fixed", MAPPING_FIXED)
    data = job.opened()
    before = column_mapping.reading_of(data["mapping"] or {})
    if (reading := _checked_reading(document)) != before:
        job.total = reread(data, reading, job.kind)
    data["mapping"] = document
    MAPPED[job.kind](data)
    job_to(job, State.DRAFT, data)
    record(actor=actor, action=Action.IMPORT_CHANGE, kind="import", subject=job.pk, fields=["mapping"])
    return job


def _checked_reading(document: dict[str, Any]) -> dict[str, Any]:
    try:
        return column_mapping.reading_of(document)
    except column_mapping.BadMapping as error:
        raise Refused("import.mapping_wrong", str(error)) from None


@transaction.atomic
def import_level(*, actor: Actor, job_id: int, level: int) -> ImportJob:
    """Declare what it tells about somebody to have come with this list: health information, or specially protected.

    Segments that ask for the import have it, and so their messages. Raises ``Refused`` once one asks, and for whoever
    may not lower it.
    """
    job = _locked(job_id)
    if level not in (Level.HEALTH, Level.PROTECTED):
        raise Refused("import.level_wrong", "A list of people is health information, or specially protected.")
    if level == job.level:
        return job
    if level < job.level and actor.kind == "staff" and not allows(actor.role, Permission.COMPLIANCE_EDIT):
        raise Refused("import.level_not_allowed", "Only an administrator lowers the level of a list.")
    if references.is_used(Noun.IMPORT, job.pk):
        raise Refused(
            "import.level_in_use", "A segment asks about this import, so its level stays. Change the segment first."
        )
    job.level = level
    job.save(update_fields=["level"])
    record(
        actor=actor,
        action=Action.IMPORT_CHANGE,
        kind="import",
        subject=job.pk,
        fields=["level"],
        codes={"level": int(level)},
    )
    return job


def known_sources() -> list[str]:
    """Names of the systems whose ids people have: the presets', and those of every list that came in."""
    found = dict.fromkeys(SOURCES)
    for job in ImportJob.objects.filter(kind=JobKind.LIST).order_by("-pk")[:500]:
        document = job.opened().get("mapping") or {}
        found[str(document.get("source", "file"))] = None
    return list(found)


# Start, stop


@transaction.atomic
def import_check(*, actor: Actor, job_id: int) -> ImportJob:
    """Begin the dry run; it tells what would be new, changed, unchanged and rejected."""
    job = _locked(job_id)
    if job.state not in (State.DRAFT, State.CHECKED, State.REFUSED, State.FAILED, State.CANCELLED):
        raise Refused("import.started", "This import is under way or done. Start a new one.")
    _need_not_undone(job)
    data = job.opened()
    _need_files(job)
    if job.kind in MAPPED:
        MAPPED[job.kind](data)
    _begin(job, State.CHECKING, data, actor)
    record(actor=actor, action=Action.IMPORT_CHANGE, kind="import", subject=job.pk, codes={"state": job.state})
    return job


@transaction.atomic
def import_start(*, actor: Actor, job_id: int) -> ImportJob:
    """Begin the import that was checked. Raises ``Refused`` when it was not, or the check refused it."""
    job = _locked(job_id)
    if job.state != State.CHECKED:
        raise Refused("import.not_checked", "Check the import first; then it can start.")
    _need_not_undone(job)
    data = job.opened()
    _need_files(job)
    data["check"] = {"tables": data.get("tables", {}), "reasons": data.get("reasons", {}), **counts(job)}
    _begin(job, State.RUNNING, data, actor)
    record(actor=actor, action=Action.IMPORT_CHANGE, kind="import", subject=job.pk, codes={"state": job.state})
    return job


@transaction.atomic
def import_cancel(*, actor: Actor, job_id: int) -> ImportJob:
    """Stop an import after the chunk at hand; what was imported stays. It can be resumed for a week."""
    job = _locked(job_id)
    if job.state in (State.DONE, State.CANCELLED):
        raise Refused("import.finished", "This import is finished; there is nothing to cancel.")
    if job.under_way:
        job.stop = True
        job.save(update_fields=["stop"])
    else:
        data = job.opened()
        job_to(job, State.CANCELLED, data)
    record(actor=actor, action=Action.IMPORT_CANCEL, kind="import", subject=job.pk, codes={"done": job.done})
    return job


@transaction.atomic
def import_resume(*, actor: Actor, job_id: int) -> ImportJob:
    """Go on where a cancelled or failed import stopped, in the name of ``actor``: no row is read twice or left out."""
    job = _locked(job_id)
    data = job.opened()
    if job.state not in (State.CANCELLED, State.FAILED) or data.get("pass") != State.RUNNING:
        raise Refused(
            "import.not_stopped", "Only an import that was stopped while it ran can be resumed. Check it first."
        )
    _need_not_undone(job)
    _need_files(job)
    job.begin(State.RUNNING)
    _take_over(job, data, actor)
    data.pop("problem", None)
    job.reseal(data)
    job.save()
    record(actor=actor, action=Action.IMPORT_CHANGE, kind="import", subject=job.pk, codes={"state": job.state})
    waking.wake("apps.imports.tasks.import_work", job.pk)
    return job


def _need_not_undone(job: ImportJob) -> None:
    """Nothing more comes in of what is being taken back: whoever undid an import would not see it, nor undo it again.

    The undo begins under the same lock on the import.
    """
    if ImportUndo.objects.filter(job=job).exists():
        raise Refused("import.undone", "This import was undone, or is just being undone. Start a new one.")


def _locked(job_id: int) -> ImportJob:
    job = ImportJob.objects.select_for_update().filter(pk=job_id).first()
    if job is None:
        raise Refused("import.unknown", "There is no such import any more.")
    return job


def _need_files(job: ImportJob) -> None:
    if job.files_gone:
        raise Refused("import.files_gone", "The files of this import were deleted after a week. Start a new import.")


OF_A_PASS = ("tables", "reasons", "held", "doubts", "unread", "unread_reasons", "notes", "tagged", "new_tags")
"""What each pass counts anew."""


def _begin(job: ImportJob, state: str, data: dict[str, Any], actor: Actor) -> None:
    job.rejections.all().delete()
    job.done = job.new = job.changed = job.unchanged = job.rejected = 0
    job.begin(state)
    job.started_at = clock.now()
    if state == State.CHECKING:
        data["waits"] = False
    _take_over(job, data, actor)
    for name in (*OF_A_PASS, "problem", "suspects"):
        data.pop(name, None)
    data["pass"] = state
    job_to(job, state, data)
    waking.wake("apps.imports.tasks.import_work", job.pk)


def _take_over(job: ImportJob, data: dict[str, Any], actor: Actor) -> None:
    # Identity facts that the page said would wait do so, whoever presses the button after reading that.
    data["waits"] = data.get("waits", identity_facts.must_wait(job.actor)) or identity_facts.must_wait(actor)
    job.act_for(actor)


def job_to(job: ImportJob, state: str, data: dict[str, Any]) -> None:
    """Bring a locked job to a state, with what it knows sealed anew."""
    job.state = state
    job.reseal(data)
    job.save()


# What came of it


def counts(job: ImportJob) -> dict[str, int]:
    """The figures of the pass so far, under the names that commands print."""
    return {
        "read": job.done,
        "new": job.new,
        "changed": job.changed,
        "unchanged": job.unchanged,
        "rejected": job.rejected,
    }


def add_rejections(job: ImportJob, rows: list[dict[str, Any]]) -> None:
    """Keep a chunk's rejected rows, sealed. Caller's transaction."""
    row_id = next_ids(REJECTION_TABLE, 1)[0]
    sealed = sealing.seal_service(rows, table=REJECTION_TABLE, row=row_id)
    ImportRejection.objects.create(id=row_id, job=job, sealed=sealed, count=len(rows))


def rejected_csv(*, actor: Actor, job_id: int) -> Iterator[str]:
    """The rejected rows as CSV, line by line: file, line, reason, then the cells as they came.

    The download is on the trail before the first line. Cells that a spreadsheet would run as a formula get an
    apostrophe in front (OWASP, CSV injection). Raises ``Refused`` for whoever may not see them (``may_see_rows``).
    """
    job = ImportJob.objects.get(pk=job_id)
    if not may_see_rows(actor, job):
        raise Refused("import.rows_not_allowed", NOT_YOURS)
    record_read(
        actor=actor,
        action=Action.IMPORT_EXPORT,
        kind="import",
        subject=job.pk,
        purpose="correct rejected rows",
        codes={"rows": job.rejected},
    )
    return _csv_lines(job)


def _csv_lines(job: ImportJob) -> Iterator[str]:
    files = job.opened()["files"]
    headers = {item["name"]: item["headers"] for item in files}
    current = None
    for row in ImportRejection.objects.filter(job=job, count__gt=0).order_by("pk").iterator(chunk_size=20):
        for item in sealing.open_service(row.sealed, table=REJECTION_TABLE, row=row.pk):
            if item["file"] != current:
                current = item["file"]
                yield line(["file", "line", "reason", *headers.get(current, [])])
            yield line([item["file"], item["line"], item["reason"], *item["cells"]])


def rejections_file(*, actor: Actor, job_id: int, folder: str = "imports") -> str | None:
    """Write the rejected rows into one sealed file of the storage; its name, or None when there are none.

    The key is in the job; ``manage.py import_errors`` prints what is in it.
    """
    job = ImportJob.objects.get(pk=job_id)
    if not job.rejected:
        return None
    data = job.opened()
    lines = (line.encode() for line in rejected_csv(actor=actor, job_id=job_id))
    data["errors"] = stored_files.file_keep(f"{folder}/{job.pk}-rejected", lines)
    with transaction.atomic():
        locked = _locked(job.pk)
        locked.reseal(data)
        locked.save(update_fields=["sealed", "version"])
    return str(data["errors"]["stored"])


def uploads_clear(*, actor: Actor) -> int:
    """Delete sealed uploads that nobody needs: of finished imports at once, of others after a week."""
    cleared = 0
    old = clock.now() - KEEP_UPLOADS
    idle = ImportJob.objects.exclude(state__in=[State.CHECKING, State.RUNNING]).filter(files_gone=False)
    for job in idle:
        if job.state != State.DONE and job.created_at > old:
            continue
        with transaction.atomic():
            job = _locked(job.pk)
            if job.under_way or job.files_gone:
                continue
            data = job.opened()
            names = [name for item in data["files"] for name in stored_names(item)]
            for item in data["files"]:
                forget(item)
            job.reseal(data)
            job.files_gone = True
            job.save(update_fields=["sealed", "version", "files_gone"])
            record(actor=actor, action=Action.IMPORT_CHANGE, kind="import", subject=job.pk, fields=["files"])
            transaction.on_commit(partial(_delete, names))
        cleared += 1
    return cleared


def rejections_clear(*, actor: Actor) -> int:
    """Delete rejected rows after a month: whoever wanted to correct them has had the time. Returns how many jobs."""
    cleared = 0
    old = clock.now() - KEEP_REJECTIONS
    for job_id in ImportJob.objects.filter(created_at__lt=old, rejections__isnull=False).distinct().values_list("pk"):
        with transaction.atomic():
            job = _locked(job_id[0])
            if job.under_way:
                continue
            data = job.opened()
            errors = data.pop("errors", None)
            job.reseal(data)
            job.save(update_fields=["sealed", "version"])
            job.rejections.all().delete()
            record(actor=actor, action=Action.IMPORT_CHANGE, kind="import", subject=job.pk, fields=["rejections"])
            if errors:
                transaction.on_commit(partial(_delete, [errors["stored"]]))
        cleared += 1
    return cleared


def _delete(names: list[str]) -> None:
    for name in names:
        default_storage.delete(name)
