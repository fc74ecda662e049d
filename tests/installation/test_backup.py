"""The machine burns. A new one is set up from the backup and, from another place, the keys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from apps.audit import sequencer
from apps.contacts import services
from apps.contacts.models import Person
from apps.contacts.person import selectors
from apps.core import actors
from apps.installation import backup, embedded_servers

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner", "audit", "reader"])
CLI = actors.COMMAND_LINE


@pytest.fixture
def another_database(settings):
    """Point every role at a fresh, empty database, and back."""
    name = f"{settings.DATABASES['default']['NAME']}_restored"
    before = settings.DATABASES["default"]["NAME"]

    def point_at(database: str) -> None:
        for alias in connections:
            connections[alias].close()
            connections[alias].settings_dict["NAME"] = database
            settings.DATABASES[alias]["NAME"] = database

    embedded_servers.drop_database(settings.EMBEDDED, name)
    embedded_servers.create_database(settings.EMBEDDED, name)
    yield lambda: point_at(name)
    point_at(before)
    embedded_servers.drop_database(settings.EMBEDDED, name)


@pytest.fixture(autouse=True)
def own_places(settings, tmp_path):
    settings.CARELANE_CHECKPOINTS = tmp_path / "checkpoints"
    settings.AUDIT_WRITER = "audit"
    settings.CARELANE_HOME = tmp_path / "home"
    (tmp_path / "home" / "files").mkdir(parents=True)
    (tmp_path / "home" / "files" / "x1").write_bytes(b"sealed bytes")


def test_everybody_comes_back_but_those_who_were_erased_since(tmp_path, another_database, capsys) -> None:
    stays = services.contact_create(actor=CLI, profile={"first_name": "Stella", "mrn": "1"})
    leaves = services.contact_create(actor=CLI, profile={"first_name": "Lea", "mrn": "2"})
    sequencer.number_entries()
    call_command("backup", str(tmp_path / "disk"), str(tmp_path / "safe"), "--json")
    folder = Path(json.loads(capsys.readouterr().out)["backup"])
    written = [*folder.iterdir(), *(tmp_path / "safe").iterdir()]
    assert [path for path in (folder, *written) if path.stat().st_mode & 0o077] == [], "a copy keeps these modes"
    services.contact_erase(actor=CLI, person_id=leaves.id, reason="asked for it")

    another_database()
    (tmp_path / "home" / "files" / "x1").unlink()
    keys_file = next((tmp_path / "safe").glob("*.tar"))
    call_command("restore", str(folder), str(keys_file), "--json")
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is True
    assert said["erased_again"] == 1
    opened = selectors.open_people(actor=CLI, purpose="scene", ids=[stays.id, leaves.id])
    assert [record.get("first_name") for record in opened.values()] == ["Stella"]
    assert Person.objects.count() == 2
    assert (tmp_path / "home" / "files" / "x1").read_bytes() == b"sealed bytes"


def test_checkpoints_that_outlived_the_database_tell_what_is_lost(tmp_path, another_database, capsys) -> None:
    """The disk of the database broke in the evening; the checkpoints lie on another one, as the manual asks for."""
    services.contact_create(actor=CLI, profile={"first_name": "Stella", "mrn": "1"})
    sequencer.number_entries()
    call_command("backup", str(tmp_path / "disk"), str(tmp_path / "safe"), "--json")
    folder = Path(json.loads(capsys.readouterr().out)["backup"])
    for number in range(5):
        services.contact_create(actor=CLI, profile={"first_name": "Lea", "mrn": f"later-{number}"})
    sequencer.number_entries()
    sequencer.sign_checkpoint()

    another_database()
    with pytest.raises(SystemExit):
        call_command("restore", str(folder), str(next((tmp_path / "safe").glob("*.tar"))))
    said = capsys.readouterr().out
    assert "The audit trail is whole up to entry" in said
    assert "are lost: keep the checkpoints" in said
    assert "NOT whole" not in said, "nobody altered anything"


def test_keys_and_data_are_never_backed_up_together(tmp_path) -> None:
    with pytest.raises(backup.BackupError, match="separate"):
        backup.back_up(to=tmp_path / "a", keys_to=tmp_path / "a" / "keys", version="1", now=_now())
    assert not list(tmp_path.glob("a/*"))


def test_the_backup_holds_no_key(tmp_path) -> None:
    folder = backup.back_up(to=tmp_path / "disk", keys_to=tmp_path / "safe", version="1", now=_now())
    secrets = [path.read_bytes().strip() for path in Path(settings.CARELANE_KEYS).glob("*.key")]
    for path in folder.iterdir():
        content = path.read_bytes()
        assert not any(secret in content for secret in secrets)


def test_a_damaged_backup_is_refused_before_anything_is_written(tmp_path) -> None:
    folder = backup.back_up(to=tmp_path / "disk", keys_to=tmp_path / "safe", version="1", now=_now())
    with (folder / backup.DUMP).open("r+b") as file:
        file.seek(100)
        file.write(b"\x00\x01\x02")
    with pytest.raises(backup.BackupError, match="damaged"):
        backup.read_manifest(folder)


def _now():
    from apps.core import clock

    return clock.now()
