"""A mail of the demo's clinic to everybody who has a visit soon, in English and Spanish: where to park."""

from __future__ import annotations

from typing import Any

NAME = "Where to park this month"

DESIGN: dict[str, Any] = {
    "subject": "Your next visit to {{ clinic.name }}",
    "preheader": "The front entrance is being rebuilt: where to park and where to come in.",
    "language": "en",
    "blocks": [
        {"id": "b1", "type": "header", "show": "name", "align": "left"},
        {"id": "b2", "type": "heading", "text": "Please use the side entrance", "level": "1", "align": "left"},
        {
            "id": "b3",
            "type": "text",
            "html": '<p>Hello {{ first_name|name|"and welcome" }}, you have a visit with us soon. Our front entrance '
            "is being rebuilt until the end of the month.</p>",
            "tone": "plain",
        },
        {
            "id": "b4",
            "type": "text",
            "html": "<p>Park behind the building, on Mill Lane. The side door is step-free and opens by itself. "
            "Please come five minutes earlier than usual.</p>",
            "tone": "plain",
        },
        {
            "id": "b5",
            "type": "text",
            "html": '<p><strong>Need a hand from the car?</strong> Call {{ clinic.phone|"us" }} when you are here, and '
            "somebody comes out to you.</p>",
            "tone": "tint",
        },
        {
            "id": "b6",
            "type": "footer",
            "reason": "You get this message because you have an appointment at {{ clinic.name }}.",
            "unsubscribe": True,
        },
    ],
    "variants": {
        "es": {
            "subject": "Su próxima visita a {{ clinic.name }}",
            "preheader": "La entrada principal está en obras: dónde estacionar y por dónde entrar.",
            "blocks": {
                "b2": {"text": "Use la entrada lateral, por favor"},
                "b3": {
                    "html": '<p>Hola, {{ first_name|name|"le damos la bienvenida" }}: pronto tiene una visita con '
                    "nosotros. Nuestra entrada principal está en obras hasta fin de mes.</p>"
                },
                "b4": {
                    "html": "<p>Estacione detrás del edificio, en Mill Lane. La puerta lateral no tiene escalones y se "
                    "abre sola. Llegue cinco minutos antes de lo habitual, por favor.</p>"
                },
                "b5": {
                    "html": "<p><strong>¿Necesita ayuda para bajar del auto?</strong> Llame al "
                    '{{ clinic.phone|"número de nuestra oficina" }} cuando llegue y alguien saldrá a ayudarle.</p>'
                },
                "b6": {"reason": "Recibe este mensaje porque tiene una cita en {{ clinic.name }}."},
            },
        }
    },
}
