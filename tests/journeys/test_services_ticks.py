"""Beat ticks, people move: the reminder from booking to its end, on a real database."""

from __future__ import annotations

import threading
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction

from apps.audit.models import AuditEntry
from apps.contacts import services as contacts
from apps.contacts.models import TimelineEvent
from apps.contacts.services import NewEvent
from apps.core import clock
from apps.journeys import services
from apps.journeys.models import Journey, JourneyCount, JourneyRun, JourneyStepVisit
from tests.journeys.conftest import BEAT, CLI, book, local, outbox, person, reminder, run_of, tick, trail

pytestmark = pytest.mark.django_db(transaction=True)


def sent() -> list[tuple[int, str]]:
    return [(message.person_id, message.node) for message in outbox()]


def signal(person_id: int, kind: str, message) -> None:
    event = NewEvent(
        person_id,
        f"message.{kind}",
        clock.now().astimezone(clock.clinic_zone()).date(),
        f"{kind}:{message.pk}",
        {"message": message.pk},
    )
    contacts.events_record(actor=CLI, events=[event])


def test_dana_books_is_reminded_three_days_before_and_once_more(clinic, at):
    with at("2026-11-22T12:00"):
        reminder()
        dana = person()
        book(dana, "2026-12-10T14:30")
    assert tick("2026-11-22T12:01").entered == 1
    assert run_of(dana).due_at == local("2026-12-07T09:00")
    assert tick("2026-12-07T08:59").sent == 0
    assert tick("2026-12-07T09:00").sent == 1
    assert tick("2026-12-07T09:01").sent == 0
    assert sent() == [(dana, "s2")]
    result = tick("2026-12-08T09:00")
    assert (result.sent, result.finished) == (1, 1)
    assert sent() == [(dana, "s2"), (dana, "s4")]
    assert trail(run_of(dana)) == [
        ("s1", "done", "", 1),
        ("s2", "sent", "", 1),
        ("s3", "no", "timeout", 1),
        ("s4", "sent", "", 1),
    ]


