"""Pages of journeys: who may open them, what they show, what the trail keeps."""

from __future__ import annotations

import pytest

from apps.audit.models import AuditEntry
from apps.journeys import selectors, services
from apps.journeys.definition import to_json
from apps.journeys.models import Journey, JourneyRun
from apps.journeys.parse import parse
from tests.journeys.conftest import CLI, activate, book, person, reminder, run_of, tick
from tests.text import without_tokens

# A tick reads the timeline below the oldest open transaction: the scenes commit.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def walked(clinic, at):
    """Four people: reminded, waiting, cancelled too late, and too late."""
    with at("2026-11-22T12:00"):
        journey = reminder()
        for name, start in (("Dana", "2026-12-10T14:30"), ("Bo", "2027-01-20T10:00"), ("Cy", "2026-11-23T10:00")):
            book(person(name), start)
    tick("2026-11-22T12:01")
    tick("2026-12-07T09:00")
    return journey


def test_the_list_shows_states_and_numbers(signed_in, walked):
    page = signed_in("max").get("/journeys/").content.decode()
    assert "Appointment reminder" in page
    assert "When an appointment is booked" in page
    assert "New journey" in page


def test_an_empty_list_says_what_journeys_are_good_for(signed_in, clinic):
    assert "No journeys yet" in signed_in("max").get("/journeys/").content.decode()


def test_a_reader_sees_no_button_that_is_not_theirs(signed_in, walked):
    client = signed_in("otto")
    page = client.get(f"/journeys/{walked.pk}/").content.decode()
    assert "Edit journey" not in page
    assert "Pause" not in page
    assert client.get(f"/journeys/{walked.pk}/edit/").status_code == 403


def test_the_flow_shows_each_step_with_its_numbers_and_every_number_opens_its_list(signed_in, walked):
    client = signed_in("max")
    page = client.get(f"/journeys/{walked.pk}/").content.decode()
    assert "Wait until 3 days before the appointment, 9:00 AM clinic time" in page
    assert f"/journeys/{walked.pk}/people/?step=s2&amp;outcome=sent" in page
    people = client.get(f"/journeys/{walked.pk}/people/?step=s2&outcome=sent").content.decode()
    assert "Step 2: sent" in people
    assert "D••• Q•••" in people
    assert "Dana" not in without_tokens(people)


def test_skipped_people_are_listed_with_the_reason(signed_in, walked):
    page = (
        signed_in("max")
        .get(f"/journeys/{walked.pk}/people/?step=s2&outcome=skipped&reason=booked_too_late")
        .content.decode()
    )
    assert "Booked too late" in page
    assert "C••• Q•••" in page


def test_looking_at_people_is_on_the_trail(signed_in, walked):
    client = signed_in("max")
    client.get(f"/journeys/{walked.pk}/people/")
    entry = AuditEntry.objects.filter(action="journey.list").latest("id")
    assert (entry.actor_id, entry.people_count) == (str(client.staff.pk), 3)


def test_one_person_s_page_tells_the_whole_way(signed_in, walked):
    run = JourneyRun.objects.get(step="s3")
    page = signed_in("nora").get(f"/journeys/{walked.pk}/people/{run.pk}/").content.decode()
    assert "Step 1: Wait until 3 days before the appointment" in page
    assert "Step 3: Wait up to 24 hours" in page


def test_a_run_of_another_journey_is_not_found(signed_in, walked, clinic):
    other = services.journey_create(actor=CLI, name="Other", definition={"trigger": {"kind": "manual"}, "steps": []})
    run = JourneyRun.objects.first()
    assert signed_in("max").get(f"/journeys/{other.pk}/people/{run.pk}/").status_code == 404


def test_pause_and_resume_from_the_page(signed_in, walked):
    client = signed_in("max")
    assert client.get(f"/journeys/{walked.pk}/pause/").status_code == 405
    client.post(f"/journeys/{walked.pk}/pause/")
    assert Journey.objects.get().state == "paused"
    page = client.post(f"/journeys/{walked.pk}/pause/", follow=True).content.decode()
    assert "This journey is not active" in page
    client.post(f"/journeys/{walked.pk}/resume/")
    assert Journey.objects.get().state == "active"
    assert signed_in("rita").post(f"/journeys/{walked.pk}/pause/").status_code == 403


def test_a_failed_run_is_tried_again_or_taken_out(signed_in, walked):
    run = run_of(JourneyRun.objects.get(step="s3").person_id)
    JourneyRun.objects.filter(pk=run.pk).update(state="failed", due_at=None, reason="step_error")
    client = signed_in("max")
    page = client.get(f"/journeys/{walked.pk}/").content.decode()
    assert "Some people stopped at an error" in page
    client.post(f"/journeys/{walked.pk}/people/{run.pk}/act/", {"do": "retry"})
    run.refresh_from_db()
    assert (run.state, run.step) == ("waiting", "s3")
    client.post(f"/journeys/{walked.pk}/people/{run.pk}/act/", {"do": "remove"})
    run.refresh_from_db()
    assert (run.state, run.reason) == ("left", "removed")


def test_versions_show_who_finishes_in_an_old_one(signed_in, walked):
    journey = selectors.by_id(walked.pk)
    data = to_json(journey.draft)
    data["steps"][0]["days"] = 2
    definition = parse(data)
    services.draft_save(actor=CLI, journey=walked, revision=walked.revision, definition=definition)
    activate(walked)
    page = signed_in("max").get(f"/journeys/{walked.pk}/versions/").content.decode()
    assert "Version 2" in page
    assert "Finishing" in page


def test_the_people_page_asks_the_same_number_of_questions_for_one_and_for_fifty(signed_in, clinic, at, questions):
    with at("2026-11-22T12:00"):
        journey = reminder()
        book(person("P0"), "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    client, path = signed_in("max"), f"/journeys/{journey.pk}/people/"
    one = questions(client, path)
    with at("2026-11-22T12:02"):
        for number in range(1, 50):
            book(person(f"P{number}"), "2026-12-10T14:30")
    tick("2026-11-22T12:03")
    assert JourneyRun.objects.count() == 50
    assert questions(client, path) == one


def test_the_answer_page_thanks_anybody_and_knows_nobody(client, clinic):
    page = client.get("/journeys/seen/")
    assert "Thank you" in page.content.decode()
    assert "502-555-0100" in page.content.decode()
    assert "Gracias" in client.get("/journeys/seen/?language=es").content.decode()
    assert not page.cookies
    assert AuditEntry.objects.filter(actor_kind="stranger").count() == 0
