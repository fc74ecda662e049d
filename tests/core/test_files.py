"""Rejected rows in plain and the trail are written for the one who asked, also over a file that others could read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from apps.core import actors
from apps.core.files import open_private
from apps.imports.management import importing
from apps.imports.models import ImportJob


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("before", [None, 0o644, 0o600])
def test_a_file_is_its_owners_alone_and_written_anew(tmp_path: Path, before: int | None) -> None:
    path = tmp_path / "rejected.csv"
    if before is not None:
        path.write_text("something longer from the last time")
        path.chmod(before)
    with os.fdopen(open_private(path), "w") as out:
        out.write("fresh")
    assert (path.read_text(), mode(path)) == ("fresh", 0o600)


def test_a_pipe_stays_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path, 0o644)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(open_private(path), "w") as out:
        out.write("fresh")
    assert (os.read(reader, 100), mode(path)) == (b"fresh", 0o644)
    os.close(reader)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        open_private(tmp_path)


@pytest.mark.django_db
def test_rejected_rows_are_not_left_readable(tmp_path: Path, noon: object) -> None:
    path, listed = tmp_path / "rejected.csv", tmp_path / "list.csv"
    path.write_text("of the last run")
    path.chmod(0o644)
    listed.write_bytes(b"MRN,Mail\nMRN-77,never\n")
    importing.run(
        actor=actors.COMMAND_LINE,
        kind=ImportJob.JobKind.LIST,
        files=[str(listed)],
        dry_run=True,
        errors_to=str(path),
        document={"match_on": "email", "columns": {"MRN": "mrn", "Mail": "email"}},
    )
    assert "MRN-77" in path.read_text()
    assert mode(path) == 0o600