@pytest.mark.parametrize("kind", ["clicked", "read"])
def test_she_answers_and_gets_no_second_reminder(clinic, at, kind):
    with at("2026-11-22T12:00"):
        reminder()
        dana = person()
        book(dana, "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    tick("2026-12-07T09:00")
    with at("2026-12-07T11:00"):
        signal(dana, kind, outbox()[0])
    result = tick("2026-12-07T11:01")
    assert (result.finished, result.sent) == (1, 0)
    assert trail(run_of(dana))[-1] == ("s3", "yes", "signal", 1)
    assert tick("2026-12-08T09:00").sent == 0


def test_a_click_on_somebody_elses_message_changes_nothing(clinic, at):
    with at("2026-11-22T12:00"):
        reminder()
        dana, bo = person(), person("Bo")
        book(dana, "2026-12-10T14:30")
        book(bo, "2026-12-10T15:00")
    tick("2026-11-22T12:01")
    tick("2026-12-07T09:00")
    with at("2026-12-07T11:00"):
        signal(bo, "clicked", next(message for message in outbox() if message.person_id == dana))
    assert tick("2026-12-07T11:01").finished == 0


def test_moved_restarts_the_wait_and_a_second_round_may_send_again(clinic, at):
    with at("2026-11-22T12:00"):
        reminder()
        dana = person()
        appointment = book(dana, "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    tick("2026-12-07T09:00")
    with at("2026-12-07T12:00"):
        contacts.appointment_move(actor=CLI, appointment_id=appointment, start=local("2026-12-20T10:00"))
    tick("2026-12-07T12:01")
    run = run_of(dana)
    assert (run.round, run.step, run.due_at, run.sent) == (2, "s1", local("2026-12-17T09:00"), [])
    assert tick("2026-12-17T09:00").sent == 1
    assert sent() == [(dana, "s2"), (dana, "s2")]
    assert outbox()[0].visit != outbox()[1].visit


def test_a_finished_reminder_starts_over_when_the_appointment_moves(clinic, at):
    with at("2026-11-22T12:00"):
        reminder()
        dana = person()
        appointment = book(dana, "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    tick("2026-12-07T09:00")
    tick("2026-12-08T09:00")
    assert run_of(dana).state == "finished"
    with at("2026-12-09T12:00"):
        contacts.appointment_move(actor=CLI, appointment_id=appointment, start=local("2027-01-20T10:00"))
    tick("2026-12-09T12:01")
    assert (run_of(dana).state, run_of(dana).round) == ("waiting", 2)


def test_cancelled_exits_at_once_and_says_why(clinic, at):
    with at("2026-11-22T12:00"):
        reminder()
        dana = person()
        appointment = book(dana, "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    with at("2026-11-23T12:00"):
        contacts.appointment_cancel(actor=CLI, appointment_id=appointment)
    assert tick("2026-11-23T12:01").left == 1
    run = run_of(dana)
    assert (run.state, run.reason, run.due_at) == ("left", "appointment.cancelled", None)
    assert tick("2026-12-07T09:00").sent == 0


def test_cancelled_between_two_ticks_is_seen_at_the_moment_of_sending(clinic, at, monkeypatch):
    """Even if the event has not been read yet, the record decides."""
    with at("2026-11-22T12:00"):
        reminder()
        dana = person()
        appointment = book(dana, "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    with at("2026-12-07T08:59"):
        contacts.appointment_cancel(actor=CLI, appointment_id=appointment)
    monkeypatch.setattr(services.ticks.intake, "read_timeline", lambda **_given: [])
    result = tick("2026-12-07T09:00")
    assert (result.sent, result.left) == (0, 1)
    assert run_of(dana).reason == "appointment.cancelled"


def test_booked_and_cancelled_before_the_tick_never_waits(clinic, at):
    with at("2026-11-22T12:00"):
        reminder()
        dana = person()
        contacts.appointment_cancel(actor=CLI, appointment_id=book(dana, "2026-12-10T14:30"))
    tick("2026-11-22T12:01")
    assert (run_of(dana).state, run_of(dana).reason) == ("left", "appointment.cancelled")


@pytest.mark.parametrize(
    ("booked", "letters", "reason"),
    [("2026-12-08T15:00", 1, "late_at_once"), ("2026-12-10T09:00", 0, "booked_too_late")],
)
def test_booked_too_late_for_the_first_step(clinic, at, booked, letters, reason):
    with at("2026-11-22T12:00"):
        reminder()
        dana = person()
    with at(booked):
        book(dana, "2026-12-10T14:30")
    assert tick(booked).sent == letters
    assert trail(run_of(dana))[0][2] == reason


def test_two_appointments_are_two_runs(clinic, at):
    with at("2026-11-22T12:00"):
        reminder()
        dana = person()
        book(dana, "2026-12-10T14:30")
        book(dana, "2026-12-17T14:30")
    assert tick("2026-11-22T12:01").entered == 2
    assert JourneyRun.objects.filter(person_id=dana).count() == 2


def test_ticking_twice_at_the_same_moment_does_nothing_twice(clinic, at):
    with at("2026-11-22T12:00"):
        reminder()
        book(person(), "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    tick("2026-12-07T09:00")
    again = tick("2026-12-07T09:00")
    assert (again.entered, again.steps, again.sent) == (0, 0, 0)
    assert len(outbox()) == 1


def test_the_database_lets_no_step_happen_twice_in_a_round(clinic, at):
    with at("2026-11-22T12:00"):
        reminder()
        dana = person()
        book(dana, "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    run = run_of(dana)
    JourneyStepVisit.objects.create(run=run, step="s2", round=1, outcome="sent")
    result = tick("2026-12-07T09:00")
    assert (result.sent, result.failed) == (0, 1)
    run.refresh_from_db()
    assert (run.state, run.step, run.reason) == ("failed", "s1", "step_error")
    assert outbox() == []


def test_one_broken_run_does_not_hold_up_the_others(clinic, at):
    with at("2026-11-22T12:00"):
        reminder()
        dana, bo = person(), person("Bo")
        book(dana, "2026-12-10T14:30")
        book(bo, "2026-12-10T15:30")
    tick("2026-11-22T12:01")
    JourneyStepVisit.objects.create(run=run_of(dana), step="s2", round=1, outcome="sent")
    result = tick("2026-12-07T09:00")
    assert (result.sent, result.failed) == (1, 1)
    assert sent() == [(bo, "s2")]


@pytest.mark.parametrize("guard", ["deceased", "erased"])
def test_who_died_or_was_erased_leaves_at_the_next_tick_not_when_due(clinic, at, guard):
    with at("2026-11-22T12:00"):
        reminder()
        dana = person()
        book(dana, "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    with at("2026-11-25T12:00"):
        if guard == "deceased":
            profile = {"first_name": "Dana", "last_name": "Quist", "death_date": "2026-11-24"}
            contacts.contact_update(actor=CLI, person_id=dana, profile=profile, version=1)
        else:
            contacts.contact_erase(actor=CLI, person_id=dana, reason="asked for it")
    assert tick("2026-11-25T12:01").left == 1
    assert (run_of(dana).state, run_of(dana).reason) == ("left", guard)


def test_a_suppressed_mailbox_leaves_with_the_reason(clinic, at):
    with at("2026-11-22T12:00"):
        reminder()
        dana = person()
        book(dana, "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    contacts.suppress(actor=CLI, address="dana@goodmail.test", scope="all", reason="hard_bounce")
    result = tick("2026-12-07T09:00")
    assert (result.sent, result.left) == (0, 1)
    assert run_of(dana).reason == "suppressed"


def test_paused_keeps_every_place_and_reads_what_happened_when_it_goes_on(clinic, at):
    with at("2026-11-22T12:00"):
        journey = reminder()
        dana, bo = person(), person("Bo")
        book(dana, "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    services.journey_pause(actor=CLI, journey=journey)
    with at("2026-12-01T12:00"):
        book(bo, "2026-12-12T14:30")
    assert tick("2026-12-07T09:00").steps == 0
    services.journey_resume(actor=CLI, journey=journey)
    result = tick("2026-12-07T10:00")
    assert (result.entered, result.sent) == (1, 1)
    assert run_of(bo).step == "s1"


def test_numbers_commit_out_of_order_and_nobody_is_missed(clinic, at):
    """A booking whose transaction is open while a later one commits is read when it commits."""
    with at("2026-11-22T12:00"):
        reminder()
        dana, bo = person(), person("Bo")
    inserted, go_on = threading.Event(), threading.Event()

    def slow_booking() -> None:
        try:
            with clock.frozen(local("2026-11-22T12:00")), transaction.atomic():
                book(dana, "2026-12-10T14:30")
                inserted.set()
                assert go_on.wait(10)
        finally:
            connection.close()

    slow = threading.Thread(target=slow_booking)
    slow.start()
    assert inserted.wait(10)
    with at("2026-11-22T12:00"):
        book(bo, "2026-12-10T15:30")
    assert tick("2026-11-22T12:01").entered == 0  # Bo's row is above the oldest open transaction
    go_on.set()
    slow.join()
    assert tick("2026-11-22T12:02").entered == 2


def test_counts_are_kept_with_the_visits(clinic, at):
    with at("2026-11-22T12:00"):
        journey = reminder()
        for name in ("Dana", "Bo", "Cy"):
            book(person(name), "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    tick("2026-12-07T09:00")
    counts = {(row.step, row.outcome, row.reason): row.count for row in JourneyCount.objects.filter(journey=journey)}
    assert counts["", "entered", ""] == 3
    assert counts["s2", "sent", ""] == 3


def test_a_tick_opens_people_with_a_trace_and_writes_one_entry(clinic, at):
    with at("2026-11-22T12:00"):
        reminder()
        book(person(), "2026-12-10T14:30")
    before = AuditEntry.objects.count()
    tick("2026-11-22T12:01")
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))[before:]
    assert actions.count("journey.advance") == 1
    assert set(actions) == {"contact.open", "journey.advance"}


def test_a_quiet_tick_leaves_no_trace(clinic, at):
    with at("2026-11-22T12:00"):
        reminder()
    before = AuditEntry.objects.count()
    tick("2026-11-22T12:05")
    assert AuditEntry.objects.count() == before


def test_two_workers_share_the_due_runs_and_none_walks_twice(clinic, at):
    with at("2026-11-22T12:00"):
        reminder()
        for number in range(40):
            book(person(f"P{number}"), "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    results: list[services.TickResult] = []

    def work() -> None:
        try:
            results.append(services.tick(actor=BEAT, now=local("2026-12-07T09:00")))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    tick("2026-12-07T09:00")
    assert len(outbox()) == 40
    assert len({message.visit for message in outbox()}) == 40


def test_a_database_restored_elsewhere_goes_on_where_it_was(clinic, at):
    """The new cluster counts transactions from the beginning; nobody comes in twice and nobody is forgotten."""
    with at("2026-11-22T12:00"):
        reminder()
        read, unread = person("Read"), person("Unread")
        book(read, "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    TimelineEvent.objects.update(transaction=9_000_000)
    Journey.objects.update(seen_transaction=9_000_005)
    with at("2026-11-22T12:02"):
        book(unread, "2026-12-10T14:30")
    TimelineEvent.objects.filter(person_id=unread).update(transaction=9_000_006)
    tick("2026-11-22T12:03")
    tick("2026-11-22T12:04")
    assert {run.person_id for run in JourneyRun.objects.all()} == {read, unread}
    assert run_of(read).round == 1
    assert TimelineEvent.objects.filter(transaction__gt=8_000_000).count() == 0


def test_a_reminder_of_a_visit_elsewhere_goes_by_the_clock_of_that_place(clinic, at):
    with at("2026-11-22T12:00"):
        reminder()
        dana = person()
        start = datetime(2026, 12, 10, 14, 30, tzinfo=ZoneInfo("America/Los_Angeles"))
        contacts.appointment_book(actor=CLI, person_id=dana, start=start, kind="Check-up")
    assert tick("2026-11-22T12:01").entered == 1
    assert run_of(dana).due_at == datetime(2026, 12, 7, 9, tzinfo=ZoneInfo("America/Los_Angeles"))
