"""Exports of people: a sealed file made in the background, to be downloaded for a day.

Who is in it is decided when the work begins, chunk by chunk people are opened (on the trail first, with the reason),
and nothing is ever written in plain. A job that broke off begins again: half a file is no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F

from apps.audit.actions import Action
from apps.audit.services import record, record_read
from apps.contacts import sources
from apps.contacts.attributes import definitions as attributes
from apps.contacts.exports import columns as exporting
from apps.contacts.models import ContactExport
from apps.contacts.models.export import EXPORT_TABLE
from apps.contacts.person import selectors
from apps.contacts.tags import definitions as tags
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.cells import line
from apps.core.errors import Refused
from apps.jobs import waking
from apps.jobs.models import LEASE
from apps.jobs.runner import Lost, Runner
from apps.vault import stored_files

State = ContactExport.State
CHUNK = 1_000
KEEP = timedelta(hours=24)
MOST = 2_000_000
CHANNEL = "carelane_export"
"""Told when a worker lets go of an export, finished or not; see ``core.notify``."""


@transaction.atomic
def export_create(
    *,
    actor: Actor,
    columns: Sequence[str],
    reason: str,
    source: str = sources.LIST,
    source_id: int | None = None,
    text: str = "",
    filters: dict[str, str] | None = None,
) -> ContactExport:
    """Ask for an export. ``text`` and ``filters`` are those of the contact list (``searching.people``).

    Raises ``Refused`` without a reason, a known column, or a source that exists.
    """
    reason = " ".join(reason.split())
    known = {name for _, group in exporting.columns(attributes.catalog()) for name, _ in group}
    wanted = [name for name in dict.fromkeys(columns) if name in known]
    if not wanted:
        raise Refused("export.without_columns", "Choose at least one column.")
    if not 3 <= len(reason) <= 500:
        raise Refused("export.without_reason", "Say what the export is for. It stays on the trail, sealed.")
    sources.source_name(source, source_id)
    export = ContactExport(
        id=next_ids(EXPORT_TABLE, 1)[0],
        source=source,
        source_id=source_id,
        version=0,
    )
    export.act_for(actor)
    export.reseal({"columns": wanted, "reason": reason, "text": text, "filters": filters or {}})
    export.save(force_insert=True)
    record(
        actor=actor,
        action=Action.EXPORT_CREATE,
        kind="export",
        subject=export.pk,
        fields=wanted,
        codes={"source": source, "source_id": source_id or 0},
        reason=reason,
    )
    waking.wake("apps.contacts.tasks.export_work", export.pk)
    return export


@transaction.atomic
def export_cancel(*, actor: Actor, export_id: int) -> None:
    """Stop an export after the people at hand; nothing of it is kept."""
    export = _locked(export_id)
    if not export.under_way:
        raise Refused("export.finished", "This export is finished; there is nothing to cancel.")
    export.stop = True
    if export.lease_until is None:
        export.end(State.CANCELLED)
    export.save()
    record(actor=actor, action=Action.EXPORT_CANCEL, kind="export", subject=export.pk, codes={"done": export.done})


def export_open(*, actor: Actor, export_id: int) -> Iterator[bytes]:
    """The plain CSV, piece by piece; on the trail before the first. Raises ``Refused`` when it is not there."""
    with transaction.atomic():
        export = _locked(export_id)
        if export.state != State.DONE or _old(export):
            raise Refused("export.file_gone", "The file of this export is not there any more. Ask for a new one.")
        data = export.opened()
        export.downloads = F("downloads") + 1
        export.save(update_fields=["downloads"])
        record_read(
            actor=actor,
            action=Action.EXPORT_OPEN,
            kind="export",
            subject=export.pk,
            purpose="download an export",
            codes={"people": export.done},
            reason=data["reason"],
        )
    return stored_files.file_blocks(data["file"])


def exports_clear(*, actor: Actor) -> int:
    """Delete files that are a day old; returns how many."""
    cleared = 0
    for export_id in ContactExport.objects.filter(state=State.DONE, finished_at__lt=clock.now() - KEEP).values_list(
        "pk"
    ):
        with transaction.atomic():
            export = _locked(export_id[0])
            if export.state != State.DONE:
                continue
            data = export.opened()
            stored = data.pop("file")["stored"]
            export.reseal(data)
            export.state = State.GONE
            export.save()
            record(actor=actor, action=Action.EXPORT_CLEAR, kind="export", subject=export.pk)
            transaction.on_commit(lambda stored=stored: default_storage.delete(stored))  # type: ignore[misc]
        cleared += 1
    return cleared


# The work


def _write(export: ContactExport, worker: str) -> None:
    file, kept = None, False
    try:
        file = stored_files.file_keep(f"exports/{export.pk}", _lines(export, worker))
        kept = _finish(export.pk, worker, State.DONE, file)
    except Lost:
        _finish(export.pk, worker, State.CANCELLED)
    finally:
        if file is not None and not kept:
            default_storage.delete(file["stored"])


def _fail(export: ContactExport, worker: str, error: Exception | None) -> None:
    _finish(export.pk, worker, State.FAILED, problem="" if error is None else str(error))


RUNNER = Runner(ContactExport, _write, _fail, channel=CHANNEL, anew={"done": 0})
work, due = RUNNER.run, RUNNER.due


def _lines(export: ContactExport, worker: str) -> Iterator[bytes]:
    data = export.opened()
    ids = _ids(export, data)
    ContactExport.objects.filter(pk=export.pk, worker=worker).update(total=len(ids))
    fields = attributes.catalog()
    labels = {name: label for _, group in exporting.columns(fields) for name, label in group}
    columns = [name for name in data["columns"] if name in labels]
    names = {tag.id: tag.name for tag in tags.everything()} if exporting.TAGS in columns else {}
    # The mark makes spreadsheets read it as UTF-8.
    yield b"\xef\xbb\xbf" + line(labels[name] for name in columns).encode()
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        held = ContactExport.objects.filter(pk=export.pk, worker=worker, state=State.RUNNING, stop=False).update(
            lease_until=clock.now() + LEASE
        )
        if not held:
            raise Lost
        people = selectors.open_people(
            actor=export.actor,
            purpose="export",
            ids=chunk,
            action=Action.CONTACT_EXPORT,
            reason=data["reason"],
            subject=export.pk,
        )
        if names:
            tags.load_tags(people)
        text = "".join(
            line(exporting.cell(people[person_id], name, fields, names) for name in columns)
            for person_id in chunk
            if person_id in people
        )
        ContactExport.objects.filter(pk=export.pk, worker=worker).update(done=F("done") + len(people))
        yield text.encode()


def _ids(export: ContactExport, data: dict[str, Any]) -> Sequence[int]:
    found = sources.source_ids(export.source, export.source_id, data["text"], data["filters"])
    if len(found) > MOST:
        raise Refused("export.too_many_people", f"More than {MOST:,} people are too many for one file. Narrow it down.")
    return found


@transaction.atomic
def _finish(export_id: int, worker: str, state: str, file: dict[str, str] | None = None, problem: str = "") -> bool:
    export = _locked(export_id)
    if not export.is_held_by(worker):
        return False
    if file is not None and export.stop:
        raise Lost
    data = export.opened()
    if file is not None:
        data["file"] = file
    data["problem"] = problem
    export.reseal(data)
    export.end(state)
    export.save()
    return True


def _old(export: ContactExport) -> bool:
    return export.finished_at is None or export.finished_at < clock.now() - KEEP


def _locked(export_id: int) -> ContactExport:
    export = ContactExport.objects.select_for_update().filter(pk=export_id).first()
    if export is None:
        raise Refused("export.unknown", "There is no such export.")
    return export
