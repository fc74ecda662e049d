"""A journey reads like a set of describe."""

from __future__ import annotations

import pytest

from apps.journeys import describe, presets
from apps.journeys.definition import walk
from apps.journeys.parse import parse
from apps.journeys.protocol import Labels, Reason
from apps.journeys.vocabulary import RUN_EVENTS
from tests.journeys.test_definition import journey

REMINDER = parse(presets.APPOINTMENT_REMINDER_JOURNEY.definition)


def test_the_reminder_reads_as_a_person_would_say_it():
    assert describe.trigger(REMINDER.trigger) == "When an appointment is booked"
    assert [place.step.words(Labels()).title for place in walk(REMINDER)] == [
        "Wait until 3 days before the appointment, 9:00 AM clinic time",
        "Send “Appointment reminder”",
        "Wait up to 24 hours for a click or a read in the portal",
        "Send “Appointment reminder, second”",
    ]
    assert describe.rules_of(REMINDER) == [
        "Each appointment walks on its own.",
        "It starts over when the appointment is moved.",
        "It ends when the appointment is canceled.",
    ]


def test_branches_are_labeled():
    words = REMINDER.steps[2].words(Labels())
    assert words.branches == {"then": "Clicked or read", "otherwise": "Not within 24 hours"}


def test_late_booking_is_explained():
    assert "more than 24 hours remain until the appointment" in REMINDER.steps[0].words(Labels()).line


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
    assert parse(journey({"id": "s1"} | step)).steps[0].words(Labels()).title == title


def test_no_reason_is_shown_as_code():
    for code in [*Reason, *RUN_EVENTS]:
        assert str(code) in describe.REASONS
        assert "_" not in describe.reason(str(code))
