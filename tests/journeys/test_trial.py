"""One invented person walks on paper: what would happen when."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from apps.journeys import presets, simulate
from apps.journeys.engine import prepare
from apps.journeys.models import JourneyRun, JourneyStepVisit
from apps.journeys.parse import parse
from tests.journeys.conftest import LOUISVILLE, local, outbox, reminder

PLAN = prepare(parse(presets.APPOINTMENT_REMINDER_JOURNEY.definition))
BASE = simulate.Scenario(
    start=local("2026-11-22T12:00"), zone=LOUISVILLE, dates={"appointment.start": local("2026-12-10T14:30")}
)


def told(scenario: simulate.Scenario, plan=PLAN) -> list[tuple[str, str, str, str]]:
    """(clinic time, kind, step, outcome or reason) of every line."""
    return [
        (line.at.astimezone(LOUISVILLE).strftime("%m-%d %H:%M"), line.kind, line.step, line.outcome or line.reason)
        for line in simulate.walk_through(plan, scenario)
    ]


def test_who_says_nothing_gets_a_second_reminder_a_day_later():
    assert told(BASE) == [
        ("11-22 12:00", "entered", "", ""),
        ("11-22 12:00", "waits", "s1", ""),
        ("12-07 09:00", "step", "s1", "done"),
        ("12-07 09:00", "step", "s2", "sent"),
        ("12-07 09:00", "waits", "s3", ""),
        ("12-08 09:00", "step", "s3", "no"),
        ("12-08 09:00", "step", "s4", "sent"),
        ("12-08 09:00", "ended", "", "finished"),
    ]


def test_who_clicks_after_two_hours_gets_one():
    lines = told(replace(BASE, answer="clicked", after=timedelta(hours=2)))
    assert lines[-3:] == [
        ("12-07 11:00", "answer", "s2", "clicked"),
        ("12-07 11:00", "step", "s3", "yes"),
        ("12-07 11:00", "ended", "", "finished"),
    ]


def test_an_answer_that_comes_too_late_changes_nothing():
    assert ("12-08 09:00", "step", "s4", "sent") in told(replace(BASE, answer="clicked", after=timedelta(hours=25)))


def test_a_canceled_visit_ends_it_before_anything_is_sent():
    lines = told(replace(BASE, event="appointment.cancelled", event_after=timedelta(days=5)))
    assert lines[-1] == ("11-27 12:00", "ended", "", "left")
    assert not any(outcome == "sent" for *_, outcome in lines)


def test_conditions_are_answered_as_supposed():
    plan = prepare(
        parse(
            {
                "trigger": {"kind": "appointment"},
                "steps": [
                    {"id": "s1", "type": "send", "template": "A"},
                    {"id": "s2", "type": "wait", "amount": 2, "unit": "days"},
                    {
                        "id": "s3",
                        "type": "condition",
                        "rule": {"message": "", "signal": "any"},
                        "then": [{"id": "s4", "type": "exit"}],
                        "otherwise": [
                            {
                                "id": "s5",
                                "type": "condition",
                                "rule": {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "F"}]},
                                "then": [{"id": "s6", "type": "send", "template": "B"}],
                            }
                        ],
                    },
                ],
            }
        )
    )
    read = told(replace(BASE, answer="read", after=timedelta(hours=30)), plan)
    assert ("11-24 12:00", "step", "s3", "yes") in read
    silent = told(replace(BASE, says={"s5": False}), plan)
    assert [step for _, kind, step, _ in silent if kind == "step"] == ["s1", "s2", "s3", "s5"]
    assert ("11-24 12:00", "step", "s6", "sent") in told(BASE, plan)


@pytest.mark.django_db(transaction=True)
def test_a_marketer_tries_a_journey_and_nothing_is_stored(clinic, at, signed_in):
    with at("2026-11-22T12:00"):
        journey = reminder()
        client = signed_in("max")
        page = client.get(f"/journeys/{journey.pk}/try/").content.decode()
        assert "Nov 22, 2026, 12:00 PM" in page
        assert "Send “Appointment reminder, second”" in page
        assert "2 messages" in page
        waits = page.split('<ol class="timeline">')[1].split("</ol>")[0]
        assert waits.count("Step 1: ") == waits.count("Step 3: ") == 1, "a wait is told once, with what came of it"
        assert "no answer in time" in waits
        answered = client.get(
            f"/journeys/{journey.pk}/try/",
            {
                "start_date": "2026-11-22",
                "start_time": "12:00",
                "appointment-start_date": "2026-12-10",
                "appointment-start_time": "14:30",
                "answer": "clicked",
                "hours": "2",
                "event": "-",
                "event_days": "0",
            },
        ).content.decode()
        assert "Clicks in “Appointment reminder”" in answered
        assert "1 message" in answered
        assert "Dec 7, 2026, 11:00 AM" in answered
        far = {
            "appointment-start_date": "2026-12-10",
            "appointment-start_time": "14:30",
            "place": "America/Los_Angeles",
        }
        start = {"start_date": "2026-11-22", "start_time": "12:00", "answer": "clicked", "hours": "2", "event": "-"}
        asked = {**start, **far, "event_days": "0"}
        there = client.get(f"/journeys/{journey.pk}/try/", asked).content.decode().replace("\u00a0", " ")
        assert "Dec 7, 2026, 12:00 PM" in there, "9:00 at the clock of the appointment's place"
        assert "(9:00 AM Pacific time)" in there
        assert "On the clock chosen below" in there
        wrong = client.get(f"/journeys/{journey.pk}/try/", {"start_date": "soon"})
        assert wrong.status_code == 422
        assert client.post(f"/journeys/{journey.pk}/try/").status_code == 405
    assert not JourneyRun.objects.exists()
    assert not JourneyStepVisit.objects.exists()
    assert outbox() == []


@pytest.mark.parametrize("start", ["9999-12-30", "9998-06-01", "0001-01-01"])
@pytest.mark.django_db(transaction=True)
def test_a_day_beyond_every_journey_is_refused_with_a_sentence(clinic, at, signed_in, start):
    with at("2026-11-20T09:00"):
        journey = reminder()
        days = {"start_date": start, "start_time": "00:00"}
        visit = {"appointment-start_date": "2026-12-10", "appointment-start_time": "14:30"}
        rest = {"answer": "clicked", "hours": "2", "event": "-", "event_days": "730"}
        answer = signed_in("max").get(f"/journeys/{journey.pk}/try/", {**days, **visit, **rest})
        assert answer.status_code == 422
        assert "Choose a day between 1900 and 2999." in answer.content.decode()
