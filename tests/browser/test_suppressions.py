"""Looked at: suppressions, a list that comes in, and a mailbox in question, by a marketer and a nurse."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from apps.contacts import services as contacts
from apps.contacts.models import Suppression
from apps.core import actors
from apps.delivery.suppressions import services as suppressions

SHOTS = os.environ.get("SCREENSHOTS", "")
CLI = actors.COMMAND_LINE
WINDOWS = [(1280, "light"), (1280, "dark"), (375, "light"), (375, "dark")]


@pytest.fixture
def dana(transactional_db):
    profile = {"first_name": "Dana", "last_name": "Quist", "email": "dana@goodmail.test", "relation": "patient"}
    made = contacts.contact_create(actor=CLI, profile=profile)
    contacts.suppress(actor=CLI, address="kim@goodmail.test", scope="commercial", reason="complaint")
    contacts.suppress(actor=CLI, address="dana@goodmail.test", scope="all", reason="hard_bounce")
    return made


def test_a_former_tools_opt_outs_come_in_and_a_dead_mailbox_comes_back(enter, fits, dana):
    def look(page, name: str) -> None:
        def shot(window) -> None:
            if SHOTS:
                width = window.page.viewport_size["width"]
                window.page.screenshot(path=str(Path(SHOTS) / f"{name}-{width}.png"), full_page=True)

        fits(page, WINDOWS, also=shot)

    marketer = enter("max")
    marketer.open("/delivery/suppressions/list/")
    look(marketer, "opt-outs")
    marketer.page.get_by_label("Or paste the addresses").fill("Email\nLou Stone <lou@goodmail.test>\nnobody\n")
    marketer.page.get_by_role("button", name="Stop these addresses").click()
    marketer.page.get_by_text("Stopping these addresses").wait_for()
    job = marketer.page.url.rstrip("/").rpartition("/")[2]
    suppressions.work(int(job))
    marketer.open(f"/delivery/suppressions/jobs/{job}/")
    marketer.page.get_by_text("Rows that were not read").first.wait_for()
    look(marketer, "list-done")
    marketer.open("/delivery/suppressions/")
    look(marketer, "suppressions")
    marketer.page.get_by_label("Whole e-mail address").fill("Lou@goodmail.test")
    marketer.page.get_by_role("button", name="Search").click()
    marketer.page.get_by_text("Opted out in a former tool").last.wait_for()
    nurse = enter("nora")
    dead = Suppression.objects.get(reason="hard_bounce")
    nurse.open(f"/delivery/suppressions/{dead.pk}/lift/")
    look(nurse, "lift")
    nurse.page.get_by_label("Why is it lifted?").fill("She reads there again")
    nurse.page.get_by_role("button", name="Allow this mail again").click()
    nurse.open(f"/contacts/{dana.id}/consents/")
    nurse.page.get_by_text("Mailbox in question").wait_for()
    look(nurse, "in-question")
    nurse.page.get_by_label("How do you know").fill("Asked at the desk")
    nurse.page.get_by_role("button", name="Confirm the mailbox").click()
    nurse.page.get_by_text("Mail goes to this mailbox as before").wait_for()
