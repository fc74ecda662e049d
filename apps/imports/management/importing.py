"""What the import commands share: files in, passes run here and now, figures out."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage
from django.core.management.base import CommandError, CommandParser

from apps.contacts.management.waiting import until_over
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.core.files import open_private
from apps.imports.models import ImportJob
from apps.imports.services import jobs, passes


def add_file_arguments(parser: CommandParser, several: bool) -> None:
    """FILE, --dry-run and --errors-to."""
    parser.add_argument("files", nargs="+" if several else 1, metavar="FILE", help="CSV, gzip or not")
    parser.add_argument("--dry-run", action="store_true", help="say what would happen and change nothing")
    parser.add_argument(
        "--errors-to",
        metavar="PATH",
        help="write the rejected rows there in plain (readable by you alone); otherwise they stay sealed",
    )


def run(
    *, actor: Actor, kind: str, files: list[str], dry_run: bool, errors_to: str | None, **given: Any
) -> dict[str, Any]:
    """Import ``files`` from beginning to end. Raises ``Refused`` and ``CommandError``."""
    paths = [Path(name) for name in files]
    for path in paths:
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
    if errors_to:
        _writable(errors_to)
    with contextlib.ExitStack() as stack:
        uploads = [jobs.Upload(path.name, stack.enter_context(path.open("rb"))) for path in paths]
        job = jobs.import_create(actor=actor, kind=kind, uploads=uploads, **given)
    jobs.import_check(actor=actor, job_id=job.pk)
    job = _finished(job.pk, ImportJob.State.CHECKED)
    if not dry_run:
        jobs.import_start(actor=actor, job_id=job.pk)
        job = _finished(job.pk, ImportJob.State.DONE)
    result: dict[str, Any] = dict(jobs.counts(job))
    data = job.opened()
    result["errors_file"] = _errors(actor, job, errors_to)
    result["tables"] = data.get("tables", {})
    result["unused"] = [item["table"] for item in data["files"] if not item["used"]]
    result["reasons"] = data.get("reasons", {})
    result["held"] = data.get("held", 0)
    result["tagged"] = data.get("tagged", 0)
    result["unread"] = data.get("unread", 0)
    result["unread_reasons"] = data.get("unread_reasons", {})
    result["notes"] = data.get("notes", {})
    result["import"] = job.pk
    if kind != ImportJob.JobKind.SYNTHEA:
        result.pop("unused")
    jobs.uploads_clear(actor=actor)
    return result


def _writable(path: str) -> None:
    """Raise ``CommandError`` before anything is imported when the rejected rows could not be written there."""
    parent = Path(path).parent
    if Path(path).is_dir() or not parent.is_dir() or not os.access(path if Path(path).exists() else parent, os.W_OK):
        raise CommandError(f"--errors-to {path} cannot be written. Name a file in a folder that is there.")


def _finished(job_id: int, wanted: str) -> ImportJob:
    job = ImportJob.objects.get(pk=job_id)
    until_over(job, passes.work, passes.CHANNEL)
    if job.state != wanted:
        if problem := job.opened().get("problem"):
            raise Refused("import.failed", problem)
        raise Refused("import.canceled", "The import was cancelled.")
    return job


def _errors(actor: Actor, job: ImportJob, errors_to: str | None) -> str | None:
    if not job.rejected:
        return None
    if errors_to:
        with os.fdopen(open_private(errors_to), "w", encoding="utf-8", newline="") as out:
            out.writelines(jobs.rejected_csv(actor=actor, job_id=job.pk))
        return errors_to
    stored = jobs.rejections_file(actor=actor, job_id=job.pk)
    try:
        return default_storage.path(stored) if stored else None
    except NotImplementedError:  # object storage has no paths
        return stored


def sentence(result: dict[str, Any]) -> str:
    """The result for people."""
    text = (
        f"Read {result['read']:,} rows: {result['new']:,} new, {result['changed']:,} changed, "
        f"{result['unchanged']:,} unchanged, {result['rejected']:,} rejected."
    )
    if result["held"]:
        text += (
            f"\n{result['held']:,} people have an address, birth date, phone or record number on record that differs."
            " These changes wait for confirmation by somebody who may see them."
        )
    if result["unread"]:
        text += (
            f"\n{result['unread']:,} cells could not be read; the rest of their rows is in "
            f"(manage.py import_errors {result['import']} --cells)."
        )
        for reason, count in sorted(result["unread_reasons"].items(), key=lambda item: -item[1]):
            text += f"\n  {count:,} left out: {reason}"
    if result.get("unused"):
        text += f"\nNot used: {', '.join(sorted(result['unused']))}."
    for reason, count in sorted(result["reasons"].items(), key=lambda item: -item[1]):
        text += f"\n  {count:,} rejected: {reason}"
    for note, count in sorted(result["notes"].items(), key=lambda item: -item[1]):
        text += f"\n  {count:,} imported: {note}"
    if result["errors_file"]:
        text += f"\nRejected rows: {result['errors_file']} (sealed ones: manage.py import_errors {result['import']})"
    return text
