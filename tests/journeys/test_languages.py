"""The ready-made reminder for people who read Spanish: every text, and how staff see which language went out."""

from __future__ import annotations

import json

import pytest

from apps.content import services as content
from apps.content import variants
from apps.content.merging import merge, render
from apps.content.selectors import template_named
from apps.core import clock
from apps.delivery.models import OutboxMessage
from apps.delivery.send.sources import Draft
from apps.journeys import outgoing, selectors
from apps.mail.compiled import Envelope
from tests.journeys.conftest import CLI, activate, book, local, outbox, person, reminder, tick
from tests.journeys.test_outgoing import asked
from tests.text import without_tokens

pytestmark = pytest.mark.django_db(transaction=True)


def mail(draft: Draft):
    """The draft as its reader sees it."""
    envelope = Envelope(
        to_address="x@goodmail.test",
        date=local("2026-12-07T09:01"),
        message_id="m@clinic.test",
        zone=draft.zone,
        list_unsubscribe_url=draft.list_unsubscribe_url,
        portal_url=draft.portal_url,
    )
    return render(merge(draft.compiled, draft.facts, envelope).message)


@pytest.fixture
def two(clinic, at):
    """Ana reads Spanish, Dana English; both got the first reminder and said nothing, so the second went out too."""
    with at("2026-11-22T12:00"):
        journey = reminder()
        for name, language in (("Ana", "es"), ("Dana", "en")):
            book(person(name, language=language), "2026-12-10T14:30", provider="Dr. Ng", location="Room 4")
    tick("2026-11-22T12:01")
    tick("2026-12-07T09:00")
    tick("2026-12-08T09:00")
    return journey


def test_the_ready_made_reminder_is_spanish_for_a_spanish_reader_and_english_for_the_others(two):
    drafts = {message.pk: (message, asked(message)) for message in outbox()}
    read = {(m.person_id, m.node): mail(draft) for m, draft in drafts.values()}
    (ana, dana) = sorted({person_id for person_id, _ in read})
    assert [read[ana, step].subject for step in ("s2", "s4")] == [
        "Un recordatorio de Harbor Clinic",
        "Una vez más: un recordatorio de Harbor Clinic",
    ]
    assert "10 de diciembre" in read[ana, "s2"].html
    assert "Ya lo he visto" in read[ana, "s2"].html
    assert "seen/?language=es" in read[ana, "s2"].text
    assert "Darse de baja" in read[ana, "s4"].html
    for word in ("appointment", "Please", "I have seen", "When", "Unsubscribe"):
        assert word not in without_tokens(read[ana, "s2"].html + read[ana, "s4"].html)
    assert read[dana, "s2"].subject == "A reminder from Harbor Clinic"
    assert "I have seen this" in read[dana, "s4"].html
    assert "language=es" not in read[dana, "s4"].text


def test_a_translation_with_a_gap_falls_back_to_the_main_language_whole(clinic, at):
    with at("2026-11-22T12:00"):
        journey = reminder()
        template = template_named("Appointment reminder")

        def without_heading(data):
            changed = json.loads(json.dumps(data))
            del changed["variants"]["es"]["blocks"]["b2"]
            return changed

        content.template_save(actor=CLI, template_id=template.pk, version=None, edit=without_heading)
        content.template_publish(actor=CLI, template_id=template.pk)
        activate(journey)
        book(person("Ana", language="es"), "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    tick("2026-12-07T09:00")
    (message,) = outbox()
    assert mail(asked(message)).subject == "A reminder from Harbor Clinic"
    journey.refresh_from_db()
    node = selectors.nodes(selectors.opened(journey).active, messages=journey.version.messages())[1]
    assert node.speaks == "English only; Spanish readers get English too"


def test_staff_see_which_language_went_out(two, signed_in):
    with clock.frozen(local("2026-12-08T10:00")):
        for message in outbox():
            draft = asked(message)
            OutboxMessage.objects.filter(pk=message.pk).update(
                state="sent", route="tls", skeleton_id=draft.skeleton_id, finished_at=clock.now()
            )
        assert outgoing.languages_sent(two.pk) == {"s2": {"es": 1, "en": 1}, "s4": {"es": 1, "en": 1}}
        client = signed_in("max")
        page = client.get(f"/journeys/{two.pk}/").content.decode()
        assert "English and Spanish" in page
        assert "left in Spanish" in page
        found = client.get(f"/journeys/{two.pk}/people/?step=s2&outcome=sent&language=es").content.decode()
        assert "A•••" in found
        assert "D•••" not in found
        assert "Step 2: sent in Spanish" in found
        ana = next(m for m in outbox() if m.person_id == min(x.person_id for x in outbox()))
        run = two.runs.get(person_id=ana.person_id)
        assert "Sent in Spanish" in client.get(f"/journeys/{two.pk}/people/{run.pk}/").content.decode()


def test_the_flow_tells_what_did_not_leave_and_its_numbers_add_up(two, signed_in):
    """Of two messages of a step one left and one was held: the tile says one, and the other has a list of its own."""
    with clock.frozen(local("2026-12-08T10:00")):
        first, second, *_ = outbox()
        draft = asked(first)
        OutboxMessage.objects.filter(pk=first.pk).update(
            state="sent", route="tls", skeleton_id=draft.skeleton_id, finished_at=clock.now()
        )
        OutboxMessage.objects.filter(pk=second.pk).update(state="held", reason="suppressed")
        assert {each.node for each in (first, second)} == {"s2"}
        numbers = selectors.figures(two)
        assert (numbers.sent, numbers.not_left) == (1, {"s2": 1})
        client = signed_in("max")
        page = " ".join(client.get(f"/journeys/{two.pk}/").content.decode().split())
        assert "<strong>2</strong> to send" in page
        assert "<strong>1</strong> did not leave" in page
        found = client.get(f"/journeys/{two.pk}/people/?step=s2&outcome=sent&language=none").content.decode()
        assert "Step 2: did not leave" in found
        assert f"/people/{two.runs.get(person_id=second.person_id).pk}/" in found
        assert f"/people/{two.runs.get(person_id=first.person_id).pk}/" not in found


def test_the_texts_of_the_ready_made_journey_are_complete_in_both_languages(clinic):
    reminder()
    for name in ("Appointment reminder", "Appointment reminder, second"):
        template = template_named(name)
        design = template.versions.get(number=template.published).design
        assert variants.ready(design) == ["es"], variants.missing(design, "es")
