"""Exports of people: a sealed file made in the background, to be downloaded for a day.

Who is in it is decided when the work begins, chunk by chunk people are opened (on the trail first, with the reason),
and nothing is ever written in plain. A job that broke off begins again: half a file is no file.
"""

from __future__ import annotations

import logging
import os
import secrets
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, BinaryIO, cast

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Q

from apps.audit.actions import Action
from apps.audit.services import record, record_read
from apps.contacts.attributes import definitions as attributes
from apps.contacts.exports import columns as exporting
from apps.contacts.models import ContactExport
from apps.contacts.models.imports import EXPORT_TABLE
from apps.contacts.person import searching, selectors
from apps.core import clock, notify
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.cells import line
from apps.core.errors import Refused
from apps.core.generated_file import Pieces
from apps.vault import streams

State = ContactExport.State
LIST = "list"
CHUNK = 1_000
LEASE = timedelta(minutes=2)
KEEP = timedelta(hours=24)
MAX_ATTEMPTS = 3
MOST = 2_000_000
CHANNEL = "carelane_export"
"""Told when a worker lets go of an export, finished or not; see ``core.notices``."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """Where people come from: ``ids`` in ascending order, and what staff call it; both by the source's id."""

    ids: Callable[[int], Sequence[int]]
    name: Callable[[int], str]


_sources: dict[str, Source] = {}


class _Stopped(Exception):
    """Cancelled, or another worker has it."""


def register_source(kind: str, source: Source) -> None:
    """Segments register here when Django starts; contacts never imports upwards."""
    _sources[kind] = source


def source_name(kind: str, source_id: int | None) -> str:
    """What is exported, for staff. Raises ``Refused`` when it is not there any more."""
    if kind == LIST:
        return "Contacts"
    if kind not in _sources or source_id is None:
        raise Refused("There is nothing of that kind to export.")
    return _sources[kind].name(source_id)


