"""The road out: into the outbox once, past every check, to a real mail server, with the evidence kept."""

import email
import email.policy

import pytest

from apps.audit.models import AuditEntry
from apps.contacts import services as contacts
from apps.contacts.merging.services.merge import people_merge
from apps.contacts.models import TimelineEvent
from apps.core import actors, clock
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery import selectors, services
from apps.delivery.models import Attempt, MailDomain, OutboxMessage, ReadyMessage
from apps.delivery.models.outbox import MessageKind, State
from apps.delivery.outbox.services.enqueue import OutboxItem, ReadyMail
from apps.delivery.policy.routing import Held, Refusal
from apps.delivery.send import dispatcher, results
from apps.mail.tls import TlsClass

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
SYSTEM = actors.system("dispatcher")


def send():
    return services.dispatch(actor=SYSTEM, seconds=8, lanes=4)


def states():
    return {m.person_id: (m.state, m.reason or m.route) for m in OutboxMessage.objects.all()}


def test_a_message_travels_to_the_mailbox_with_its_evidence(people, providers, letters, item):
    (pat,) = people("pat@goodmail.test")
    assert services.enqueue(actor=CLI, items=[item.campaign(pat)]) == 1
    done = send()
    assert (done.sent, done.held, done.failed) == (1, 0, 0)

    (arrived,) = providers.store.all()
    message = email.message_from_bytes(arrived.raw, policy=email.policy.default)
    assert message["Subject"] == "Hello Pat0"
    assert message.get_content().replace("\r\n", "\n").startswith("Dear Pat0")
    assert "\n.\n" in message.get_content().replace("\r\n", "\n")
    assert message["Return-Path"].startswith("<bounce+")

    row = OutboxMessage.objects.get()
    assert (row.state, row.route, row.level) == ("sent", "tls", Level.HEALTH)
    opened = selectors.message_data(actor=CLI, message=row, parts=["record", "evidence"])
    (attempt,) = opened["evidence"]["attempts"]
    assert attempt["mx"] == "mx.goodmail.test"
    assert attempt["tls"]["tls_class"] == TlsClass.WEBPKI
    assert attempt["tls"]["version"] == "TLSv1.3"
    assert attempt["code"] == 250
    assert opened["record"]["to"] == "pat@goodmail.test"
    assert not Attempt.objects.exists()
    assert not ReadyMessage.objects.exists()
    assert TimelineEvent.objects.filter(person_id=pat.id).count() >= 1
    assert MailDomain.objects.get(pk="goodmail.test").tls_class == TlsClass.WEBPKI
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions.index("message.enqueue") < actions.index("contact.open") < actions.index("message.send")


def test_the_same_campaign_reaches_nobody_twice(people, providers, letters, item):
    pats = people("a@goodmail.test", "b@goodmail.test")
    items = [item.campaign(p) for p in pats]
    assert services.enqueue(actor=CLI, items=items) == 2
    assert services.enqueue(actor=CLI, items=items) == 0
    send()
    assert services.enqueue(actor=CLI, items=items) == 0
    assert len(providers.store.all()) == 2
    visit = OutboxItem(MessageKind.JOURNEY, Purpose.TREATMENT, Level.PUBLIC, pats[0].id, 3, "send-1", 1)
    assert services.enqueue(actor=CLI, items=[visit]) == 1
    assert services.enqueue(actor=CLI, items=[visit]) == 0


def test_each_mailbox_is_protected_as_it_can_or_gets_nothing(people, providers, letters, item):
    good, plain, old = people("a@goodmail.test", "b@plainmail.test", "c@oldmail.test")
    services.enqueue(actor=CLI, items=[item.campaign(p) for p in (good, plain, old)])
    done = send()
    assert (done.sent, done.held) == (1, 2)
    assert states() == {
        good.id: ("sent", "tls"),
        plain.id: ("held", "no_route"),
        old.id: ("held", "no_route"),
    }
    assert [a.mailbox for a in providers.store.all()] == ["a@goodmail.test"]


def test_somebody_who_is_no_patient_gets_a_public_letter_without_encryption(people, providers, letters, item):
    (reader,) = people("b@plainmail.test", relation="subscriber")
    services.enqueue(actor=CLI, items=[item.campaign(reader)])
    assert send().sent == 1
    letters.level = Level.HEALTH
    services.enqueue(actor=CLI, items=[item.campaign(reader, source_id=8)])
    assert send().held == 1


