"""A father lost custody: the clinic put the mother on record, and he still has the old notices in his mailbox."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from apps.contacts.person import search_values
from apps.contacts.person.selectors import open_person
from apps.contacts.services import contact_update
from apps.core import actors
from apps.portal import services
from apps.portal.models import Conversation, PortalAccount
from tests.portal.conftest import clinic, later, letters, make_person, new_browser

pytestmark = pytest.mark.django_db
__all__ = ["clinic", "later", "letters", "new_browser"]
CLI = actors.COMMAND_LINE
HIS, HERS, BORN = "vater@goodmail.test", "mutter@goodmail.test", "2016-12-01"
PASSWORD = "nine slow green boats"


@pytest.fixture
def family(clinic: Any, noon: Any) -> SimpleNamespace:
    father = make_person("Luis", "1980-11-30", email=HIS)
    mother = make_person("Rosa", "1981-04-03", email=HERS)
    child = make_person("Nico", BORN, email="", guardian_id=father.id)
    stored = services.message_store(
        actor=CLI,
        person_id=child.id,
        record_key=child.record_key,
        mailbox=search_values.mailbox(HIS),
        guardian_id=father.id,
        content={"subject": "Shot", "sender": "", "text": "Soon.", "html": "", "level": 2, "origin": {}},
    )
    return SimpleNamespace(father=father, mother=mother, child=child, stored=stored)


def custody_changes(family: SimpleNamespace) -> None:
    profile = {**family.child.profile, "guardian_id": family.mother.id}
    contact_update(actor=CLI, person_id=family.child.id, profile=profile, version=1)
    found = open_person(actor=CLI, purpose="scene", person_id=family.child.id)
    assert found is not None
    assert found.profile["guardian_id"] == family.mother.id


def test_his_old_link_sends_him_no_code(family: Any, new_browser: Any, letters: Any) -> None:
    assert new_browser().enter(family.stored.token, BORN).status_code == 302  # as long as he is her guardian
    custody_changes(family)
    before = len(letters())
    assert new_browser().client.post(f"/portal/m/{family.stored.token}/code/").status_code == 404
    assert len(letters()) == before


def test_a_code_that_he_has_already_lets_him_in_no_more(family: Any, new_browser: Any) -> None:
    at = new_browser()
    code = at.ask(family.stored.token)
    custody_changes(family)
    assert at.prove(family.stored.token, code, BORN).status_code == 403
    assert at.open("/portal/messages/").status_code == 302


def test_nor_does_a_password_that_he_set(family: Any, new_browser: Any) -> None:
    at = new_browser()
    at.enter(family.stored.token, BORN)
    services.password_set(actor=CLI, person_id=family.child.id, session_id=0, password=PASSWORD, language="en")
    custody_changes(family)
    form = {"email": HIS, "password": PASSWORD, "year": "2016", "month": "12", "day": "1"}
    assert new_browser().client.post("/portal/sign-in/", form).status_code == 403


def test_his_open_session_ends(family: Any, new_browser: Any, later: Any) -> None:
    at = new_browser()
    at.enter(family.stored.token, BORN)
    assert at.open("/portal/messages/").status_code == 200
    custody_changes(family)
    later(seconds=20)
    assert at.open("/portal/messages/")["Location"] == "/portal/ended/"
    assert PortalAccount.objects.get(person_id=family.child.id).guardian_id == family.mother.id


def test_a_lost_link_is_not_mailed_to_him(family: Any, letters: Any) -> None:
    custody_changes(family)
    services.lost_link_ask(address=HIS, ip="192.0.2.7", language="en")
    assert services.lost_links_answer() == 0
    assert not letters()


def test_the_nurses_answer_goes_to_the_mother(family: Any, letters: Any, cast: Any) -> None:
    services.reply_send(
        actor=actors.patient(family.child.id),
        person_id=family.child.id,
        public=str(family.stored.message.public),
        text="When?",
        once=uuid4(),
    )
    custody_changes(family)
    nora = actors.staff(cast.nora.pk, cast.nora.role)
    row = Conversation.objects.get()
    services.conversation_open(actor=nora, conversation_id=row.pk)
    services.conversation_answer(actor=nora, conversation_id=row.pk, text="On Friday.", once=uuid4())
    assert [letter.mailbox for letter in letters()] == [HERS]
