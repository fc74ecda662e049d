"""Exports: an administrator takes people out, with a reason, in a sealed file that goes after a day."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from apps.audit.models import AuditEntry
from apps.contacts import services
from apps.contacts.attributes.services import Wanted, attribute_create
from apps.contacts.exports import services as exports
from apps.contacts.models import ContactExport
from apps.core import actors, clock, notify
from apps.segments.services import segment_delete, segment_save
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE


@pytest.fixture(autouse=True)
def storage(tmp_path, settings) -> Path:
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        },
    }
    return tmp_path / "files"


@pytest.fixture
def three(noon) -> list[int]:
    attribute_create(actor=CLI, wanted=Wanted("Member", "yes_no", 1))
    profiles = [
        {"first_name": "Ana", "last_name": "=HYPERLINK(1)", "sex": "F", "relation": "patient", "email": "ana@x.test"},
        {"first_name": "Bo", "last_name": "Öster", "sex": "M", "relation": "b2b", "attributes": {"member": True}},
        {"first_name": "Cleo", "last_name": "Dahl, Jr.", "sex": "F", "relation": "patient", "phone": "+15025550117"},
    ]
    return [services.contact_create(actor=CLI, profile=profile).id for profile in profiles]


def rows_of(export_id: int) -> list[list[str]]:
    plain = b"".join(exports.export_open(actor=CLI, export_id=export_id)).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(plain)))


def women() -> int:
    rule = {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "F"}]}
    return segment_save(actor=CLI, name="Women", rule=rule).pk


def test_a_segment_comes_out_with_the_chosen_columns_and_no_formula(three, storage) -> None:
    made = exports.export_create(
        actor=CLI,
        columns=["first_name", "last_name", "sex", "phone"],
        reason="Calls",
        source="segment",
        source_id=women(),
    )
    assert exports.work(made.pk)
    made.refresh_from_db()
    assert (made.state, made.done, made.total) == ("done", 2, 2)
    assert rows_of(made.pk) == [
        ["First name", "Last name", "Sex", "Phone"],
        ["Ana", "'=HYPERLINK(1)", "Female", ""],
        ["Cleo", "Dahl, Jr.", "Female", "'+15025550117"],
    ]
    kept = b"".join(path.read_bytes() for path in storage.rglob("*") if path.is_file())
    assert kept
    assert b"Cleo" not in kept, "the file is sealed"


def test_own_attributes_and_consents_can_be_columns(three) -> None:
    made = exports.export_create(
        actor=CLI, columns=["attribute.member", "relation", "consent.marketing"], reason="Check"
    )
    exports.work(made.pk)
    assert rows_of(made.pk)[2] == ["Yes", "Business contact", ""]


def test_who_was_in_it_and_what_for_is_on_the_trail(three) -> None:
    made = exports.export_create(actor=CLI, columns=["first_name"], reason="Rights request 12", text="cleo")
    exports.work(made.pk)
    opened = AuditEntry.objects.get(action="contact.export")
    assert (opened.subject, opened.people_count) == (str(made.pk), 1)
    rows_of(made.pk)
    actions = AuditEntry.objects.filter(action__startswith="export.").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["export.create", "export.open"]
    assert b"Rights request" not in bytes(made.sealed)


def test_a_file_goes_after_a_day(three, storage) -> None:
    made = exports.export_create(actor=CLI, columns=["first_name"], reason="Calls")
    exports.work(made.pk)
    with clock.frozen(clock.now() + timedelta(hours=25)):
        with refused("export.file_gone"):
            exports.export_open(actor=CLI, export_id=made.pk)
        assert exports.exports_clear(actor=CLI) == 1
        assert exports.exports_clear(actor=CLI) == 0
    made.refresh_from_db()
    assert made.state == "gone"


def test_files_are_deleted_from_the_storage(three, storage, django_capture_on_commit_callbacks) -> None:
    made = exports.export_create(actor=CLI, columns=["first_name"], reason="Calls")
    exports.work(made.pk)
    assert [path for path in storage.rglob("*") if path.is_file()]
    with clock.frozen(clock.now() + timedelta(hours=25)), django_capture_on_commit_callbacks(execute=True):
        exports.exports_clear(actor=CLI)
    assert not [path for path in storage.rglob("*") if path.is_file()]


def test_a_cancelled_export_leaves_nothing(three, storage, monkeypatch) -> None:
    monkeypatch.setattr(exports, "CHUNK", 1)
    made = exports.export_create(actor=CLI, columns=["first_name"], reason="Calls")
    real = exports.selectors.open_people

    def cancelling(**given):
        ContactExport.objects.filter(pk=made.pk).update(stop=True)
        return real(**given)

    monkeypatch.setattr(exports.selectors, "open_people", cancelling)
    exports.work(made.pk)
    made.refresh_from_db()
    assert (made.state, made.done) == ("cancelled", 1)
    assert not [path for path in storage.rglob("*") if path.is_file()]


def test_a_job_that_broke_off_begins_again_and_gives_up_after_three(three, monkeypatch, caplog) -> None:
    secret = " ".join(["Ana", "has", "the", "value", "17"])

    def broken(**given):
        raise RuntimeError(secret)

    made = exports.export_create(actor=CLI, columns=["first_name"], reason="Calls")
    with monkeypatch.context() as patch:
        patch.setattr(exports.selectors, "open_people", broken)
        for _ in range(4):
            exports.work(made.pk)
    made.refresh_from_db()
    assert made.state == "failed"
    assert "RuntimeError" in caplog.text
    assert secret not in caplog.text


def test_a_segment_that_went_meanwhile_is_told(three) -> None:
    segment = women()
    made = exports.export_create(actor=CLI, columns=["sex"], reason="Calls", source="segment", source_id=segment)
    segment_delete(actor=CLI, segment_id=segment)
    exports.work(made.pk)
    made.refresh_from_db()
    assert (made.state, made.opened()["problem"]) == ("failed", "This segment no longer exists.")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"columns": [], "reason": "Calls"}, "export.without_columns"),
        ({"columns": ["password"], "reason": "Calls"}, "export.without_columns"),
        ({"columns": ["sex"], "reason": " "}, "export.without_reason"),
        ({"columns": ["sex"], "reason": "Calls", "source": "segment", "source_id": 99}, "segment.unknown"),
    ],
)
def test_what_is_missing_is_refused(noon, given, code) -> None:
    with refused(code):
        exports.export_create(actor=CLI, **given)


def test_an_administrator_exports_what_the_search_found(signed_in, three) -> None:
    ada = signed_in("ada")
    assert "Export contacts" in ada.get("/contacts/").content.decode()
    form = ada.post("/contacts/exports/new/", {"q": "cleo", "relation": "patient"}).content.decode()
    assert "The people your search found." in form
    asked = {"asked": "1", "q": "cleo", "relation": "patient", "columns": ["first_name"], "reason": "Calls"}
    answer = ada.post("/contacts/exports/new/", asked)
    assert "cleo" not in answer["Location"]
    page = ada.get(answer["Location"]).content.decode()
    assert "Writing the file" in page
    made = ContactExport.objects.get()
    exports.work(made.pk)
    assert "The file is ready." in ada.get(answer["Location"]).content.decode()
    download = ada.post(f"{answer['Location']}download/")
    assert b"".join(download.streaming_content).decode("utf-8-sig") == "First name\r\nCleo\r\n"
    assert download["Content-Disposition"] == f'attachment; filename="contacts-{made.pk}.csv"'
    assert "Calls" in ada.get("/contacts/exports/").content.decode()


def test_a_wish_without_a_reason_comes_back_with_its_columns(signed_in, three) -> None:
    answer = signed_in("ada").post("/contacts/exports/new/", {"asked": "1", "columns": ["zip"], "reason": ""})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="zip" checked' in page
    assert 'value="email" checked' not in page


@pytest.mark.parametrize("who", ["max", "rita", "nora", "otto"])
def test_nobody_else_exports(signed_in, three, who) -> None:
    client = signed_in(who)
    made = exports.export_create(actor=CLI, columns=["sex"], reason="Calls")
    exports.work(made.pk)
    assert client.get("/contacts/exports/").status_code == 403
    assert client.post("/contacts/exports/new/", {"asked": "1"}).status_code == 403
    assert client.post(f"/contacts/exports/{made.pk}/download/").status_code == 403


def test_the_command_writes_a_file_for_its_owner_alone(three, cast, tmp_path, capsys) -> None:
    women()
    target = tmp_path / "women.csv"
    call_command(
        "contact_export", "Women", "--as", "ada@clinic.test", "--reason", "Calls", "--columns", "first_name",
        "--to", str(target), "--json",
    )  # fmt: skip
    assert json.loads(capsys.readouterr().out)["people"] == 2
    assert target.read_text(encoding="utf-8-sig").splitlines() == ["First name", "Ana", "Cleo"]
    assert target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(SystemExit):
        call_command("contact_export", "Women", "--as", "max@clinic.test", "--reason", "Calls")


def test_the_command_waits_for_word_of_a_quicker_worker(three, monkeypatch, capsys) -> None:
    """Another worker has the job: the command hears when that one lets go, and then writes what it was asked for."""
    heard = []

    @contextlib.contextmanager
    def listening(channel: str) -> Iterator[Callable[[float], None]]:
        ContactExport.objects.update(lease_until=clock.now() + exports.LEASE, worker="the other one")

        def wait(_seconds: float) -> None:
            heard.append(channel)
            ContactExport.objects.update(lease_until=None)  # it died, or gave up

        yield wait

    monkeypatch.setattr(notify, "listening", listening)
    call_command("contact_export", "--reason", "Calls", "--json")
    assert json.loads(capsys.readouterr().out)["people"] == 3
    assert heard == [exports.CHANNEL]


@pytest.mark.django_db(transaction=True)
def test_a_worker_tells_when_it_lets_go() -> None:
    services.contact_create(actor=CLI, profile={"first_name": "Ana", "last_name": "Quist", "relation": "b2b"})
    made = exports.export_create(actor=CLI, columns=["first_name"], reason="Calls")
    with notify.listening(exports.CHANNEL):
        assert exports.work(made.pk)
        raw = connection.connection
        assert [each.channel for each in raw.notifies(timeout=5, stop_after=1)] == [exports.CHANNEL]
        assert not exports.work(made.pk), "done"


def test_pressing_enter_in_the_search_box_searches(signed_in, three) -> None:
    page = signed_in("ada").post("/contacts/", {"q": "cleo"}).content.decode()
    search = page[page.index('id="search"') :]
    assert 'form="search"' not in page[: page.index('id="search"')], "a browser presses the form's first button"
    assert 'type="submit">Search' in search
    export = page[page.index('action="/contacts/exports/new/"') : page.index('id="search"')]
    assert 'name="q" value="cleo"' in export


def test_tags_are_a_column_that_the_import_reads(three) -> None:
    known = services.tags_named(actor=CLI, names=["Recall", "Open day"])
    services.tags_give(actor=CLI, pairs=[(three[0], tag) for tag in known.values()])
    made = exports.export_create(actor=CLI, columns=["first_name", "tags"], reason="Calls")
    exports.work(made.pk)
    assert rows_of(made.pk) == [["First name", "Tags"], ["Ana", "Open day; Recall"], ["Bo", ""], ["Cleo", ""]]
