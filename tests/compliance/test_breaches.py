"""A vendor breaks its agreement: nothing goes there until that is cured, or the agreement has ended."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from apps.compliance import selectors, services
from apps.compliance.models import MaterialBreach
from apps.compliance.services import breaches
from apps.core import clock
from tests.compliance.test_services import CLI, agree, folder, relay, sign  # noqa: F401
from tests.refusals import refused

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 20)


@pytest.fixture
def broken(relay):  # noqa: F811
    """A relay with an agreement in force, and a breach found yesterday."""
    sign(agree(relay))
    assert selectors.baa_in_force(relay)
    return breaches.breach_open(
        actor=CLI,
        vendor_id=relay.pk,
        what="Mail of patients was kept in a shared folder.",
        steps="Remove it, and tell us who saw it.",
        found=TODAY - timedelta(days=1),
    )


def test_an_open_breach_counts_as_no_agreement_and_says_so(broken):
    assert not selectors.baa_in_force(broken.vendor)
    assert selectors.baa_in_force(broken.vendor, TODAY - timedelta(days=2)), "before it was known it counted"
    assert [row.standing for row in selectors.vendor_rows()] == ["baa_breached"]
    assert "has not cured that" in selectors.reminders()[0].words
    assert b"shared folder" not in bytes(broken.sealed)


def test_delivery_holds_health_information_for_that_relay(broken):
    from apps.delivery import selectors as delivery

    assert not delivery.baa_in_force(broken.vendor_id)


def test_a_breach_is_not_closed_without_a_cure_or_an_end(broken):
    for code, wrong in (
        ("breach.without_outcome", {"ending": "", "words": "x"}),
        ("breach.without_outcome", {"ending": "forgotten", "words": "x"}),
        ("breach.without_evidence", {"ending": "cured", "words": " "}),
    ):
        with refused(code):
            breaches.breach_close(actor=CLI, breach_id=broken.pk, on=TODAY, **wrong)
    with refused("vendor.agreement_in_force"):
        breaches.breach_close(actor=CLI, breach_id=broken.pk, on=TODAY, ending="terminated", words="We left.")
    assert MaterialBreach.objects.get().closed is None


def test_a_cure_puts_the_agreement_in_force_again(broken):
    breaches.breach_close(actor=CLI, breach_id=broken.pk, on=TODAY, ending="cured", words="Folder gone, seen by Ada.")
    assert selectors.baa_in_force(broken.vendor)
    assert not selectors.baa_in_force(broken.vendor, TODAY - timedelta(days=1)), "what was then stays true"
    with refused("breach.closed"):
        breaches.breach_close(actor=CLI, breach_id=broken.pk, on=TODAY, ending="cured", words="Again.")


def test_after_termination_it_may_be_closed_and_a_new_agreement_counts(broken):
    agreement = broken.vendor.agreements.get()
    services.agreement_terminate(actor=CLI, agreement_id=agreement.pk, on=TODAY, reason="Breach", data="destroyed")
    with refused("vendor.breach_open"):
        services.vendor_archive(actor=CLI, vendor_id=broken.vendor_id)
    breaches.breach_close(actor=CLI, breach_id=broken.pk, on=TODAY, ending="terminated", words="Ended by letter.")
    sign(agree(broken.vendor, effective=TODAY))
    assert selectors.baa_in_force(broken.vendor)


def test_a_breach_of_tomorrow_is_refused(relay):  # noqa: F811
    with refused("breach.in_future"):
        breaches.breach_open(
            actor=CLI,
            vendor_id=relay.pk,
            what="x",
            steps="",
            found=clock.now().astimezone(clock.clinic_zone()).date() + timedelta(2),
        )


def test_the_vendors_page_records_shows_and_closes(broken, signed_in):
    ada, otto = signed_in("ada"), signed_in("otto")
    page = f"/compliance/vendors/{broken.vendor_id}/"
    shown = otto.get(page).content.decode()
    assert "A material breach is not cured" in shown
    assert "Mail of patients was kept" in shown
    assert "Close this breach" not in shown
    assert "Close this breach" in ada.get(page).content.decode()
    close = f"/compliance/breaches/{broken.pk}/close/"
    assert otto.post(close, {"ending": "cured"}).status_code == 403
    wrong = ada.post(close, {"ending": "cured", "words": "", "on": "2026-11-20"})
    assert wrong.status_code == 422
    ada.post(close, {"ending": "cured", "words": "Checked.", "on": "2026-11-20"})
    assert MaterialBreach.objects.get().ending == "cured"
    new = {"what": "Again", "steps": "", "found": "2026-11-20"}
    assert ada.post(f"{page}breaches/new/", new).status_code == 302
    assert "Again" in ada.get(page).content.decode()
