"""A message never carries another person's values: whatever slips by a row is held, for every door."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from django.core.mail import EmailMessage

from apps.contacts.models import Person
from apps.content import merging
from apps.content.facts import person_facts
from apps.core import actors
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery import services
from apps.delivery.models import Attempt, OutboxMessage, ReadyMessage
from apps.delivery.models.outbox import MessageKind
from apps.delivery.outbox.email_backend import address_it, ready
from apps.delivery.outbox.services.enqueue import OutboxItem
from apps.delivery.send import binding, claiming, preparing
from apps.delivery.send.sources import Draft
from apps.mail.smtp import Mail
from tests.delivery.conftest import campaign_item, compiled

pytestmark = pytest.mark.django_db
SYSTEM = actors.system("dispatcher")
DOORS = [MessageKind.CAMPAIGN, MessageKind.JOURNEY, MessageKind.NOTICE, MessageKind.REPLY, MessageKind.ACCOUNT]


def item_of(kind: MessageKind, person, visit: int = 1) -> OutboxItem:
    if kind is MessageKind.CAMPAIGN:
        return campaign_item(person)
    if kind is MessageKind.JOURNEY:
        return OutboxItem(
            kind=kind,
            purpose=Purpose.TREATMENT,
            level=Level.PUBLIC,
            person_id=person.id,
            source_id=3,
            node="a",
            visit=visit,
        )
    message = EmailMessage(subject="Hello", body=f"For {person.profile['first_name']}")
    address_it(message, "clinic.test")
    purpose = Purpose.ACCOUNT if kind is MessageKind.ACCOUNT else Purpose.TREATMENT
    mail = ready(message, person.profile["email"])
    return OutboxItem(kind=kind, purpose=purpose, level=Level.PUBLIC, person_id=person.id, mail=mail)


def arrived(providers) -> int:
    """How many mails the providers took."""
    return sum(path.is_file() for path in providers.store.folder.glob("*/*/new/*"))


def send():
    return services.dispatch(actor=SYSTEM, seconds=5, lanes=2)


# -- The row-shift guard ---------------------------------------------------------------------------------------

ANA = {
    "first_name": "Ana",
    "last_name": "Ortiz",
    "email": "ana@goodmail.test",
    "mrn": "A-1",
    "birth_date": "1980-02-03",
    "address": {"line": "1 Elm", "city": "Akron"},
    "attributes": {"dose": "5 mg"},
}


@pytest.mark.parametrize(
    ("name", "value"),
    [("first_name", "Bo"), ("last_name", "Dahl"), ("mrn", "B-2"), ("birth_date", "1981-01-01"), ("email", "bo@x.test")],
)
def test_one_value_of_another_row_is_enough(name: str, value: str) -> None:
    facts = person_facts(ANA)
    assert binding.theirs(facts, ANA)
    assert not binding.theirs({**facts, name: value}, ANA)


def test_own_attributes_count_and_an_empty_field_filled_from_elsewhere_too() -> None:
    facts = person_facts(ANA)
    assert not binding.theirs({**facts, "attributes": {"dose": "50 mg"}}, ANA)
    assert not binding.theirs({**facts, "phone": "+15025550117"}, ANA)
    assert binding.theirs({name: value for name, value in facts.items() if name != "mrn"}, ANA)


@pytest.mark.parametrize("kind", [MessageKind.CAMPAIGN, MessageKind.JOURNEY])
@pytest.mark.parametrize("step", [1, 2])
def test_a_list_that_slipped_by_a_row_sends_nothing(people, providers, letters, kind, step) -> None:
    """Permute the values of a claim: whoever has another's values gets nothing."""
    pats = people(*(f"p{number}@goodmail.test" for number in range(4)))
    for place, pat in enumerate(pats):
        wrong = pats[(place + step) % len(pats)]
        letters.answers[pat.id] = Draft(compiled(), {"first_name": wrong.profile["first_name"]}, Level.PUBLIC)
    services.enqueue(actor=SYSTEM, items=[item_of(kind, pat, place) for place, pat in enumerate(pats, 1)])
    assert send().held == 4
    assert set(OutboxMessage.objects.values_list("state", "reason")) == {("held", "mixed_up")}
    assert arrived(providers) == 0


# -- The canary ------------------------------------------------------------------------------------------------


