"""The demo's correspondence: messages that wait in the portal, replies, one answered, one "this is not me"."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from apps.contacts.models import Person
from apps.contacts.person import search_values
from apps.contacts.person.records import PersonRecord
from apps.contacts.person.selectors import open_people
from apps.core import actors, clock
from apps.core.levels import Level
from apps.portal import selectors, services
from apps.portal.models import Conversation, SecureMessage
from apps.users.models import User

ACTOR = actors.system("demo")
HOW_MANY = 8
LETTERS = (
    ("Your lab results are in", "Your results are in and all of them look fine.\n\nPlease keep taking the same dose."),
    ("Before your visit", "Please bring a photo ID and a list of your medicines.\n\nPlease come 10 minutes early."),
    ("Your referral", "We have sent the referral. The other office will call you within a week."),
    ("About your question", "Thank you for your question. Dr. Hale has looked at it and wants to see you."),
)
REPLIES = (
    "Thank you! May I bring my daughter to help me with the stairs?",
    "I have moved. Do I need a new form for the pharmacy?",
    "Is it all right to eat in the morning before the test?",
    "Could we make it the week after? I work on Mondays.",
    "Gracias. ¿Hay alguien que hable español en la recepción?",
)


def load(*, now: datetime) -> int:
    """Write the letters if there is none yet; returns how many. Some are read, some answered, the rest wait."""
    if SecureMessage.objects.exists():
        return 0
    patients = _patients(now)
    for number, person in enumerate(patients):
        with clock.frozen(now - timedelta(days=2 * (len(patients) - number), hours=number)):
            _letter(person, number)
    nora = User.objects.by_email("nora@riverbend.test")
    if nora is not None:
        _answered(actors.staff(nora.pk, nora.role), now)
    return len(patients)


def _patients(now: datetime) -> list[PersonRecord]:
    """The first adults whose mail server has no encryption: the people whom the portal is for."""
    token = search_values.mail_domain("plainmail.test")
    ids = Person.objects.filter(search__tokens__contains=[token]).order_by("pk").values_list("pk", flat=True)[:60]
    people = open_people(actor=ACTOR, purpose="demo", ids=list(ids))
    fit = [
        person
        for _, person in sorted(people.items())
        if person.relation == "patient"
        and person.birth_date
        and not (person.deceased or person.suppressions or person.is_minor(clock.clinic_day(now)))
    ]
    return fit[:HOW_MANY]


def _letter(person: PersonRecord, number: int) -> None:
    subject, text = LETTERS[number % len(LETTERS)]
    stored = services.message_store(
        actor=ACTOR,
        person_id=person.id,
        record_key=person.record_key,
        mailbox=search_values.mailbox(person.email),
        content={
            "subject": subject,
            "sender": "Riverbend Clinic",
            "text": text,
            "html": "",
            "level": int(Level.HEALTH),
            "origin": {},
        },
    )
    public = str(stored.message.public)
    if number == HOW_MANY - 1:
        link = selectors.live_link(stored.token)
        if link is not None:
            services.not_me(actor=actors.STRANGER, link=link)
    elif number < len(REPLIES):
        patient = actors.patient(person.id)
        services.message_open(actor=patient, person_id=person.id, public=public)
        with clock.frozen(clock.now() + timedelta(hours=3)):
            services.reply_send(
                actor=patient, person_id=person.id, public=public, text=REPLIES[number], once=uuid.uuid4()
            )


def _answered(nora: actors.Actor, now: datetime) -> None:
    oldest = list(Conversation.objects.order_by("pk")[:2])
    for conversation, text in zip(
        oldest,
        ("Of course. Use the side door, there are no stairs.", "Yes. You can fill it in when you come."),
        strict=False,
    ):
        with clock.frozen(now - timedelta(days=1)):
            services.conversation_open(actor=nora, conversation_id=conversation.pk)
            services.conversation_answer(actor=nora, conversation_id=conversation.pk, text=text, once=uuid.uuid4())
    if oldest:
        services.conversation_close(actor=nora, conversation_id=oldest[0].pk)
