"""Whoever looks at an import's worker process, or makes it crash, finds no password and no picture of its memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.conf import settings

from apps.imports import worker_processes


@pytest.fixture
def preparer(monkeypatch: pytest.MonkeyPatch) -> worker_processes.WorkerProcesses:
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SECRET_KEY", "SOMETHING_ELSE"):
        monkeypatch.setenv(name, "hunter2")
    return worker_processes.WorkerProcesses(1, keys=str(settings.CARELANE_KEYS), home=str(settings.BASE_DIR))


def test_a_worker_process_is_told_no_password_and_leaves_no_dump(preparer: worker_processes.WorkerProcesses) -> None:
    try:
        process = Path("/proc") / str(preparer.processes[0])
        told = (process / "environ").read_bytes()
        line = (process / "cmdline").read_bytes()
        limits = (process / "limits").read_text()
        # Keys come through the pipe as the name of a folder; the command line, which everybody reads, says nothing.
        assert os.fsencode(settings.CARELANE_KEYS) not in line + told
        assert b"hunter2" not in told
        assert b"PATH=" in told
        core = next(row for row in limits.splitlines() if row.startswith("Max core file size"))
        assert core.split()[4:6] == ["0", "0"]
    finally:
        preparer.close()
