"""The message of the benchmark: 10 kB in HTML and text, twelve merge fields, a loop, a condition, a date."""

from __future__ import annotations

from typing import Any

_PARAGRAPHS = (
    "Regular check-ups find many conditions early, when there is more that you and your care team can do about "
    "them. This autumn our clinic offers longer opening hours on Tuesdays and Thursdays.",
    "At a check-up we look at blood pressure, weight and the medicines you take, answer your questions, and plan "
    "together with you what comes next.",
    "Interpreters are there on every day of the week, at no cost. If you need a ride, call us two days before your "
    "visit; volunteers of the neighborhood drive people to the clinic and home again.",
)


def _text(number: int, html: str) -> dict[str, Any]:
    return {"id": f"t{number}", "type": "text", "html": html, "tone": "plain"}


DESIGN: dict[str, Any] = {
    "subject": "News from {{ clinic.name }}",
    "preheader": "Longer hours, new rooms, and what is planned.",
    "language": "en",
    "blocks": [
        {"id": "b2", "type": "heading", "text": "Dear {{ first_name|friend }}", "level": "1", "align": "left"},
        _text(0, f"<p>{_PARAGRAPHS[0]}</p>"),
        _text(
            5,
            "<p>This is what we know of you. Name: {{ full_name }} ({{ last_name }}). Our number: {{ mrn }}. "
            'Born: {{ birth_date|date:"long" }}. Mailbox: {{ email }}. Phone: {{ phone }}. '
            "Town: {{ city }}, {{ state }} {{ zip }}.</p>",
        ),
        _text(1, f"<p>{_PARAGRAPHS[1]}</p>"),
        {
            "id": "b4",
            "type": "condition",
            "field": "language",
            "op": "is",
            "values": ["es"],
            "then": [_text(2, "<p>Hablamos español: llámenos cuando quiera, señora o señor {{ last_name }}.</p>")],
            "otherwise": [_text(3, f"<p>{_PARAGRAPHS[2]}</p>")],
        },
        {
            "id": "b5",
            "type": "loop",
            "field": "appointments",
            "name": "visit",
            "blocks": [
                _text(6, '<p>{{ visit.start|date:"datetime" }}, {{ visit.location }}</p>'),
            ],
        },
        {
            "id": "b8",
            "type": "footer",
            "reason": "You get this because you signed an authorization with {{ clinic.name }}.",
            "unsubscribe": True,
        },
    ],
}
