"""What the unsubscribe page says, in English and Spanish. No medical word, no name of a list, no address."""

from __future__ import annotations

TEXTS: dict[str, dict[str, str]] = {
    "en": {
        "language": "en",
        "other": "Español",
        "language_label": "Language",
        "other_code": "es",
        "skip": "Skip to content",
        "title": "Stop these e-mails",
        "ask": "Do you want to stop newsletters and other optional e-mail to this mailbox?",
        "keeps": "You will still get messages about your own care, such as appointment reminders, "
        "and about your account.",
        "stop": "Stop these e-mails",
        "stop_all": "Stop reminders too",
        "done_title": "You are unsubscribed",
        "done": "We will not send newsletters or other optional e-mail to this mailbox any more. This is in force now.",
        "still": "Messages about your own care, such as appointment reminders, and about your account still come.",
        "reminders_title": "Reminders too?",
        "reminders_ask": "If you stop reminders, please note your appointments yourself.",
        "all_title": "All optional mail and reminders are stopped",
        "all": "We will send neither newsletters nor reminders to this mailbox any more. This is in force now.",
        "account": "Only messages about your account and answers to your own messages still come.",
        "undo": "Undo",
        "undone_title": "Undone",
        "undone": "What you chose here was undone. Everything is as it was before.",
        "late_title": "It is too late to undo this here",
        "late": "An unsubscribe can be undone for ten minutes, on the page where it was made. Nothing was changed. "
        "If you want these e-mails again, tell us, and we will note that you agreed.",
        "incomplete_title": "This link is not complete",
        "incomplete": "Its end was cut off on the way to you, so we cannot tell which mailbox it is about. "
        "Nothing was changed.",
        "incomplete_do": "Open the e-mail again and press the link there, or copy the whole address.",
        "call": "Questions? Call us: ",
    },
    "es": {
        "language": "es",
        "other": "English",
        "language_label": "Idioma",
        "other_code": "en",
        "skip": "Ir al contenido",
        "title": "Dejar de recibir estos correos",
        "ask": "¿Desea dejar de recibir boletines y otros correos opcionales en este buzón?",
        "keeps": "Seguirá recibiendo mensajes sobre su propia atención, como recordatorios de citas, "
        "y sobre su cuenta.",
        "stop": "Dejar de recibirlos",
        "stop_all": "Dejar también los recordatorios",
        "done_title": "Ha cancelado la suscripción",
        "done": "No enviaremos más boletines ni otros correos opcionales a este buzón. Ya está en vigor.",
        "still": "Seguirá recibiendo mensajes sobre su propia atención, como recordatorios de citas, "
        "y sobre su cuenta.",
        "reminders_title": "¿También los recordatorios?",
        "reminders_ask": "Si deja los recordatorios, anote usted mismo sus citas.",
        "all_title": "Se detuvieron los correos opcionales y los recordatorios",
        "all": "No enviaremos más boletines ni recordatorios a este buzón. Ya está en vigor.",
        "account": "Solo seguirá recibiendo mensajes sobre su cuenta y respuestas a sus propios mensajes.",
        "undo": "Deshacer",
        "undone_title": "Deshecho",
        "undone": "Se deshizo lo que eligió aquí. Todo está como antes.",
        "late_title": "Ya no se puede deshacer aquí",
        "late": "Una cancelación se puede deshacer durante diez minutos, en la página donde se hizo. No se cambió "
        "nada. Si desea recibir estos correos otra vez, díganoslo y anotaremos que está de acuerdo.",
        "incomplete_title": "Este enlace no está completo",
        "incomplete": "Su final se cortó en el camino, así que no sabemos de qué buzón se trata. No se cambió nada.",
        "incomplete_do": "Abra de nuevo el correo y pulse el enlace allí, o copie la dirección completa.",
        "call": "¿Preguntas? Llámenos: ",
    },
}


def texts(language: str) -> dict[str, str]:
    """The words of a language; English for one we do not speak."""
    return TEXTS.get(language, TEXTS["en"])
