"""A journey reads like a set of sentences."""

from __future__ import annotations

import pytest

from apps.journeys import ready, sentences
from apps.journeys.definition import RUN_EVENTS, walk
from apps.journeys.engine import Reason
from apps.journeys.reading import parse
from tests.journeys.test_definition import journey

REMINDER = parse(ready.APPOINTMENT_REMINDER_JOURNEY.definition)


def test_the_reminder_reads_as_a_person_would_say_it():
    assert sentences.trigger(REMINDER.trigger) == "When an appointment is booked"
    assert [sentences.step(place.step).title for place in walk(REMINDER)] == [
        "Wait until 3 days before the appointment, 9:00 AM clinic time",
        "Send “Appointment reminder”",
        "Wait up to 24 hours for a click or a read in the portal",
        "Send “Appointment reminder, second”",
    ]
    assert sentences.rules_of(REMINDER) == [
        "Each appointment walks on its own.",
        "It starts over when the appointment is moved.",
        "It ends when the appointment is canceled.",
    ]


def test_branches_are_labeled():
    words = sentences.step(REMINDER.steps[2])
    assert (words.yes, words.no) == ("Clicked or read", "Not within 24 hours")


def test_late_booking_is_explained():
    assert "more than 24 hours remain until the appointment" in sentences.step(REMINDER.steps[0]).line


@pytest.mark.parametrize(
    ("step", "title"),
    [
        ({"type": "wait", "amount": 1, "unit": "days"}, "Wait 1 day"),
        ({"type": "wait", "amount": 90, "unit": "minutes"}, "Wait 90 minutes"),
        ({"type": "send"}, "Send a message (choose a template)"),
        ({"type": "exit"}, "Leave the journey"),
        ({"type": "condition"}, "Ask something about the person"),
        (
            {"type": "wait_until", "field": "birth_date", "days": 0, "at": "12:30"},
            "Wait until the day of birth date, 12:30 PM clinic time",
        ),
    ],
)
def test_each_kind_of_step_has_words(step, title):
    assert sentences.step(parse(journey({"id": "s1"} | step)).steps[0]).title == title


def test_no_reason_is_shown_as_code():
    for code in [*Reason, *RUN_EVENTS]:
        assert str(code) in sentences.REASONS
        assert "_" not in sentences.reason(str(code))