def test_what_sticks_from_one_copy_to_the_next_undoes_the_claim(people, providers, letters, monkeypatch) -> None:
    pats = people("p0@goodmail.test", "p1@goodmail.test")
    template = compiled()
    for pat in pats:
        letters.answers[pat.id] = Draft(template, {"first_name": pat.profile["first_name"]}, Level.PUBLIC)
    last: list[str] = []

    def sticky(compiled, facts, envelope):
        merged = merging.merge(compiled, {**facts, "first_name": last[0] if last else facts["first_name"]}, envelope)
        last[:] = [facts["first_name"]]
        return merged

    monkeypatch.setattr(preparing, "import_string", lambda path: sticky)
    services.enqueue(actor=SYSTEM, items=[campaign_item(pat) for pat in pats])
    with pytest.raises(binding.MixedUp):
        send()
    assert arrived(providers) == 0
    assert (ReadyMessage.objects.count(), Attempt.objects.count()) == (2, 0), "the claim was undone"


# -- The MAC ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DOORS)
def test_mails_that_change_places_do_not_leave(people, providers, letters, monkeypatch, kind, caplog) -> None:
    """The content of one under the address of the other, which is what a slip between two lists does."""
    pats = people("p0@goodmail.test", "p1@goodmail.test")
    services.enqueue(actor=SYSTEM, items=[item_of(kind, pat, place) for place, pat in enumerate(pats, 1)])
    real = claiming.assign

    def mixed(jobs, lanes, per_domain):
        one, other = jobs
        one.mail, other.mail = replace(one.mail, data=other.mail.data), replace(other.mail, data=one.mail.data)
        return real(jobs, lanes, per_domain)

    monkeypatch.setattr(claiming, "assign", mixed)
    send()
    assert arrived(providers) == 0
    assert set(OutboxMessage.objects.values_list("state", "reason")) == {("failed", "content")}
    assert "is not what was made for its person" in caplog.text


@pytest.mark.parametrize("kind", DOORS)
def test_a_job_with_the_mail_of_another_is_not_given_out(people, providers, letters, monkeypatch, kind) -> None:
    pats = people("p0@goodmail.test", "p1@goodmail.test")
    services.enqueue(actor=SYSTEM, items=[item_of(kind, pat, place) for place, pat in enumerate(pats, 1)])
    real = claiming.assign

    def mixed(jobs, lanes, per_domain):
        jobs[0].mail, jobs[1].mail = jobs[1].mail, jobs[0].mail
        return real(jobs, lanes, per_domain)

    monkeypatch.setattr(claiming, "assign", mixed)
    with pytest.raises(binding.MixedUp):
        send()
    assert arrived(providers) == 0
    assert ReadyMessage.objects.count() == 2


@pytest.mark.parametrize("change", ["data", "recipient", "person", "values", "message"])
def test_whatever_is_changed_is_seen(change: str) -> None:
    content = b"Subject: x\r\n\r\nAna\r\n"
    bound = binding.bind(
        message=1,
        person=2,
        recipient="ana@x.test",
        record={"slots": ["Ana"]},
        content=4,
        digest=hashlib.sha256(content).digest(),
    )
    mail = Mail("r@x.test", "ana@x.test", b"SIG:" + content, whole=bound)
    assert mail.whole is not None
    assert mail.whole(mail)
    changed = {
        "data": replace(mail, data=mail.data.replace(b"Ana", b"Bob")),
        "recipient": replace(mail, recipient="bo@x.test"),
        "person": replace(mail, whole=replace(bound, person=3)),
        "values": replace(mail, whole=replace(bound, values=b"\0" * 32)),
        "message": replace(mail, whole=replace(bound, message=9)),
    }[change]
    assert not changed.whole(changed)


@pytest.mark.parametrize("kind", [*DOORS, MessageKind.TEST])
def test_what_is_as_it_was_made_leaves_by_every_door(people, providers, letters, kind) -> None:
    if kind is MessageKind.TEST:
        services.send_test(actor=SYSTEM, address="staff@goodmail.test", level=Level.PUBLIC)
    else:
        services.enqueue(actor=SYSTEM, items=[item_of(kind, pat) for pat in people("p0@goodmail.test")])
    assert send().sent == 1


def test_finished_mail_of_somebody_else_does_not_open(people, providers, letters) -> None:
    """Sealed content of one row in another: bound to row and person by its seal."""
    pats = people("p0@goodmail.test", "p1@goodmail.test")
    services.enqueue(actor=SYSTEM, items=[item_of(MessageKind.NOTICE, pat) for pat in pats])
    one, other = OutboxMessage.objects.order_by("pk")
    OutboxMessage.objects.filter(pk=one.pk).update(content=other.content)
    send()
    one.refresh_from_db()
    assert one.state == "failed"
    assert arrived(providers) == 1
    assert Person.objects.count() == 2