@pytest.mark.parametrize(
    ("profile", "purpose", "reason"),
    [
        ({"death_date": "2026-01-01"}, Purpose.TREATMENT, "deceased"),
        ({"birth_date": "2020-01-01"}, Purpose.TREATMENT, "minor"),
        ({"email": ""}, Purpose.TREATMENT, "no_address"),
        ({}, Purpose.MARKETING, "no_consent"),
    ],
)
def test_who_must_not_get_it_is_held(people, providers, letters, item, profile, purpose, reason):
    (pat,) = people("pat@goodmail.test", **profile)
    services.enqueue(actor=CLI, items=[item.campaign(pat, purpose=purpose)])
    assert send().held == 1
    assert states()[pat.id] == ("held", reason)
    assert providers.store.all() == []


def test_consent_withdrawn_after_queueing_still_counts(people, providers, letters, item):
    (pat,) = people("pat@goodmail.test")
    today = clock.now().astimezone(clock.clinic_zone()).date()
    contacts.consent_record(actor=CLI, person_id=pat.id, purpose="marketing", state="granted", on=today, method="paper")
    services.enqueue(actor=CLI, items=[item.campaign(pat, purpose=Purpose.MARKETING)])
    contacts.consent_record(actor=CLI, person_id=pat.id, purpose="marketing", state="denied", on=today, method="phone")
    assert send().held == 1
    assert states()[pat.id] == ("held", "no_consent")


def test_a_suppressed_mailbox_gets_nothing(people, providers, letters, item):
    (pat,) = people("pat@goodmail.test")
    services.enqueue(actor=CLI, items=[item.campaign(pat)])
    contacts.suppress(actor=CLI, address="PAT@goodmail.test", scope="all", reason="staff")
    send()
    assert states()[pat.id] == ("held", "suppressed")


def test_a_dead_mailbox_is_suppressed_and_others_are_only_retried(people, providers, letters, item):
    gone, full, spam, grey = people(
        "gone-1@goodmail.test", "full-1@goodmail.test", "spam-1@goodmail.test", "grey-1@goodmail.test"
    )
    services.enqueue(actor=CLI, items=[item.campaign(p) for p in (gone, full, spam, grey)])
    done = send()
    assert (done.bounced, done.failed, done.retried) == (1, 1, 2)
    assert states()[gone.id] == ("bounced", "hard")
    assert states()[spam.id] == ("failed", "policy")
    from apps.contacts.models import Suppression

    assert Suppression.objects.count() == 1
    waits = ReadyMessage.objects.order_by("not_before")
    assert [w.message.person_id for w in waits] == [grey.id, full.id]


def test_what_the_source_refuses_is_held(people, providers, letters, item):
    one, two = people("a@goodmail.test", "b@goodmail.test")
    letters.answers[one.id] = Refusal(Held.RULE_MISMATCH, "The record does not match.")
    services.enqueue(actor=CLI, items=[item.campaign(p) for p in (one, two)])
    send()
    assert states() == {one.id: ("held", "rule_mismatch"), two.id: ("sent", "tls")}


def test_pause_resume_and_stop(people, providers, letters, item):
    pats = people("a@goodmail.test", "b@goodmail.test")
    services.enqueue(actor=CLI, items=[item.campaign(p) for p in pats])
    assert services.source_pause(actor=CLI, kind=MessageKind.CAMPAIGN, source_id=7) == 2
    assert send().sent == 0
    assert services.source_resume(actor=CLI, kind=MessageKind.CAMPAIGN, source_id=7) == 2
    services.source_stop(actor=CLI, kind=MessageKind.CAMPAIGN, source_id=7)
    assert send().sent == 0
    assert {s for s, _ in states().values()} == {State.STOPPED}