@transaction.atomic
def export_create(
    *,
    actor: Actor,
    columns: Sequence[str],
    reason: str,
    source: str = LIST,
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
        raise Refused("Choose at least one column.")
    if not 3 <= len(reason) <= 500:
        raise Refused("Say what the export is for. It stays on the trail, sealed.")
    source_name(source, source_id)
    export = ContactExport(
        id=next_ids(EXPORT_TABLE, 1)[0],
        source=source,
        source_id=source_id,
        version=0,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_role=actor.role,
    )
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
    from apps.contacts import tasks

    transaction.on_commit(lambda: tasks.ring_export(export.pk))
    return export


@transaction.atomic
def export_cancel(*, actor: Actor, export_id: int) -> None:
    """Stop an export after the people at hand; nothing of it is kept."""
    export = _locked(export_id)
    if not export.under_way:
        raise Refused("This export is finished; there is nothing to cancel.")
    export.stop = True
    if export.lease_until is None:
        _end(export, State.CANCELLED)
    export.save()
    record(actor=actor, action=Action.EXPORT_CANCEL, kind="export", subject=export.pk, codes={"done": export.done})


def export_open(*, actor: Actor, export_id: int) -> Iterator[bytes]:
    """The plain CSV, piece by piece; on the trail before the first. Raises ``Refused`` when it is not there."""
    with transaction.atomic():
        export = _locked(export_id)
        if export.state != State.DONE or _old(export):
            raise Refused("The file of this export is not there any more. Ask for a new one.")
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
    file = data["file"]
    sealed = cast(BinaryIO, default_storage.open(file["stored"], "rb"))
    return _pieces(streams.open_stream(bytes.fromhex(file["key"]), file["bound"], sealed))


def _pieces(plain: BinaryIO) -> Iterator[bytes]:
    with plain:
        while piece := plain.read(streams.PIECE):
            yield piece


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


def work(export_id: int) -> bool:
    """Write the file; whether the job was ours at all."""
    worker = f"{os.getpid()}-{secrets.token_hex(4)}"
    now = clock.now()
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    ours = ContactExport.objects.filter(free, pk=export_id, state=State.RUNNING).update(
        lease_until=now + LEASE, worker=worker, attempts=F("attempts") + 1, done=0
    )
    if not ours:
        return False
    export = ContactExport.objects.get(pk=export_id)
    if export.attempts > MAX_ATTEMPTS:
        _finish(export_id, worker, State.FAILED)
    else:
        _write(export, worker)
    notify.tell(CHANNEL)
    return True


def _write(export: ContactExport, worker: str) -> None:
    export_id = export.pk
    key, bound = streams.new_key(), f"exports/{export_id}-{secrets.token_hex(12)}"
    stored = ""
    try:
        lines = _lines(export, worker)
        stored = default_storage.save(bound, Pieces(streams.sealed_pieces(key, bound, lines)))
        if _finish(export_id, worker, State.DONE, {"stored": stored, "bound": bound, "key": key.hex()}):
            return
    except _Stopped:
        _finish(export_id, worker, State.CANCELLED)
    except Refused as refusal:
        _finish(export_id, worker, State.FAILED, problem=str(refusal))
    except Exception as error:  # noqa: BLE001 - its text may quote a person, so only its type and place are logged
        place = "".join(traceback.format_tb(error.__traceback__))
        _log.error("Export %s broke off with %s; it begins again.\n%s", export_id, type(error).__name__, place)
        ContactExport.objects.filter(pk=export_id, worker=worker).update(lease_until=None)
    # The storage may have begun a file under this name.
    default_storage.delete(stored or bound)


def due(now: datetime) -> list[int]:
    """Exports under way that nobody holds."""
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    return list(ContactExport.objects.filter(free, state=State.RUNNING).values_list("pk", flat=True))


def _lines(export: ContactExport, worker: str) -> Iterator[bytes]:
    data = export.opened()
    ids = _ids(export, data)
    ContactExport.objects.filter(pk=export.pk, worker=worker).update(total=len(ids))
    fields = attributes.catalog()
    labels = {name: label for _, group in exporting.columns(fields) for name, label in group}
    columns = [name for name in data["columns"] if name in labels]
    # The mark makes spreadsheets read it as UTF-8.
    yield b"\xef\xbb\xbf" + line(labels[name] for name in columns).encode()
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        held = ContactExport.objects.filter(pk=export.pk, worker=worker, state=State.RUNNING, stop=False).update(
            lease_until=clock.now() + LEASE
        )
        if not held:
            raise _Stopped
        people = selectors.open_people(
            actor=export.actor,
            purpose="export",
            ids=chunk,
            action=Action.CONTACT_EXPORT,
            reason=data["reason"],
            subject=export.pk,
        )
        text = "".join(
            line(exporting.cell(people[person_id], name, fields) for name in columns)
            for person_id in chunk
            if person_id in people
        )
        ContactExport.objects.filter(pk=export.pk, worker=worker).update(done=F("done") + len(people))
        yield text.encode()


def _ids(export: ContactExport, data: dict[str, Any]) -> Sequence[int]:
    if export.source == LIST:
        found: Sequence[int] = list(
            searching.people(text=data["text"], filters=data["filters"]).order_by("pk").values_list("pk", flat=True)
        )
    elif export.source in _sources and export.source_id is not None:
        found = _sources[export.source].ids(export.source_id)
    else:
        raise Refused("What should be exported is not there any more.")
    if len(found) > MOST:
        raise Refused(f"More than {MOST:,} people are too many for one file. Narrow it down.")
    return found


@transaction.atomic
def _finish(export_id: int, worker: str, state: str, file: dict[str, str] | None = None, problem: str = "") -> bool:
    export = _locked(export_id)
    if export.worker != worker or not export.under_way:
        return False
    if file is not None and export.stop:
        raise _Stopped
    data = export.opened()
    if file is not None:
        data["file"] = file
    data["problem"] = problem
    export.reseal(data)
    _end(export, state)
    export.save()
    return True


def _end(export: ContactExport, state: str) -> None:
    export.state, export.finished_at, export.lease_until = state, clock.now(), None


def _old(export: ContactExport) -> bool:
    return export.finished_at is None or export.finished_at < clock.now() - KEEP


def _locked(export_id: int) -> ContactExport:
    export = ContactExport.objects.select_for_update().filter(pk=export_id).first()
    if export is None:
        raise Refused("There is no such export.")
    return export
