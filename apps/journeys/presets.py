"""Ready-made journeys: data for the general engine, nothing the editor could not make. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

APPOINTMENT_REMINDER = "Appointment reminder"
SECOND_REMINDER = "Appointment reminder, second"


@dataclass(frozen=True, slots=True)
class Words:
    """What a ready-made template says in one language; "" keeps what the starter says."""

    answer: str
    subject: str = ""
    preheader: str = ""
    heading: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class PresetTemplate:
    """A template a ready-made journey sends: a shipped starter, with other words where it has them.

    ``words`` by language: the starter's main language and any of those it has besides.
    """

    name: str
    starter: str
    words: Mapping[str, Words]

    def data(self, design: dict[str, Any], answer_url: str) -> dict[str, Any]:
        """The starter's blocks JSON with this template's subject, first heading, first text and answer button.

        The button takes the place of the starter's own and stands before the second heading: it is the click that the
        journey waits for. Its link names the language, because it leads to a page that speaks it.
        """
        changed: dict[str, Any] = json.loads(json.dumps(design))
        blocks = [block for block in changed["blocks"] if block["type"] != "button"]
        headings = [index for index, block in enumerate(blocks) if block["type"] == "heading"]
        answer = {"id": "banswer", "type": "button", "label": "", "url": answer_url, "align": "left"}
        blocks.insert((headings + [len(blocks)] * 2)[1], answer)
        changed["blocks"] = blocks
        first = {kind: next(block for block in blocks if block["type"] == kind) for kind in ("heading", "text")}
        for language, words in self.words.items():
            main = language == changed["language"]
            target = changed if main else changed["variants"][language]
            target["subject"] = words.subject or target["subject"]
            target["preheader"] = words.preheader or target.get("preheader", "")
            link = answer_url if main else f"{answer_url}?language={language}"
            own = {"banswer": {"label": words.answer, "url": link}}
            own |= {first["heading"]["id"]: {"text": words.heading}} if words.heading else {}
            own |= {first["text"]["id"]: {"html": words.text}} if words.text else {}
            for block_id, values in own.items():
                if main:
                    next(block for block in blocks if block["id"] == block_id).update(values)
                else:
                    target["blocks"][block_id] = values
        return changed


@dataclass(frozen=True, slots=True)
class Preset:
    """A journey somebody can start from: a name, what it is good for, and its definition as JSON."""

    name: str
    about: str
    definition: dict[str, Any]
    templates: tuple[PresetTemplate, ...] = ()


APPOINTMENT_REMINDER_JOURNEY = Preset(
    name=APPOINTMENT_REMINDER,
    about="Reminds three days before the visit, and once more if there is no answer within a day.",
    templates=(
        PresetTemplate(
            APPOINTMENT_REMINDER,
            "appointment_reminder",
            {"en": Words("I have seen this"), "es": Words("Ya lo he visto")},
        ),
        PresetTemplate(
            SECOND_REMINDER,
            "appointment_reminder",
            {
                "en": Words(
                    answer="I have seen this",
                    subject="Once more: a reminder from {{ clinic.name }}",
                    preheader="We have not heard from you yet.",
                    heading="Your visit is coming up, {{ first_name|name|there }}",
                    text="<p>We wrote to you yesterday about this appointment. If you plan to come, there is nothing "
                    "to do. If you cannot, please call us, so that somebody else can have the time.</p>",
                ),
                "es": Words(
                    answer="Ya lo he visto",
                    subject="Una vez más: un recordatorio de {{ clinic.name }}",
                    preheader="Todavía no hemos sabido de usted.",
                    heading='Su visita se acerca, {{ first_name|name|"le esperamos" }}',
                    text="<p>Ayer le escribimos sobre esta cita. Si piensa venir, no tiene que hacer nada. Si no "
                    "puede, llámenos por favor, para que otra persona pueda usar su hora.</p>",
                ),
            },
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

PRESETS: tuple[Preset, ...] = (APPOINTMENT_REMINDER_JOURNEY,)
