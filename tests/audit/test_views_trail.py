"""The trail's pages: who may read, what they show, and that looking is itself on the trail."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connections

from apps.audit import reading, selectors, services
from apps.audit.actions import Action
from apps.audit.filters import TrailFilter
from apps.audit.models import AuditEntry, AuditReview
from apps.audit.services import reviews
from apps.contacts import services as contacts
from apps.core import actors, clock

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner", "audit", "reader"])


@pytest.fixture(autouse=True)
def own_checkpoints(settings, tmp_path):
    settings.CARELANE_CHECKPOINTS = tmp_path / "checkpoints"
    settings.AUDIT_WRITER = "audit"


@pytest.fixture
def busy(cast):
    """Max opens three people, Nora opens one of them with a reason, somebody fails to sign in."""
    max_, nora = actors.staff(cast.max.pk, "marketer"), actors.staff(cast.nora.pk, "care_staff")
    services.record_read(actor=max_, action=Action.CONTACT_OPEN, kind="person", people=[11, 12, 13], purpose="campaign")
    services.record_read(
        actor=nora, action=Action.CONTACT_REVEAL, kind="person", subject=12, people=[12], reason="She called us"
    )
    services.record(actor=actors.STRANGER, action=Action.USER_SIGN_IN_FAILED)
    return cast


def page(client, query: str = "") -> str:
    return client.get(f"/audit/{query}").content.decode()


def test_the_filter_and_the_list_call_things_by_their_names(signed_in, busy):
    services.record(actor=actors.system("beat"), action=Action.TRAIL_VERIFY)
    shown = page(signed_in("otto"))
    assert 'label="Agreement"' in shown
    assert 'label="Baa"' not in shown
    assert "The product (by schedule)" in shown
    assert "(beat)" not in shown


@pytest.mark.parametrize(("who", "status"), [("ada", 200), ("otto", 200), ("max", 403), ("rita", 403), ("nora", 403)])
def test_only_administrators_and_auditors_read_the_trail(signed_in, busy, who, status):
    client = signed_in(who)
    for path in ("/audit/", "/audit/integrity/", "/audit/reviews/"):
        assert client.get(path).status_code == status


def test_entries_are_sentences_with_names(signed_in, busy):
    text = page(signed_in("otto"))
    assert "Opened the records of 3 people for campaign" in text
    assert "Max" in text
    assert "Tried to sign in and failed" in text
    assert "Somebody not signed in" in text


def test_who_saw_this_person_is_one_question(signed_in, busy):
    client = signed_in("otto")
    text = page(client, "?person=12")
    assert "Opened the records of 3 people" in text
    assert "Revealed masked details of person 12" in text
    assert "Tried to sign in" not in text
    assert "Revealed masked details" not in page(client, "?person=11")


def test_who_looked_for_whom_is_on_the_trail_too(signed_in, busy):
    client = signed_in("otto")
    page(client, "?person=12")
    looked = AuditEntry.objects.filter(action="trail.view").latest("id")
    assert (looked.actor_id, looked.people_count) == (str(client.staff.pk), 1)
    assert "person" not in looked.codes
    assert "12" not in json.dumps(looked.codes)


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("?action=reads", "Opened the records", "Tried to sign in"),
        ("?action=writes", "Tried to sign in", "Opened the records"),
        ("?action=contact.", "Revealed masked", "Tried to sign in"),
        ("?action=user.sign_in_failed", "Tried to sign in", "Revealed masked"),
        ("?actor=stranger", "Tried to sign in", "Revealed masked"),
        ("?to=2020-01-01", "No entry matches", "Revealed masked"),
    ],
)
def test_filters(signed_in, busy, query, shown, hidden):
    text = page(signed_in("ada"), query)
    assert shown in text.split("<tbody>")[-1]
    assert hidden not in text.split("<tbody>")[-1]


def test_a_filter_that_means_nothing_keeps_what_was_typed(signed_in, busy):
    answer = signed_in("ada").get("/audit/?person=Dana&from=2026-11-01")
    assert answer.status_code == 422
    assert "A person is given by number" in answer.content.decode()
    assert 'value="2026-11-01"' in answer.content.decode()


def test_one_entry_shows_the_reason_and_the_people(signed_in, busy):
    client = signed_in("otto")
    entry = AuditEntry.objects.get(action="contact.reveal")
    text = client.get(f"/audit/entries/{entry.pk}/").content.decode()
    assert "She called us" in text
    assert "?person=12" in text
    assert client.get("/audit/entries/99999999/").status_code == 404


def test_the_export_is_filtered_safe_and_on_the_trail(signed_in, busy):
    client = signed_in("otto")
    assert client.get("/audit/export/").status_code == 405
    answer = client.post("/audit/export/", {"format": "csv", "action": "contact."})
    lines = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [line["action"] for line in lines] == ["contact.open", "contact.reveal"]
    assert lines[0]["actor"] == "Max"
    exported = AuditEntry.objects.get(action="trail.export")
    assert (exported.codes["entries"], exported.codes["format"]) == (2, "csv")
    assert signed_in("max").post("/audit/export/", {"format": "csv"}).status_code == 403


def test_the_command_writes_the_same_file(busy, tmp_path, capsys):
    path = tmp_path / "trail.jsonl"
    call_command("audit_export", str(path), "--person", "12", "--json")
    told = json.loads(capsys.readouterr().out)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert told == {"entries": 2, "ok": True, "first_bad": None, "file": str(path), "format": "jsonl"}
    assert [row["action"] for row in rows] == ["contact.open", "contact.reveal"]
    assert path.stat().st_mode & 0o077 == 0


def test_the_command_says_that_what_it_wrote_was_altered(busy, tmp_path, capsys):
    reviews.trail_verify(actor=actors.COMMAND_LINE)
    victim = AuditEntry.objects.get(action="contact.reveal")
    with connections["owner"].cursor() as cursor:
        cursor.execute("UPDATE audit_auditentry SET actor_id = '999' WHERE id = %s", [victim.pk])
    path = tmp_path / "trail.csv"
    with pytest.raises(SystemExit) as stop:
        call_command("audit_export", str(path), "--json")
    told = json.loads(capsys.readouterr().out)
    assert (stop.value.code, told["ok"], told["first_bad"]) == (1, False, victim.pk)
    assert path.exists()


@pytest.mark.parametrize(("arguments", "code"), [(["x.pdf"], 2), (["x.csv", "--person", "Dana"], 1)])
def test_the_command_says_what_is_wrong(busy, arguments, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        call_command("audit_export", *arguments)
    assert stop.value.code == code


def test_integrity_page_tells_and_verifies(signed_in, busy):
    client = signed_in("otto")
    assert "Never verified" in client.get("/audit/integrity/").content.decode()
    text = client.post("/audit/integrity/verify/", follow=True).content.decode()
    assert "Every entry is as it was written" in text


def test_a_broken_trail_is_told_on_every_page_of_it(signed_in, busy):
    reviews.trail_verify(actor=actors.COMMAND_LINE)
    victim = AuditEntry.objects.get(action="contact.reveal")
    with connections["owner"].cursor() as cursor:
        cursor.execute("UPDATE audit_auditentry SET actor_id = '999' WHERE id = %s", [victim.pk])
    client = signed_in("otto")
    client.post("/audit/integrity/verify/")
    assert f"entry {victim.pk}" in client.get("/audit/integrity/").content.decode()
    assert "The trail is not whole" in page(client)


def test_a_review_is_recorded_once_and_for_ever(signed_in, busy):
    client = signed_in("otto")
    assert "A review is due" in client.get("/audit/reviews/").content.decode()
    today = clock.now().astimezone(clock.clinic_zone()).date().isoformat()
    wrong = client.post("/audit/reviews/", {"first": today, "last": today, "outcome": "incident", "note": ""})
    assert wrong.status_code == 422
    assert "Write down what is to be followed up" in wrong.content.decode()
    client.post("/audit/reviews/", {"first": today, "last": today, "outcome": "follow_up", "note": "Ask Max why"})
    review = AuditReview.objects.get()
    assert (review.reviewer_id, review.outcome) == (str(client.staff.pk), "follow_up")
    assert review.entries >= 3
    assert b"Ask Max" not in bytes(review.note)
    text = client.get("/audit/reviews/").content.decode()
    assert "Ask Max why" in text
    assert "A review is due" not in text
    assert AuditEntry.objects.filter(action="trail.review").count() == 1
    with pytest.raises(ProgrammingError, match="permission denied"):
        AuditReview.objects.update(outcome="nothing")


def test_pages_follow_by_key(signed_in, busy):
    for number in range(60):
        services.record(
            actor=actors.COMMAND_LINE, action=Action.TRAIL_VERIFY, kind="trail", codes={"ok": True, "n": number}
        )
    client = signed_in("ada")
    first = client.get("/audit/?actor=command&action=trail.verify")
    following = first.context["page"].next
    assert following
    second = client.get("/audit/", {"actor": "command", "action": "trail.verify", "after": following})
    assert len(second.context["lines"]) == 10


def store(person: int, message: int) -> None:
    services.record(
        actor=actors.system("portal route"),
        action=Action.SECURE_MESSAGE_STORE,
        kind="secure_message",
        subject=message,
        people=[person],
        codes={"level": 2},
    )


def test_a_batch_of_equal_entries_is_one_line_that_opens(signed_in, busy):
    for number in range(70):
        store(1000 + number, number)
    client = signed_in("otto")
    answer = client.get("/audit/")
    text = answer.content.decode()
    assert text.count("into the portal for") == 1
    assert "70 times" in text
    assert "Tried to sign in and failed" in text  # what lay below the flood is on the first page
    line = next(line for line in answer.context["lines"] if line.count > 1)
    assert (line.count, line.people) == (70, 70)
    one_by_one = client.get(f"/audit/?entries={line.run}").content.decode()
    assert one_by_one.count("into the portal for") == 50
    assert "Back to the folded trail" in one_by_one
    assert "Put message 33 into the portal" in page(client, "?person=1033")


def test_parts_that_work_side_by_side_do_not_break_each_others_lines(signed_in, busy):
    for number in range(20):
        store(1000 + number, number)
        services.record(actor=actors.system("receiver"), action=Action.MAIL_RECEIVE, subject=number, people=[number])
    client = signed_in("otto")
    text = page(client)
    assert text.count("20 times") == 2
    run = next(line.run for line in client.get("/audit/").context["lines"] if line.row.action == "mail.receive")
    assert page(client, f"?entries={run}").split("<tbody>")[-1].count("Received mail") == 20
    assert "into the portal for" not in page(client, f"?entries={run}").split("<tbody>")[-1]


def test_the_order_in_which_a_person_acted_stays(signed_in, busy):
    nora = actors.staff(busy.nora.pk, "care_staff")
    for number in range(3):
        services.record(actor=nora, action=Action.CONTACT_OPEN, kind="person", subject=number, people=[number])
        services.record(actor=nora, action=Action.CONTACT_EXPORT, people=[number])
    assert page(signed_in("otto"), f"?actor=staff:{busy.nora.pk}&action=contact.").count("Exported 1 person") == 3


def test_what_is_worth_a_look_is_never_folded_away(signed_in, busy):
    nora = actors.staff(busy.nora.pk, "care_staff")
    for number in range(4):
        services.record(actor=nora, action=Action.CONTACT_REVEAL, people=[number], reason=f"Reason {number}")
        services.record(actor=actors.COMMAND_LINE, action=Action.TRAIL_VERIFY, codes={"ok": number != 2})
    text = page(signed_in("otto"), "?action=contact.reveal")
    assert text.count("Revealed masked details") == 5
    verified = page(signed_in("otto"), "?action=trail.verify")
    assert verified.count("Verified the audit trail") == 4


def test_pages_of_folded_lines_lose_and_repeat_nothing(signed_in, busy, monkeypatch):
    monkeypatch.setattr(reading, "LINES", 4)
    for number in range(30):
        if number % 10:
            store(number, number)
        else:
            services.record(actor=actors.COMMAND_LINE, action=Action.TRAIL_VERIFY, codes={"n": number})
    client = signed_in("ada")
    seen, cursor, cursors = [], "", []
    while True:
        answer = client.get("/audit/", {"after": cursor, "to": "2100-01-01", "actor": ""})
        listed = [entry.pk for entry in answer.context["page"].items if entry.action != "trail.view"]
        seen.append(listed)
        cursor = answer.context["page"].next
        cursors.append(answer.context["page"].previous)
        if not cursor:
            break
    everything = [pk for listed in seen for pk in listed]
    kept = AuditEntry.objects.exclude(action="trail.view").order_by("-pk").values_list("pk", flat=True)
    assert everything == list(kept)
    back = client.get("/audit/", {"after": cursors[-1], "to": "2100-01-01", "actor": ""})
    assert back.context["page"].items[-1].pk == seen[-2][-1]


def test_an_auditor_asks_who_saw_somebody_by_record_number(signed_in, busy):
    dana = contacts.contact_create(
        actor=actors.COMMAND_LINE, profile={"first_name": "Dana", "last_name": "Whitfield", "mrn": "MRN-4711"}
    )
    contacts.contact_create(actor=actors.COMMAND_LINE, profile={"first_name": "Dana", "last_name": "Quist"})
    client = signed_in("otto")
    found = client.post("/audit/", {"sought": "MRN-4711", "action": "writes"})
    text = found.content.decode()
    assert f"Person {dana.id}" in text
    assert "Quist" not in text
    assert "Whitfield" not in text  # an auditor sees initials, as everywhere
    searched = AuditEntry.objects.filter(action="contact.search").latest("id")
    assert (searched.actor_id, searched.people_count) == (str(client.staff.pk), 1)
    trail = client.get(f"/audit/?action=writes&person={dana.id}").content.decode()
    assert "D••• W•••" in trail
    assert "Added 1 person" in trail or f"Added person {dana.id}" in trail
    both = client.post("/audit/", {"sought": "Dana"}).content.decode()
    assert both.count("D•••") == 2
    assert "Nobody matches" in client.post("/audit/", {"sought": "Zebulon"}).content.decode()


def test_whoever_was_erased_is_found_by_number(signed_in, busy):
    answer = signed_in("otto").post("/audit/", {"sought": "12", "action": "contact."})
    assert answer.url == "/audit/?action=contact.&person=12"


def test_a_day_is_a_day_of_the_clinic(signed_in, busy):
    evening = datetime(2026, 11, 3, 2, 30, tzinfo=UTC)  # 9:30 PM on November 2 in New York
    with clock.frozen(evening):
        services.record(actor=actors.STRANGER, action=Action.PORTAL_ASK_LINK)
    client = signed_in("ada")
    assert "Asked for a new portal link" in page(client, "?from=2026-11-02&to=2026-11-02")
    assert "Eastern time" in page(client)
    assert "Asked for a new portal link" not in page(client, "?from=2026-11-03&to=2026-11-03").split("<tbody>")[-1]


def test_the_trail_page_asks_the_same_number_of_questions_for_one_and_for_fifty(signed_in, busy, questions):
    def opens(people: range) -> None:
        for number in people:
            services.record(actor=actors.staff(busy.max.pk, "marketer"), action=Action.CONTACT_OPEN, people=[number])

    client = signed_in("ada")
    opens(range(1))
    one = questions(client, "/audit/?action=contact.open")
    opens(range(1, 50))
    assert questions(client, "/audit/?action=contact.open") == one
    assert len(selectors.rows(list(selectors.entries(TrailFilter())[:50]))) == 50
