"""Looked at: the report of list hygiene, and an answer by mail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from apps.contacts import services as contacts
from apps.contacts.person import search_values
from apps.contacts.services import suppress_many
from apps.core import actors
from apps.delivery import services
from apps.delivery.models import HygieneFinding, HygieneRun, InboundMail
from apps.delivery.returns import services as inbound
from apps.organizations.services import organization_change

SHOTS = os.environ.get("SCREENSHOTS", "")
CLI = actors.COMMAND_LINE


@pytest.fixture
def clinic(transactional_db):
    organization_change(actor=CLI, name="Harbor Street Clinic")
    services.settings_change(actor=CLI, version=0, sending_domain="clinic.test", bounce_domain="bounce.clinic.test")
    made = [
        contacts.contact_create(
            actor=CLI, profile={"first_name": first, "last_name": last, "email": email, "relation": "patient"}
        )
        for first, last, email in (
            ("Dana", "Quist", "dana@goodmail.test"),
            ("Kim", "Lee", "kim@gmial.com"),
            ("Reception", "Desk", "info@goodmail.test"),
            ("Lou", "Stone", "lou@mailinator.com"),
        )
    ]
    head = b"From: Dana Quist <dana@goodmail.test>\r\nSubject: My visit on Tuesday\r\n\r\n"
    raw = head + b"Can I come at 4 instead?\r\n\r\nDana\r\n"
    inbound.mail_receive(actor=CLI, recipient="care@clinic.test", raw=raw)
    run = services.clean_list(actor=CLI)
    HygieneFinding.objects.create(run=run, person_id=made[0].id, flag="unengaged", rested=True)
    HygieneRun.objects.filter(pk=run.pk).update(counts={**run.counts, "unengaged": 1, "rested": 1})
    suppress_many(
        actor=CLI, mailboxes=[search_values.mailbox("dana@goodmail.test")], scope="commercial", reason="hygiene"
    )
    return made


def shot(page, name: str) -> None:
    if SHOTS:
        page.page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def test_the_report_and_the_answers(enter, axe, clinic):
    mail = InboundMail.objects.get()
    for width, scheme in ((1280, "light"), (375, "dark")):
        ada = enter("ada", width=width, scheme=scheme)
        for name, path in (
            ("hygiene-silent", "/delivery/list/?flag=unengaged"),
            ("hygiene-typo", "/delivery/list/?flag=typo"),
            ("mail-list", "/delivery/mail/"),
            ("mail", f"/delivery/mail/{mail.pk}/"),
        ):
            ada.open(path)
            axe(ada)
            ada.no_overflow()
            shot(ada, f"{name}-{width}-{scheme}")
    ada.page.get_by_role("button", name="Mark as answered").click()
    ada.page.get_by_text("Nothing waits").wait_for()
    shot(ada, "mail-done")
