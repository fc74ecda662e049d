"""Dana presses "Unsubscribe" in a mail: one page, no sign-in, no script needed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from apps.contacts import services as contacts
from apps.contacts.models import Suppression
from apps.contacts.person import search_values
from apps.core import actors
from apps.organizations.services import organization_change
from apps.tracking import links
from tests import sizes

SHOTS = os.environ.get("SCREENSHOTS", "")


@pytest.fixture
def address(transactional_db) -> str:
    organization_change(
        actor=actors.COMMAND_LINE,
        name="Harbor Street Clinic",
        phone="(555) 555-0100",
        postal_address="12 Harbor Street, Springfield",
    )
    dana = contacts.contact_create(
        actor=actors.COMMAND_LINE, profile={"first_name": "Dana", "email": "dana@goodmail.test"}
    )
    url = links.unsubscribe_url(mailbox=search_values.mailbox("dana@goodmail.test"), person=dana.id, message=7)
    return "/r/u/" + url.rpartition("/")[2]


def shot(page, name: str) -> None:
    if SHOTS:
        page.page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


@pytest.mark.proof
@sizes.some(("width", "scheme"), [(1280, "light"), (375, "dark"), (320, "light")], sample=[2])
def test_dana_stops_optional_mail_and_undoes_it(visits, axe, address, width, scheme):
    page = visits(width=width, scheme=scheme)
    page.open(address)
    page.no_overflow()
    axe(page)
    shot(page, f"unsubscribe-ask-{width}-{scheme}")
    page.get_by_role("button", name="Stop these e-mails").click()
    page.get_by_role("heading", name="You are unsubscribed").wait_for()
    axe(page)
    shot(page, f"unsubscribe-done-{width}-{scheme}")
    assert set(Suppression.objects.values_list("scope", flat=True)) == {"commercial"}
    page.get_by_role("button", name="Stop reminders too").click()
    page.get_by_role("heading", name="All optional mail and reminders are stopped").wait_for()
    assert Suppression.objects.count() == 2
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("heading", name="Undone").wait_for()
    assert Suppression.objects.count() == 0


def test_in_spanish(page, axe, address):
    page.open(address + "?language=es")
    axe(page)
    shot(page, "unsubscribe-es")
    page.get_by_role("button", name="Dejar de recibirlos").click()
    page.get_by_role("heading", name="Ha cancelado la suscripción").wait_for()
    assert Suppression.objects.count() == 1


def test_a_broken_link_says_what_to_do(page, axe):
    page.open("/r/c/" + "A" * 40)
    page.get_by_role("heading", name="This link does not work").wait_for()
    axe(page)
    shot(page, "link-gone")
