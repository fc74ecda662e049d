"""The commands of the road: who may do what by name, and what people read."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import call_command, get_commands, load_command_class

from apps.audit.models import AuditEntry
from apps.core.commands import RoadCommand
from apps.core.permissions import Permission
from apps.segments.models import Segment

REPOSITORY = Path(__file__).resolve().parents[2]
RULE = {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "F"}]}


@pytest.fixture
def rule(tmp_path: Path) -> str:
    file = tmp_path / "rule.json"
    file.write_text(json.dumps(RULE))
    return str(file)


def ended(*arguments: str) -> tuple[int, str]:
    """The exit code of a command and what it says when it does nothing."""
    errors = StringIO()
    with pytest.raises(SystemExit) as stop:
        call_command(*arguments, stdout=StringIO(), stderr=errors)
    return int(stop.value.code or 0), errors.getvalue()


def test_every_command_that_takes_as_says_what_it_asks_for() -> None:
    commands = {
        name: load_command_class(app, name)
        for name, app in get_commands().items()
        if isinstance(app, str) and app.startswith("apps.")
    }
    road = {name: command for name, command in commands.items() if isinstance(command, RoadCommand)}
    assert {"import_contacts", "campaign_send", "journey_tick", "verify_audit"} <= set(road)
    assert [name for name, command in road.items() if not isinstance(command.permission, Permission)] == []


@pytest.mark.django_db
def test_an_auditor_does_no_more_by_a_command_than_on_a_page(cast: SimpleNamespace, rule: str, tmp_path: Path) -> None:
    for arguments, who in (
        (("segment_save", "Women", rule), "administrator or marketer"),
        (("import_contacts", "--preset", "synthea", str(tmp_path / "absent.csv")), "administrator or marketer"),
        (("campaign_send", "Flu"), "administrator or marketer"),
        (("backup", str(tmp_path / "a"), str(tmp_path / "b")), "administrator"),
    ):
        assert ended(*arguments, "--as", "otto@clinic.test") == (
            1,
            f"Auditor may not do this. Name somebody who may: {who}.\n",
        )
    assert not Segment.objects.exists()
    assert not AuditEntry.objects.filter(actor_kind="staff", actor_id=str(cast.otto.pk)).exists()
    assert not (tmp_path / "a").exists()


@pytest.mark.django_db
def test_a_program_reads_the_code_of_a_refusal_beside_its_sentence(cast: SimpleNamespace, rule: str) -> None:
    out = StringIO()
    with pytest.raises(SystemExit) as stop:
        call_command("segment_save", "Women", rule, "--as", "otto@clinic.test", "--json", stdout=out)
    assert stop.value.code == 1
    assert json.loads(out.getvalue()) == {
        "refused": "Auditor may not do this. Name somebody who may: administrator or marketer.",
        "code": "actor.not_allowed",
    }


@pytest.mark.django_db
def test_a_marketer_and_a_shell_do_it_and_the_trail_tells_them_apart(cast: SimpleNamespace, rule: str) -> None:
    call_command("segment_save", "Women", rule, "--as", "max@clinic.test", stdout=StringIO())
    call_command("segment_save", "Ladies", rule, stdout=StringIO())
    actors = list(
        AuditEntry.objects.filter(action="segment.create").order_by("pk").values_list("actor_kind", "actor_id")
    )
    assert actors == [("staff", str(cast.max.pk)), ("command", "command line")]


@pytest.mark.django_db
def test_a_script_that_forgot_the_name_is_not_taken_for_the_command_line(rule: str) -> None:
    assert ended("segment_save", "Women", rule, "--as", "")[0] == 1
    assert not Segment.objects.exists()


def test_an_unknown_command_is_wrong_use() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "segment_cuont", "Women", "--json"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "Unknown command: 'segment_cuont'" in done.stderr


@pytest.mark.django_db
def test_a_tick_at_the_end_of_time_is_wrong_use() -> None:
    code, said = ended("journey_tick", "--now", "9999-12-31T23:59:59")
    assert code == 2
    assert "too far away" in said


def test_parts_are_told_in_words() -> None:
    plan = {"audience": 13, "routes": {"tls": 6, "portal": 2}, "held": {}}
    assert RoadCommand().line(plan) == "audience: 13\nroutes: tls 6, portal 2\nheld: none"
    assert RoadCommand().line({"queued": 2, "sent": 1}) == "queued: 2, sent: 1"


def test_a_restore_on_a_new_machine_meets_no_keys_of_its_own_making(tmp_path: Path) -> None:
    """In production, where a missing key stops every other start; nobody runs a database at that address."""
    keys, backup, packed = tmp_path / "keys", tmp_path / "backup", tmp_path / "keys.tar"
    backup.mkdir()
    (backup / "database.dump").write_bytes(b"nothing")
    with tarfile.open(backup / "files.tar", "w"):
        pass
    (tmp_path / "secret.key").write_text("the signing key of the old machine")
    with tarfile.open(packed, "w") as archive:
        archive.add(tmp_path / "secret.key", "secret.key")
    digests = {
        name: hashlib.sha256((backup / name).read_bytes()).hexdigest() for name in ("database.dump", "files.tar")
    }
    manifest = {"made_at": "2026-11-22T15:00:00+00:00", "version": "0.1.0", "digests": digests, "migrations": []}
    (backup / "manifest.json").write_text(json.dumps(manifest))
    socket = f"postgres://{str(tmp_path).replace('/', '%2F')}/carelane"
    environment = {
        "PATH": os.environ["PATH"],
        "CARELANE_MODE": "production",
        "CARELANE_HOME": str(tmp_path / "home"),
        "CARELANE_KEYS": str(keys),
        "CARELANE_URL": "https://carelane.clinic.test",
        "REDIS_URL": "unix:///run/redis.sock",
        **{f"DATABASE{role}_URL": socket for role in ("", "_OWNER", "_AUDIT", "_READER")},
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env=environment,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )

    assert "secret.key is missing" in run("segment_count", "Women").stderr
    done = run("restore", str(backup), str(packed))
    assert done.returncode == 1
    assert "The database could not be restored" in done.stderr, done.stderr
    assert (keys / "secret.key").read_text() == "the signing key of the old machine"
