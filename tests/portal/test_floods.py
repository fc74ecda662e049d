"""A patient or a stranger who writes and asks without end: capped, told kindly, and nothing written is lost."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from apps.audit.models import AuditEntry
from apps.core import actors, clock
from apps.portal import policy, services
from apps.portal.models import LostLink, Reply
from tests.portal.conftest import BORN, HOUSE, words_of, write_to
from tests.refusals import refused
from tests.text import without_tokens

pytestmark = pytest.mark.django_db


def test_replies_are_capped_by_the_hour_over_all_messages_and_the_text_stays(scene: Any) -> None:
    other = write_to(scene.rosa, subject="Another").message.public
    at = clock.now()
    with clock.frozen(at):
        scene.at.enter(scene.token, BORN["rosa"])
        for number in range(policy.REPLIES_PER_HOUR):
            public = (scene.public, other)[number % 2]
            answer = scene.at.client.post(
                f"/portal/messages/{public}/reply/", {"text": f"Text {number}", "once": str(uuid.uuid4())}
            )
            assert answer.status_code == 302
        refused = scene.at.client.post(
            f"/portal/messages/{scene.public}/reply/", {"text": "My last thought", "once": str(uuid.uuid4())}
        )
    page = refused.content.decode()
    assert refused.status_code == 422
    assert "within an hour" in page or "en una hora" in page
    assert "My last thought" in page
    assert Reply.objects.count() == policy.REPLIES_PER_HOUR
    with clock.frozen(at + timedelta(minutes=61)):
        assert services.reply_send(
            actor=actors.patient(scene.rosa.id),
            person_id=scene.rosa.id,
            public=str(scene.public),
            text="My last thought",
            once=uuid.uuid4(),
        )


def test_replies_are_capped_by_the_day_too(scene: Any) -> None:
    at = clock.now()
    who = {"actor": actors.patient(scene.rosa.id), "person_id": scene.rosa.id, "public": str(scene.public)}
    for number in range(policy.REPLIES_PER_DAY):
        with clock.frozen(at + timedelta(minutes=20 * number)):
            assert services.reply_send(**who, text=f"Text {number}", once=uuid.uuid4())
    with clock.frozen(at + timedelta(hours=12)), refused("reply.too_many_today"):
        services.reply_send(**who, text="One more", once=uuid.uuid4())


def test_lost_links_are_capped_by_the_day_for_a_mailbox_and_for_a_place(scene: Any) -> None:
    at = clock.now()
    for hour in range(10):
        with clock.frozen(at + timedelta(hours=hour * 2)):
            services.lost_link_ask(address=HOUSE, ip=f"203.0.113.{hour}", language="en")
    assert LostLink.objects.count() == policy.LIMITS["lost.day"].count
    LostLink.objects.all().delete()
    per_place = policy.LIMITS["lost.ip.day"].count
    for number in range(per_place + 20):
        with clock.frozen(at + timedelta(hours=1, minutes=10 * number)):
            services.lost_link_ask(address=f"n{number}@goodmail.test", ip="198.51.100.7", language="en")
    assert LostLink.objects.count() == per_place


def test_asking_for_a_link_is_on_the_trail_without_saying_who(scene: Any) -> None:
    services.lost_link_ask(address=HOUSE, ip="203.0.113.9", language="en")
    services.lost_link_ask(address="nobody@goodmail.test", ip="203.0.113.9", language="en")
    entries = AuditEntry.objects.filter(action="portal.ask_link")
    assert entries.count() == 2
    assert {entry.people_count for entry in entries} == {0}


def test_an_answer_with_an_expired_code_is_on_the_trail(scene: Any) -> None:
    at = clock.now()
    with clock.frozen(at):
        scene.at.client.get(f"/portal/m/{scene.token}/")
        code = scene.at.ask(scene.token)
    with clock.frozen(at + timedelta(minutes=11)):
        scene.at.prove(scene.token, code, BORN["rosa"])
    entry = AuditEntry.objects.filter(action="portal.sign_in_failed").latest("id")
    assert entry.codes == {"why": "expired"}
    assert entry.people_count == 1


def test_a_saved_draft_is_on_the_trail_once(scene: Any) -> None:
    who = {"actor": actors.patient(scene.rosa.id), "person_id": scene.rosa.id, "public": str(scene.public)}
    for _ in range(3):
        assert services.draft_save(**who, text="half a thought")
    entries = AuditEntry.objects.filter(action="secure_message.draft")
    assert entries.count() == 1
    assert entries.get().codes == {"characters": 14}


def test_the_old_mailbox_hears_of_a_new_address_and_not_which(scene: Any, letters: Any) -> None:
    from apps.contacts.services import contact_update

    profile = {**scene.rosa.profile, "email": "new@elsewhere.test"}
    contact_update(actor=actors.COMMAND_LINE, person_id=scene.rosa.id, profile=profile, version=1)
    assert services.moved_mailboxes_tell() == 1
    letter = letters()[-1]
    assert letter.mailbox == HOUSE
    text = words_of(letter)
    for secret in ("Rosa", "new@elsewhere", "mammogram", "1961"):
        assert secret not in without_tokens(text) + str(letter["Subject"])
    assert "(859) 555-0142" in text
