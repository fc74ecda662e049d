"""A patient passes one of our messages on, and somebody else answers it: staff see that it may not be the patient."""

from __future__ import annotations

from typing import Any

import pytest

from apps.contacts import services as contacts
from apps.core import actors
from apps.delivery.models import InboundMail
from apps.mail import return_paths
from apps.vault import keys
from tests.delivery.conftest import people
from tests.delivery.test_inbound import ADDRESS, BOUNCES, domain, letter, sent, take

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("strangers_in_process")]
__all__ = ["domain", "people", "sent"]
WARNING = "This may be somebody else."


def page_of(signed_in: Any, sent: Any, sender: str) -> str:
    take(return_paths.address("reply", sent.row.pk, BOUNCES, keys.ring().link), letter(sender=sender))
    mail = InboundMail.objects.latest("pk")
    return str(signed_in("nora").get(f"/delivery/mail/{mail.pk}/").content.decode())


@pytest.mark.parametrize("sender", ["ex@elsewhere.test", "", "nobody", f"{ADDRESS}.evil.test", "<>", '"'])
def test_an_answer_from_elsewhere_is_not_taken_for_hers(sent: Any, signed_in: Any, sender: str) -> None:
    page = page_of(signed_in, sent, sender)
    assert WARNING in page
    assert "from another mailbox than the one on record" in page


@pytest.mark.parametrize("sender", [ADDRESS, ADDRESS.upper()])
def test_her_own_is(sent: Any, signed_in: Any, sender: str) -> None:
    assert WARNING not in page_of(signed_in, sent, sender)


def test_so_is_her_guardians_and_nobodys_once_she_has_no_mailbox(sent: Any, signed_in: Any) -> None:
    mother = contacts.contact_create(actor=actors.COMMAND_LINE, profile={"email": "mother@goodmail.test"})
    profile = {**sent.dana.profile, "guardian_id": mother.id, "email": ""}
    contacts.contact_update(actor=actors.COMMAND_LINE, person_id=sent.dana.id, profile=profile, version=1)
    assert WARNING not in page_of(signed_in, sent, "mother@goodmail.test")
    assert WARNING in page_of(signed_in, sent, "")
    assert WARNING in page_of(signed_in, sent, ADDRESS)
