"""Ready-made journeys: data for the general engine, nothing the editor could not make. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

APPOINTMENT_REMINDER = "Appointment reminder"
SECOND_REMINDER = "Appointment reminder, second"


@dataclass(frozen=True, slots=True)
class ReadyJourney:
    """A journey somebody can start from: a name, what it is good for, and its definition as JSON."""

    name: str
    about: str
    definition: dict[str, Any]


APPOINTMENT_REMINDER_JOURNEY = ReadyJourney(
    name=APPOINTMENT_REMINDER,
    about="Reminds three days before the visit, and once more if there is no answer within a day.",
    definition={
        "format": 1,
        "trigger": {"kind": "appointment"},
        "key": "appointment",
        "reentry": "after_exit",
        "restart_on": ["appointment.moved"],
        "exit_on": ["appointment.cancelled"],
        "steps": [
            {
                "id": "s1",
                "type": "wait_until",
                "field": "appointment.start",
                "days": 3,
                "direction": "before",
                "at": "09:00",
                "late_hours": 24,
            },
            {
                "id": "s2",
                "type": "send",
                "template": APPOINTMENT_REMINDER,
                "purpose": "treatment",
                "sender": "",
                "before": "appointment.start",
            },
            {
                "id": "s3",
                "type": "wait_for",
                "signals": ["clicked", "read"],
                "of": "s2",
                "amount": 24,
                "unit": "hours",
                "then": [],
                "otherwise": [
                    {
                        "id": "s4",
                        "type": "send",
                        "template": SECOND_REMINDER,
                        "purpose": "treatment",
                        "sender": "",
                        "before": "appointment.start",
                    }
                ],
            },
        ],
    },
)

READY: tuple[ReadyJourney, ...] = (APPOINTMENT_REMINDER_JOURNEY,)
