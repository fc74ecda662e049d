"""Suppressions: found by address, added and lifted with a reason; opt-outs of a former tool only ever add."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.urls import reverse

from apps.audit.models import AuditEntry
from apps.contacts import services as contacts
from apps.contacts.models import ReturnedMailbox, Suppression
from apps.contacts.person import search_values
from apps.contacts.suppressions.lifting import Obstacle, Stop, obstacle
from apps.core import actors, clock
from apps.delivery import services as delivery
from apps.delivery.models import OutboxMessage, SuppressionJob
from apps.delivery.suppressions import reading
from apps.delivery.suppressions import services as suppressions
from tests.delivery.conftest import campaign_item
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
MAX = actors.staff(3, "marketer")
NORA = actors.staff(4, "care_staff")


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


def take_in(text: str | bytes, *, scope: str = "commercial", reason: str = "former_tool", actor=CLI) -> SuppressionJob:
    data = text.encode() if isinstance(text, str) else text
    job = suppressions.list_create(actor=actor, stream=io.BytesIO(data), name="", scope=scope, reason=reason)
    assert suppressions.work(job.pk)
    job.refresh_from_db()
    return job


def stopped(address: str) -> set[tuple[str, str]]:
    return set(Suppression.objects.filter(mailbox=search_values.mailbox(address)).values_list("scope", "reason"))


# -- What a list may look like ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "addresses"),
    [
        ("ana@x.test", ["ana@x.test"]),
        ("  Ana@X.Test ", ["Ana@x.test"]),
        ("Ana Ortiz <ana@x.test>", ["ana@x.test"]),
        ("“ana@x.test”", ["ana@x.test"]),
        ("mailto:ana@x.test?subject=Stop", ["ana@x.test"]),
        ("\u200bana@x.test\u00a0", ["ana@x.test"]),
        ("ana@x.test; bo@x.test", ["ana@x.test", "bo@x.test"]),
        ("ana@x.test,", ["ana@x.test"]),
        ("jos\u00e9@x.test", ["jos\u00e9@x.test"]),
        ("ana at x.test", []),
        ("", []),
        ("ana@", []),
    ],
)
def test_what_a_cell_says(cell: str, addresses: list[str]) -> None:
    line = reading.read(7, cell)
    assert line.addresses == addresses
    assert bool(line.faults) is not bool(addresses), "what is no address is listed"


LISTS = {
    "an address a line": "ana@x.test\nbo@x.test\n",
    "with a header": "Email Address\nana@x.test\nbo@x.test\n",
    "other columns before it": "Name,Opt-out,Email Address\nAna,2019-03-04,ana@x.test\nBo,2020-01-01,bo@x.test\n",
    "no header and two columns": "Ana,ana@x.test\nBo,bo@x.test\n",
    "semicolons, old Macs": "Nombre;Correo\rAna;ana@x.test\rBo;bo@x.test\r",
    "Spanish, Windows": "Apellido;Correo electr\u00f3nico\r\nMu\u00f1oz;ana@x.test\r\nDahl;bo@x.test\r\n".encode(
        "cp1252"
    ),
    "packed": gzip.compress(b"ana@x.test\nbo@x.test\n"),
    "a mark and UTF-16": "Email\nana@x.test\nbo@x.test\n".encode("utf-16"),
    "written with names": 'Ana Ortiz <ana@x.test>\n"Dahl, Bo" <bo@x.test>\n',
}


@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS.keys())
def test_a_list_is_read_however_the_other_tool_wrote_it(text: str | bytes) -> None:
    job = take_in(text)
    assert (job.state, job.added, job.unreadable) == ("done", 2, 0)
    assert stopped("ANA@x.test") == stopped("bo@x.test") == {("commercial", "former_tool")}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Name\nAna\n", "suppression.without_addresses"),
        ("", "suppression.list_unreadable"),
        (b"%PDF-1.4 ana@x.test", "suppression.list_unreadable"),
    ],
)
def test_what_is_no_list_leaves_nothing(text: str | bytes, code: str, storage: Path) -> None:
    with refused(code):
        take_in(text)
    assert not SuppressionJob.objects.exists()
    assert not [path for path in storage.rglob("*") if path.is_file()]


def test_rows_that_cannot_be_read_are_listed_and_the_others_count(signed_in, storage) -> None:
    job = take_in("Email,Name\nana@x.test,Ana\nnobody,Bo\n,Cleo\ndana@x.test,Dana\n")
    assert (job.done, job.added, job.unreadable) == (4, 2, 2)
    rows = list(csv.reader("".join(suppressions.faults_csv(actor=CLI, job_id=job.pk)).splitlines()))
    assert [row[0] for row in rows] == ["Line", "3", "4"]
    page = signed_in("max").get(reverse("delivery:suppression_job", args=[job.pk])).content.decode()
    assert "Rows that were not read" in page
    assert "is not an e-mail address" in page
    assert b"nobody" not in bytes(job.sealed)


def test_the_list_itself_is_gone_when_it_is_read(storage, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        job = suppressions.list_create(
            actor=CLI, stream=io.BytesIO(b"ana@x.test\n"), name="", scope="all", reason="former_tool"
        )
    kept = b"".join(path.read_bytes() for path in storage.rglob("*") if path.is_file())
    assert kept
    assert b"ana@x.test" not in kept, "it is sealed"
    with django_capture_on_commit_callbacks(execute=True):
        suppressions.work(job.pk)
    assert not [path for path in storage.rglob("*") if path.is_file()]


# -- It only ever adds -----------------------------------------------------------------------------------------


def test_a_list_only_ever_adds() -> None:
    contacts.suppress(actor=CLI, address="ana@x.test", scope="commercial", reason="complaint")
    contacts.suppress(actor=CLI, address="bo@x.test", scope="commercial", reason="hygiene")
    contacts.suppress(actor=CLI, address="cleo@x.test", scope="all", reason="hard_bounce")
    job = take_in("ana@x.test\nbo@x.test\ncleo@x.test\n", scope="all")
    assert stopped("ana@x.test") == {("commercial", "complaint"), ("reminders", "former_tool"), ("all", "former_tool")}
    assert ("commercial", "former_tool") in stopped("bo@x.test"), "a rest would end by itself, an opt-out does not"
    assert ("all", "hard_bounce") in stopped("cleo@x.test")
    before = Suppression.objects.count()
    again = take_in("ana@x.test\nbo@x.test\n", scope="commercial")
    assert (again.added, again.known, Suppression.objects.count()) == (0, 2, before)
    assert (job.added, job.known) == (3, 0)


def test_an_opt_out_outlives_the_lifting_of_a_dead_mailbox() -> None:
    contacts.suppress(actor=CLI, address="cleo@x.test", scope="all", reason="hard_bounce")
    take_in("cleo@x.test\n", scope="all")
    dead = Suppression.objects.get(scope="all", reason="hard_bounce")
    contacts.suppression_lift(actor=MAX, suppression_id=dead.pk, reason="The mailbox works again")
    assert stopped("cleo@x.test") == {("commercial", "former_tool"), ("reminders", "former_tool")}


def test_whoever_is_imported_later_with_such_an_address_is_not_written_to(people, providers, letters) -> None:
    take_in("pat@goodmail.test\n", scope="all")
    (pat,) = people("Pat@GoodMail.test")
    delivery.enqueue(actor=CLI, items=[campaign_item(pat)])
    delivery.dispatch(actor=CLI, seconds=5, lanes=1)
    assert OutboxMessage.objects.get().reason == "suppressed"


def test_a_list_that_broke_off_goes_on_where_it_stood(monkeypatch) -> None:
    monkeypatch.setattr(suppressions, "CHUNK", 2)
    real = suppressions.suppress_many
    calls = []

    def breaking(**given):
        calls.append(given)
        if len(calls) == 2:
            raise RuntimeError
        return real(**given)

    monkeypatch.setattr(suppressions, "suppress_many", breaking)
    job = suppressions.list_create(
        actor=CLI,
        stream=io.BytesIO(b"".join(b"p%d@x.test\n" % number for number in range(5))),
        name="",
        scope="commercial",
        reason="former_tool",
    )
    suppressions.work(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.added) == ("running", 2, 2)
    assert suppressions.due(clock.now()) == [job.pk]
    suppressions.work(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.added) == ("done", 5, 5)


def test_a_canceled_list_keeps_what_it_stopped(signed_in) -> None:
    job = suppressions.list_create(
        actor=CLI, stream=io.BytesIO(b"ana@x.test\n"), name="", scope="all", reason="former_tool"
    )
    signed_in("max").post(reverse("delivery:suppression_cancel", args=[job.pk]))
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert not suppressions.work(job.pk)


def test_the_command_takes_a_list_in_and_names_the_rows(tmp_path, capsys) -> None:
    path = tmp_path / "unsubscribed.csv"
    path.write_text("Email Address,Reason\nana@x.test,left\nnobody,left\n")
    call_command("import_opt_outs", str(path), "--scope", "all", "--json")
    said = json.loads(capsys.readouterr().out)
    assert said | {"list": 0} == {
        "read": 2,
        "stopped": 1,
        "known": 0,
        "unreadable": 1,
        "list": 0,
        "rows": [{"line": 3, "reason": "is not an e-mail address"}],
    }
    call_command("import_opt_outs", str(path))
    assert "1 stopped before, 1 not read" in capsys.readouterr().out


def test_who_it_concerned_is_on_the_trail(people) -> None:
    people("pat@goodmail.test")
    take_in("pat@goodmail.test\nnobody@x.test\n", actor=MAX)
    entry = AuditEntry.objects.get(action="suppression.add")
    assert (entry.people_count, entry.actor_id, entry.codes["new"]) == (1, "3", 2)


# -- Lifting ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["unsubscribed", "complaint", "former_tool"])
def test_what_a_person_chose_is_lifted_by_their_new_consent_and_not_by_a_marketer(people, noon, reason) -> None:
    (pat,) = people("pat@goodmail.test")
    contacts.suppress(actor=CLI, address="pat@goodmail.test", scope="commercial", reason=reason)
    row = Suppression.objects.get()
    with refused("mailbox.unsubscribed"):
        contacts.suppression_lift(actor=NORA, suppression_id=row.pk, reason="We would like to")
    contacts.consent_record(
        actor=NORA, person_id=pat.id, purpose="marketing", state="granted", on=noon.date(), method="phone"
    )
    for door in (
        lambda: contacts.suppression_lift(actor=MAX, suppression_id=row.pk, reason="We would like to"),
        lambda: contacts.unsuppress(actor=MAX, person_id=pat.id, reason="We would like to"),
    ):
        with refused("suppression.not_for_your_role"):
            door()
    contacts.suppression_lift(actor=NORA, suppression_id=row.pk, reason="She agreed again")
    assert not Suppression.objects.exists()
    entry = AuditEntry.objects.get(action="suppression.lift")
    assert entry.people_count == 1


def test_what_nobody_on_record_chose_stays() -> None:
    take_in("ana@x.test\n")
    with refused("mailbox.of_nobody"):
        contacts.suppression_lift(actor=NORA, suppression_id=Suppression.objects.get().pk, reason="A mistake")


def test_a_consent_that_is_older_or_for_something_else_lifts_nothing(noon) -> None:
    stop = Stop("complaint", "commercial", noon)
    earlier, later = noon - timedelta(days=1), noon + timedelta(days=1)

    def asked(granted):
        return obstacle([stop], speaks_with_patients=True, people=[1], granted=granted)

    assert asked({"marketing": earlier}) is Obstacle.CONSENT
    assert asked({"treatment": later}) is Obstacle.CONSENT
    assert asked({"marketing": later}) is None
    assert obstacle([Stop("staff", "all", noon)], speaks_with_patients=False, people=[], granted={}) is None


@pytest.mark.parametrize("reason", ["", "  ", "x", "y" * 201])
def test_nothing_is_stopped_or_lifted_without_a_reason(reason) -> None:
    with refused("suppression.without_reason"):
        contacts.suppression_add(actor=NORA, address="ana@x.test", scope="all", note=reason)
    contacts.suppress(actor=CLI, address="ana@x.test", scope="all", reason="staff")
    with refused("suppression.without_reason"):
        contacts.suppression_lift(actor=NORA, suppression_id=Suppression.objects.get().pk, reason=reason)


# -- Pages -----------------------------------------------------------------------------------------------------


def url(name: str, *args: int) -> str:
    return reverse(f"delivery:{name}", args=args)


@pytest.mark.parametrize(
    ("who", "sees", "adds", "lists", "exports"),
    [
        ("ada", 200, 200, 200, 200),
        ("max", 200, 200, 200, 403),
        ("rita", 200, 403, 403, 403),
        ("otto", 200, 403, 403, 403),
        ("nora", 403, 200, 403, 403),
    ],
)
def test_who_may_open_what(signed_in, who, sees, adds, lists, exports) -> None:
    client = signed_in(who)
    assert client.get(url("suppressions")).status_code == sees
    assert client.get(url("suppression_new")).status_code == adds
    assert client.get(url("opt_outs_new")).status_code == lists
    assert client.get(url("suppression_export")).status_code == exports


def test_an_address_is_stopped_found_and_allowed_again(signed_in, people) -> None:
    people("pat@goodmail.test")
    client = signed_in("max")
    given = {"address": "Pat@goodmail.test", "scope": "all", "note": "Shared with an ex-husband"}
    assert client.post(url("suppression_new"), given).status_code == 302
    assert client.post(url("suppression_new"), given).status_code == 422
    row = Suppression.objects.get()
    assert (row.reason, row.source.startswith("staff:")) == ("staff", True)
    assert b"husband" not in bytes(row.note)
    page = client.post(url("suppressions"), {"address": "PAT@goodmail.test"}).content.decode()
    assert "Shared with an ex-husband" in page
    assert "pat@goodmail.test" not in page.replace('value="PAT@goodmail.test"', "").lower()
    assert "Not stopped" in client.post(url("suppressions"), {"address": "bo@x.test"}).content.decode()
    assert client.post(url("suppressions"), {"address": "bo"}).status_code == 422
    assert client.post(url("suppression_lift", row.pk), {"reason": ""}).status_code == 422
    assert client.post(url("suppression_lift", row.pk), {"reason": "A mistake"}).status_code == 302
    assert not Suppression.objects.exists()
    assert client.get(url("suppression_lift", row.pk)).status_code == 404


def test_who_may_not_lift_a_wish_is_told_so_and_offered_nothing(signed_in, people) -> None:
    people("pat@goodmail.test")
    contacts.suppress(actor=CLI, address="pat@goodmail.test", scope="commercial", reason="unsubscribed")
    lift = url("suppression_lift", Suppression.objects.get().pk)
    max_, nora = signed_in("max"), signed_in("nora")
    page = max_.get(lift).content.decode()
    assert "Only care staff and administrators lift it" in page
    assert "Allow this mail again" not in page
    assert lift not in max_.get(url("suppressions")).content.decode()
    assert "Allow this mail again" in nora.get(lift).content.decode()
    answer = max_.post(url("suppressions"), {"address": "bo"}).content.decode()
    assert "Not looked for" in answer
    assert "Not stopped" not in answer, "nobody looked, so nothing is said of it"


def test_what_somebody_asked_for_counts_as_their_wish() -> None:
    contacts.suppression_add(actor=NORA, address="ana@x.test", scope="reminders", note="He called", asked=True)
    assert stopped("ana@x.test") == {("commercial", "unsubscribed"), ("reminders", "unsubscribed")}
    with refused("address.malformed"):
        contacts.suppression_add(actor=NORA, address="ana at x", scope="all", note="He called")


def test_a_list_is_pasted_and_seen_through(signed_in) -> None:
    client = signed_in("max")
    given = {"text": "ana@x.test\nbo@x.test", "scope": "commercial", "reason": "former_tool"}
    response = client.post(url("opt_outs_new"), given)
    job = SuppressionJob.objects.get()
    assert response["Location"] == url("suppression_job", job.pk)
    assert "Stopping these addresses" in client.get(response["Location"]).content.decode()
    assert client.get(url("suppression_progress", job.pk)).status_code == 200
    suppressions.work(job.pk)
    assert client.get(url("suppression_progress", job.pk)).status_code == 204
    assert "Newly stopped" in client.get(response["Location"]).content.decode()
    assert client.post(url("opt_outs_new"), given | {"text": ""}).status_code == 422
    both = given | {"file": io.BytesIO(b"ana@x.test")}
    assert client.post(url("opt_outs_new"), both).status_code == 422
    assert client.post(url("opt_outs_new"), given | {"text": "nobody"}).status_code == 422


def test_reasons_are_chosen_and_fifty_cost_as_much_as_one(signed_in, people, questions) -> None:
    client = signed_in("otto")
    people("p0@goodmail.test")
    take_in("p0@goodmail.test\n")
    one = questions(client, url("suppressions"))
    people(*(f"p{number}@goodmail.test" for number in range(1, 50)))
    take_in("".join(f"p{number}@goodmail.test\n" for number in range(1, 60)))
    assert questions(client, url("suppressions")) == one
    page = client.get(url("suppressions"), {"reason": "complaint"}).content.decode()
    assert "Nobody on record" not in page
    first = client.get(url("suppressions"), {"reason": "former_tool"})
    assert len(first.context["rows"]) == 50
    second = client.get(url("suppressions"), {"reason": "former_tool", "after": first.context["page"].next})
    assert len(second.context["rows"]) == 10


def test_an_export_has_the_addresses_of_people_on_record(signed_in, people, storage) -> None:
    people("pat@goodmail.test")
    take_in("pat@goodmail.test\nnobody@x.test\n")
    contacts.suppress(actor=CLI, address="=cmd@x.test", scope="all", reason="complaint")
    client = signed_in("ada")
    client.post(url("suppression_export"), {"reason": "Moving house", "only": "former_tool"})
    job = SuppressionJob.objects.get(kind="export")
    assert suppressions.work(job.pk)
    kept = b"".join(path.read_bytes() for path in storage.rglob("*") if path.is_file())
    assert b"pat@goodmail.test" not in kept
    response = client.post(url("suppression_download", job.pk))
    rows = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))
    assert rows[0][0] == "Address"
    # In the order of their keyed values, which is no order to anybody.
    assert sorted(row[0] for row in rows[1:]) == ["(nobody on record)", "pat@goodmail.test"]
    assert {row[2] for row in rows[1:]} == {"Opted out in a former tool"}
    assert signed_in("max").get(url("suppression_job", job.pk)).status_code == 404
    with clock.frozen(clock.now() + timedelta(hours=25)):
        assert suppressions.files_clear(actor=CLI) == 1
    job.refresh_from_db()
    assert job.state == "gone"
    assert AuditEntry.objects.filter(action="contact.export").exists()


def test_a_lifted_dead_mailbox_is_in_question() -> None:
    contacts.suppress(actor=CLI, address="ana@x.test", scope="all", reason="hard_bounce")
    contacts.suppression_lift(actor=MAX, suppression_id=Suppression.objects.get().pk, reason="Works again")
    assert ReturnedMailbox.objects.get().reason == "dead"
