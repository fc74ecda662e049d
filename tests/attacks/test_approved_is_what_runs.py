"""A marketer gets a harmless journey approved, switches it on, and edits the segment it goes by afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from apps.contacts import services as contacts
from apps.contacts.attributes.services import Wanted, attribute_create, attribute_retire, range_for
from apps.core import actors, clock
from apps.journeys import approvals, presets, services
from apps.journeys.models import Journey, JourneyRun, JourneyStepVisit
from apps.segments import selectors
from apps.segments import services as segments
from tests.journeys.conftest import clinic  # noqa: F401 - a fixture
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
WOMEN = {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "F"}]}
MEN = {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "M"}]}
OUTER = {"match": "all", "rules": [{"segment": "Women", "op": "in"}]}
SEND = {"id": "s1", "type": "send", "template": "Appointment reminder", "purpose": "treatment"}


def staff(user: Any) -> actors.Actor:
    return actors.staff(user.pk, user.role)


def person(name: str, sex: str) -> int:
    profile = {"first_name": name, "last_name": "Quist", "sex": sex, "birth_date": "1960-05-01"}
    return contacts.contact_create(actor=CLI, profile={**profile, "email": f"{name.lower()}@goodmail.test"}).id


def approve_and_start(cast: Any, definition: dict[str, Any]) -> Journey:
    journey = services.journey_create(actor=staff(cast.max), name="Welcome", definition=definition)
    approve_again(cast, journey)
    return journey


def approve_again(cast: Any, journey: Journey) -> None:
    services.journey_submit(actor=staff(cast.max), journey=journey)
    services.journey_approve(actor=staff(cast.rita), journey=journey)
    services.journey_activate(actor=staff(cast.max), journey=journey)


@pytest.fixture
def women(clinic: Any, cast: Any, noon: Any) -> Any:  # noqa: F811
    segment = segments.segment_save(actor=staff(cast.max), name="Women", rule=WOMEN)
    segments.segment_save(actor=staff(cast.max), name="Outer", rule=OUTER)
    services.journey_from_preset(actor=CLI, preset=presets.APPOINTMENT_REMINDER_JOURNEY)
    return segment


def swap(cast: Any, women: Any) -> None:
    segments.segment_save(actor=staff(cast.max), name="Women", rule=MEN, segment_id=women.pk)


def inside() -> set[int]:
    return set(JourneyRun.objects.values_list("person_id", flat=True))


def test_nobody_comes_in_by_a_rule_that_nobody_approved(women: Any, cast: Any, signed_in: Any) -> None:
    journey = approve_and_start(
        cast, {"format": 1, "trigger": {"kind": "segment", "segment": "Outer"}, "steps": [SEND]}
    )
    swap(cast, women)
    man, woman = person("Otis", "M"), person("Wilma", "F")
    services.tick(actor=CLI, now=clock.now())
    assert inside() == {woman}
    journey.refresh_from_db()
    assert approvals.standing(journey).state == "changed"
    assert "A segment changed" in signed_in("max").get(f"/journeys/{journey.pk}/").content.decode()
    with pytest.raises(services.NotApproved):
        services.journey_activate(actor=staff(cast.max), journey=journey)
    approve_again(cast, journey)
    services.tick(actor=CLI, now=clock.now())
    assert inside() == {woman, man}
    assert "A segment changed" not in signed_in("max").get(f"/journeys/{journey.pk}/").content.decode()


def test_nobody_goes_another_way_by_a_rule_that_nobody_approved(women: Any, cast: Any) -> None:
    asks = {"id": "s2", "type": "condition", "rule": OUTER, "then": [SEND], "else": []}
    everyone = {"match": "any", "rules": [WOMEN, MEN]}
    segments.segment_save(actor=staff(cast.max), name="All", rule=everyone)
    approve_and_start(cast, {"format": 1, "trigger": {"kind": "segment", "segment": "All"}, "steps": [asks]})
    swap(cast, women)
    man, woman = person("Otis", "M"), person("Wilma", "F")
    services.tick(actor=CLI, now=clock.now())
    sent = JourneyStepVisit.objects.filter(step="s1").values_list("run__person_id", flat=True)
    assert inside() == {man, woman}
    assert set(sent) == {woman}
    assert selectors.by_name("Women").rule.to_document() == MEN


def test_an_attribute_of_the_clinics_own_stays_while_what_was_approved_asks_for_it(women: Any, cast: Any) -> None:
    a1c = attribute_create(actor=CLI, wanted=Wanted("Last A1c", "number", numbers=range_for("3.0", "15", "0.1")))
    high = {"match": "all", "rules": [{"field": "attribute.last_a1c", "op": "at_least", "from": 9}]}
    segments.segment_save(actor=staff(cast.max), name="Women", rule=high, segment_id=women.pk)
    approve_and_start(cast, {"format": 1, "trigger": {"kind": "segment", "segment": "Outer"}, "steps": [SEND]})
    swap(cast, women)
    with refused("attribute.in_use", "used in one place"):
        attribute_retire(actor=CLI, attribute_id=a1c.id)
    profile = {"last_name": "Quist", "sex": "F", "birth_date": "1960-05-01", "email": "quist@goodmail.test"}
    people = [
        contacts.contact_create(actor=CLI, profile={**profile, "first_name": name, "attributes": {"last_a1c": value}})
        for name, value in (("Otis", 8.9), ("Wilma", 9.4))
    ]
    services.tick(actor=CLI, now=clock.now())
    assert inside() == {people[1].id}