@pytest.mark.parametrize(("press", "then"), [("source_pause", State.QUEUED), ("source_stop", State.STOPPED)])
def test_a_worker_sees_that_what_it_holds_was_paused(people, providers, letters, item, monkeypatch, press, then):
    """One connection has five messages in hand; somebody presses the button after the first."""
    services.enqueue(actor=CLI, items=[item.campaign(p) for p in people(*(f"p{n}@goodmail.test" for n in range(5)))])
    monkeypatch.setattr(dispatcher, "_LOOK_SECONDS", 0.0)
    write, pressed = results.write, []

    def pressing(**given):
        counts = write(**given)
        if not pressed:
            pressed.append(getattr(services, press)(actor=CLI, kind=MessageKind.CAMPAIGN, source_id=7))
        return counts

    monkeypatch.setattr(results, "write", pressing)
    done = services.dispatch(actor=SYSTEM, seconds=8, lanes=1)
    assert 0 < done.sent < 5
    assert done.sent + done.returned == 5
    assert len(providers.store.all()) == done.sent
    assert sorted(state for state, _ in states().values()) == sorted([State.SENT] * done.sent + [then] * done.returned)
    assert not Attempt.objects.exists()


def test_what_is_enqueued_into_a_paused_campaign_waits_too(people, providers, letters, item):
    services.source_pause(actor=CLI, kind=MessageKind.CAMPAIGN, source_id=7)
    (pat,) = people("a@goodmail.test")
    services.enqueue(actor=CLI, items=[item.campaign(pat)])
    assert send().sent == 0
    services.source_resume(actor=CLI, kind=MessageKind.CAMPAIGN, source_id=7)
    assert send().sent == 1


def test_an_erased_person_gets_nothing(people, providers, letters, item):
    (pat,) = people("a@goodmail.test")
    services.enqueue(actor=CLI, items=[item.campaign(pat)])
    contacts.contact_erase(actor=CLI, person_id=pat.id, reason="asked for it")
    send()
    assert states()[pat.id] == ("held", "erased")


def test_a_message_that_cannot_be_made_stops_no_other(people, providers, letters, item):
    one, two = people("a@goodmail.test", "b@goodmail.test")
    letters.answers[one.id] = Refusal(Held.MISSING_FIELD, "")
    contacts_row = OutboxItem(
        MessageKind.REPLY,
        Purpose.TREATMENT,
        Level.HEALTH,
        one.id,
        mail=ReadyMail("a@goodmail.test", b"Subject: broken\r\n", b"no content type"),
    )
    services.enqueue(actor=CLI, items=[contacts_row])
    services.enqueue(actor=CLI, items=[item.campaign(two)])
    done = send()
    assert (done.sent, done.failed) == (1, 1)


def test_finished_mail_of_djangos_own_passes_the_outbox(providers, settings):
    from django.core.mail import send_mail

    settings.EMAIL_BACKEND = "apps.delivery.outbox.email_backend.OutboxBackend"
    send_mail("Your sign-in", "Grüße\nfrom Carelane", "Carelane <desk@clinic.test>", ["ada@plainmail.test"])
    row = OutboxMessage.objects.get()
    assert (row.kind, row.stream, row.person_id) == ("account", "urgent", None)
    assert b"Carelane" not in bytes(row.content)
    assert send().sent == 1
    (arrived,) = providers.store.all()
    message = email.message_from_bytes(arrived.raw, policy=email.policy.default)
    assert message["To"] == "ada@plainmail.test"
    assert message.get_content().split() == ["Grüße", "from", "Carelane"]


def test_a_minor_is_reached_through_the_guardian(people, providers, letters, item):
    (parent,) = people("mum@goodmail.test")
    (child,) = people("kid@goodmail.test", birth_date="2020-05-05", guardian_id=parent.id)
    services.enqueue(actor=CLI, items=[item.campaign(child)])
    assert send().sent == 1
    assert [a.mailbox for a in providers.store.all()] == ["mum@goodmail.test"]


def test_a_minor_is_reached_through_the_guardian_whose_record_was_merged(people, providers, letters, item):
    mother, again = people("mum@goodmail.test", "mama@goodmail.test")
    (child,) = people("kid@goodmail.test", birth_date="2020-05-05", guardian_id=again.id)
    services.enqueue(actor=CLI, items=[item.campaign(child), item.campaign(again)])
    people_merge(actor=CLI, kept=mother.id, merged=again.id, chosen={"email": "a"})
    # What waited for the closed record does not leave; the child's copy goes to the one that stays.
    assert send().sent == 1
    assert [a.mailbox for a in providers.store.all()] == ["mum@goodmail.test"]
    states = dict(OutboxMessage.objects.values_list("person_id", "state"))
    assert states == {child.id: State.SENT, again.id: State.STOPPED}
