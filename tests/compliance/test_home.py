"""What the home page hears from the register and from the receiver."""

from __future__ import annotations

import pytest
from django.utils import timezone

from apps.compliance import home, services
from apps.core import actors, clock
from apps.delivery import home as delivery_home
from apps.delivery.returns.staff import ANSWERS_BY_MAIL

pytestmark = pytest.mark.django_db


def test_a_vendor_without_an_agreement_is_a_problem_for_those_who_may_see_it(cast):
    services.vendor_create(actor=actors.COMMAND_LINE, facts={"name": "Relay Example"}, kind="relay")
    (item,) = home.problems(cast.ada, clock.now())
    assert item.tone == "bad"
    assert "Relay Example" in item.title
    assert item.url.startswith("/compliance/vendors/")
    assert [*home.problems(cast.otto, clock.now())]
    assert [*home.problems(cast.max, clock.now())] == []


def test_the_status_page_hears_of_a_receiver_that_is_away(settings, tmp_path):
    settings.INBOUND_LMTP = str(tmp_path / "nobody.sock")
    *_, check = delivery_home.checks(timezone.now())
    assert check.state == "down"
    settings.INBOUND_LMTP = settings.INBOUND_SMTP = ""
    *_, check = delivery_home.checks(timezone.now())
    assert check.state == "warning"


def test_nobody_waits_without_answers(cast):
    assert [*ANSWERS_BY_MAIL.lines(cast.nora.role)] == []
