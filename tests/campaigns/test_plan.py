"""The plan says beforehand what sending will do: routes, and everyone who is held back, with the reason."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEntry
from apps.campaigns import plans, selectors, services
from apps.campaigns.planning import Combination, Line, Plan
from apps.campaigns.selectors import Opened
from apps.contacts import services as contacts
from apps.core import actors
from apps.core.levels import Level
from apps.segments import services as segments
from tests.refusals import refused

from .conftest import CLI, SPEC, profile

pytestmark = pytest.mark.django_db


def campaign(name: str = "Flu", **more: Any) -> Opened:
    spec = {key: value for key, value in {**SPEC, **more}.items() if value is not None}
    return selectors.opened(services.campaign_save(actor=CLI, name=name, spec=spec))


def held(plan: Any) -> dict[str, int]:
    return dict(sorted(plan.held.items()))


def test_every_line_of_a_plan(clinic: SimpleNamespace) -> None:
    plan = plans.plan_of(actor=CLI, campaign=campaign())
    assert plan.audience == 13
    # The ward's mail goes to the guardian's mailbox, which the guardian's own copy has already.
    assert plan.routes == {"tls": 1, "pgp": 1, "smime": 1, "portal": 2}
    assert held(plan) == {
        "deceased": 1,
        "duplicate_mailbox": 2,
        "minor": 1,
        "no_address": 1,
        "no_consent": 1,
        "no_route": 1,
        "suppressed": 1,
    }
    assert plan.as_json() == {"audience": 13, "routes": plan.routes, "held": plan.held}
    assert plan.level == Level.HEALTH


def test_every_number_opens_its_list(clinic: SimpleNamespace) -> None:
    flu = campaign()
    plan = plans.plan_of(actor=CLI, campaign=flu)
    expected = {
        "tls": [clinic.tls],
        "portal": [clinic.weak, clinic.business],
        "pgp": [clinic.pgp],
        "smime": [clinic.smime],
    }
    for route, count in plan.routes.items():
        assert plans.people_of(actor=CLI, campaign=flu, route=route) == expected[route], route
        assert len(expected[route]) == count
    by_reason = {
        "deceased": [clinic.dead],
        "duplicate_mailbox": [clinic.twin, clinic.ward],
        "minor": [clinic.child],
        "no_address": [clinic.mute],
        "no_consent": [clinic.denied],
        "no_route": [clinic.nobirth],
        "suppressed": [clinic.gone],
    }
    for reason, count in plan.held.items():
        assert plans.people_of(actor=CLI, campaign=flu, held=reason) == by_reason[reason], reason
        assert len(by_reason[reason]) == count


def test_everybody_over_patients_is_planned_as_health_information(clinic: SimpleNamespace) -> None:
    """A generic newsletter to a list of patients tells that they are patients: it is never sent openly."""
    plain = campaign(segment=None, everybody=True, purpose="operations", template="Newsletter")
    assert plain.row.level < Level.HEALTH
    plan = plans.plan_of(actor=CLI, campaign=plain)
    for line in plan.lines:
        if line.combination.patient:
            assert line.level >= Level.HEALTH
            assert not (line.route == "tls" and line.combination.tls < 2)
    # The same weak mailbox may take a message to a business contact.
    assert clinic.business in plans.people_of(actor=CLI, campaign=plain, route="tls")
    assert clinic.weak in plans.people_of(actor=CLI, campaign=plain, route="portal")


def test_marketing_goes_only_where_an_authorization_was_signed(clinic: SimpleNamespace) -> None:
    plan = plans.plan_of(actor=CLI, campaign=campaign(purpose="marketing", remuneration="paid"))
    assert plan.routes == {"tls": 1, "pgp": 0, "smime": 0, "portal": 0}
    assert plan.held["no_consent"] >= 7


@pytest.mark.parametrize("purpose", ["operations", "payment", "fundraising"])
def test_an_opt_out_holds_for_its_purpose_and_an_unsubscribe_for_all_but_treatment(
    clinic: SimpleNamespace, purpose: str, noon: datetime
) -> None:
    contacts.suppress(actor=CLI, address="pgp@goodmail.test", scope="commercial", reason="unsubscribed")
    contacts.consent_record(
        actor=CLI, person_id=clinic.smime, purpose=purpose, state="denied", on=noon.date(), method="phone"
    )
    plan = plans.plan_of(actor=CLI, campaign=campaign(purpose=purpose))
    assert (plan.routes["pgp"], plan.routes["smime"]) == (0, 0)
    reminder = plans.plan_of(actor=CLI, campaign=campaign("Reminder"))
    assert (reminder.routes["pgp"], reminder.routes["smime"]) == (1, 1)


def test_business_mail_never_goes_to_patients(clinic: SimpleNamespace) -> None:
    offer = campaign(purpose="b2b", template="Newsletter")
    assert plans.people_of(actor=CLI, campaign=offer, route="tls") == [clinic.business]
    assert plans.plan_of(actor=CLI, campaign=offer).going == 1


def test_exclusions_are_taken_off_the_audience(clinic: SimpleNamespace) -> None:
    rule = {"match": "all", "rules": [{"field": "relation", "op": "is", "value": "b2b"}]}
    segments.segment_save(actor=CLI, name="Business", rule=rule)
    flu = campaign(exclude=["Business"])
    assert plans.plan_of(actor=CLI, campaign=flu).audience == 12
    assert clinic.business not in plans.people_of(actor=CLI, campaign=flu, route="tls")


def test_a_plan_is_one_statement_however_many_people(clinic: SimpleNamespace) -> None:
    flu = campaign()
    with CaptureQueriesContext(connection) as few:
        plans.plan_of(actor=CLI, campaign=flu)
    many = [profile(f"N{number}") for number in range(300)]
    contacts.contacts_create(actor=CLI, profiles=many)
    with CaptureQueriesContext(connection) as more:
        plan = plans.plan_of(actor=CLI, campaign=flu)
    assert plan.routes["tls"] == 301
    assert len(more) == len(few)


def test_a_plan_opens_the_minors_with_a_guardian_and_says_so(clinic: SimpleNamespace) -> None:
    plans.plan_of(actor=actors.staff(7, "marketer"), campaign=campaign())
    opened = AuditEntry.objects.filter(purpose="plan: guardians").get()
    assert opened.people_count == 1


def test_a_plan_needs_a_purpose_and_an_audience(clinic: SimpleNamespace) -> None:
    with refused("campaign.without_purpose"):
        plans.plan_of(actor=CLI, campaign=campaign(purpose=None))
    with refused("campaign.without_audience"):
        plans.plan_of(actor=CLI, campaign=campaign("Nobody", segment=None))


@pytest.mark.parametrize(("route", "level"), [("", Level.HEALTH), ("portal", Level.IDENTIFIER)])
def test_a_plan_of_which_nothing_goes_is_no_public_one(route: str, level: Level, noon: datetime) -> None:
    """All held back, say without an agreement with the relay's vendor: it names the level that was meant to go."""
    people = Combination(held="", patient=True, tls=0, pgp=False, smime=False, portal=True)
    lines = (
        Line(people, 224, "", "no_baa", "", Level.HEALTH),
        Line(people, 3, route, "", "", Level.IDENTIFIER),
    )
    assert Plan(lines, noon).level is level
