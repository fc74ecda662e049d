"""A preview with a real person in it must not be the way around "reveal, with a reason"."""

from __future__ import annotations

from typing import Any

import pytest

from apps.contacts import services as contacts
from apps.content import services
from apps.core import actors
from tests.text import without_tokens

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
SECRETS = ("dana.quist@goodmail.test", "555-0117", "MRN-77", "1960", "12 Elm Street", "gold-plan")
EVERYTHING = (
    '<p>{{ first_name }} {{ last_name }} {{ email }} {{ phone }} {{ mrn }} {{ birth_date|date:"long" }} '
    "{{ address_line }} {{ full_name }}</p>"
)


@pytest.fixture
def shown_to(signed_in: Any, noon: Any) -> Any:
    dana = contacts.contact_create(
        actor=CLI,
        profile={
            "first_name": "Dana",
            "last_name": "Quist",
            "birth_date": "1960-02-29",
            "email": "dana.quist@goodmail.test",
            "phone": "(502) 555-0117",
            "mrn": "MRN-77",
            "relation": "patient",
            "address": {"line": "12 Elm Street", "city": "Lexington"},
        },
    )
    data = {"subject": "For {{ email }}", "blocks": [{"id": "a", "type": "text", "html": EVERYTHING}]}
    mail = services.template_create(actor=CLI, name="Everything", data=data)

    def show(who: str) -> str:
        client = signed_in(who)
        client.post(f"/templates/{mail.pk}/person/", {"person": str(dana.id)})
        pages = [f"/templates/{mail.pk}/preview/", f"/templates/{mail.pk}/preview/?part=text", f"/templates/{mail.pk}/"]
        return without_tokens("".join(client.get(page).content.decode() for page in pages))

    return show


def test_a_marketer_sees_the_name_and_dots(shown_to: Any) -> None:
    page = shown_to("max")
    assert "Dana" in page
    assert "•••" in page
    assert not [secret for secret in SECRETS if secret in page]


@pytest.mark.parametrize("who", ["rita", "otto"])
def test_reviewers_and_auditors_see_initials(shown_to: Any, who: str) -> None:
    page = shown_to(who)
    assert "D•••" in page
    assert not [secret for secret in ("Dana", "Quist", *SECRETS) if secret in page]


def test_who_may_reveal_sees_the_mail_as_it_arrives(shown_to: Any) -> None:
    page = shown_to("ada")
    assert "dana.quist@goodmail.test" in page
    assert "February 29, 1960" in page
