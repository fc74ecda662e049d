"""Ready-made journeys: data for the general engine, nothing the editor could not make. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

APPOINTMENT_REMINDER = "Appointment reminder"
SECOND_REMINDER = "Appointment reminder, second"


@dataclass(frozen=True, slots=True)
class ReadyTemplate:
    """A template a ready-made journey sends: a shipped starter, with other words where a block has them."""

    name: str
    starter: str
    subject: str = ""
    preheader: str = ""
    heading: str = ""
    text: str = ""
    answer: str = ""

    def data(self, design: dict[str, Any], answer_url: str) -> dict[str, Any]:
        """The starter's blocks JSON with this template's subject, first heading and first text.

        ``answer`` labels a button before the second heading: the click the journey waits for.
        """
        changed = json.loads(json.dumps(design))
        changed["subject"] = self.subject or changed["subject"]
        changed["preheader"] = self.preheader or changed.get("preheader", "")
        for kind, name, words in (("heading", "text", self.heading), ("text", "html", self.text)):
            block = next((block for block in changed["blocks"] if block["type"] == kind), None)
            if block is not None and words:
                block[name] = words
        if self.answer:
            headings = [index for index, block in enumerate(changed["blocks"]) if block["type"] == "heading"]
            button = {"id": "banswer", "type": "button", "label": self.answer, "url": answer_url, "align": "left"}
            changed["blocks"].insert((headings + [len(changed["blocks"])] * 2)[1], button)
        return changed


@dataclass(frozen=True, slots=True)
class ReadyJourney:
    """A journey somebody can start from: a name, what it is good for, and its definition as JSON."""

    name: str
    about: str
    definition: dict[str, Any]
    templates: tuple[ReadyTemplate, ...] = ()


APPOINTMENT_REMINDER_JOURNEY = ReadyJourney(
    name=APPOINTMENT_REMINDER,
    about="Reminds three days before the visit, and once more if there is no answer within a day.",
    templates=(
        ReadyTemplate(APPOINTMENT_REMINDER, "appointment_reminder", answer="I have seen this"),
        ReadyTemplate(
            SECOND_REMINDER,
            "appointment_reminder",
            subject="Once more: a reminder from {{ clinic.name }}",
            preheader="We have not heard from you yet.",
            heading="Your visit is coming up, {{ first_name|name|there }}",
            text="<p>We wrote to you yesterday about this appointment. If you plan to come, there is nothing to do. "
            "If you cannot, please call us, so that somebody else can have the time.</p>",
            answer="I have seen this",
        ),
    ),
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
