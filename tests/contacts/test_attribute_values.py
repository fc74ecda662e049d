"""Own attributes of many people at once."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEntry
from apps.contacts import services as contacts
from apps.contacts.attributes import definitions
from apps.contacts.attributes.services import Wanted, attribute_create, attribute_retire, range_for
from apps.contacts.attributes.values import attributes_set
from apps.contacts.models import PersonSearch
from apps.contacts.person import selectors
from apps.core import actors
from apps.core.errors import Refused
from tests.refusals import refused

pytestmark = pytest.mark.django_db

CLI = actors.COMMAND_LINE


@pytest.fixture
def risk() -> definitions.Attribute:
    return attribute_create(actor=CLI, wanted=Wanted("Risk group", "choice", choices=("High", "Low")))


def person(name: str, **own) -> int:
    profile = {"first_name": name, "last_name": "Quist", "email": f"{name.lower()}@goodmail.test", "attributes": own}
    return contacts.contact_create(actor=CLI, profile=profile).id


def profile_of(person_id: int) -> dict:
    return selectors.open_people(actor=CLI, purpose="scene", ids=[person_id])[person_id].profile


def test_the_value_is_set_and_everything_else_stays(risk):
    dana = person("Dana", seat="A4")
    before = profile_of(dana)
    assert attributes_set(actor=CLI, values={dana: {"risk_group": "High"}}) == 1
    assert profile_of(dana) == before | {"attributes": {"seat": "A4", "risk_group": "High"}}


def test_it_is_found_by_search_at_once(risk):
    dana = person("Dana")
    bare = PersonSearch.objects.get(person_id=dana).tokens
    attributes_set(actor=CLI, values={dana: {"risk_group": "High"}})
    assert set(bare) < set(PersonSearch.objects.get(person_id=dana).tokens)


def test_one_entry_names_those_who_changed_and_no_value(risk):
    dana, bo = person("Dana"), person("Bo", risk_group="High")
    last = AuditEntry.objects.order_by("-id").values_list("id", flat=True)[0]
    assert attributes_set(actor=CLI, values={each: {"risk_group": "High"} for each in (dana, bo)}) == 1
    (entry,) = AuditEntry.objects.filter(id__gt=last)
    assert entry.action == "contact.change"
    assert "High" not in str(entry.__dict__)
    assert attributes_set(actor=CLI, values={dana: {"risk_group": "High"}}) == 0, "nothing is written twice"


def test_statements_do_not_grow_with_the_people(risk):
    def statements(count: int) -> int:
        people = [person(f"P{count}x{number}") for number in range(count)]
        with CaptureQueriesContext(connection) as seen:
            attributes_set(actor=CLI, values={each: {"risk_group": "Low"} for each in people})
        return len(seen)

    assert statements(1) == statements(50)


@pytest.mark.parametrize(
    ("wanted", "value", "says"),
    [
        (Wanted("Kind", "choice", choices=("High", "Low")), "Medium", "none of its choices"),
        (Wanted("Kind", "yes_no"), "true", "neither yes nor no"),
        (Wanted("Kind", "date"), "2026-02-30", "no day"),
        (Wanted("Kind", "date"), "20260203", "no day"),
        (Wanted("Kind", "number", searchable=False), "7", "no number"),
        (Wanted("Kind", "number", searchable=False), True, "no number"),
        (Wanted("Kind", "number", searchable=False), float("nan"), "no number"),
        (Wanted("Kind", "number", numbers=range_for("3.0", "15", "0.1")), 16, "not within 3.0 to 15.0"),
        (Wanted("Kind", "text"), " ", "is empty"),
        (Wanted("Kind", "text"), "x" * 1001, "more than 1000"),
    ],
)
def test_a_value_that_is_none_of_the_attribute_is_refused(wanted, value, says):
    attribute_create(actor=CLI, wanted=wanted)
    with pytest.raises(Refused, match=says):
        attributes_set(actor=CLI, values={person("Dana"): {"kind": value}})


def test_an_unknown_a_retired_or_a_built_in_name_is_refused(risk):
    dana = person("Dana")
    attribute_retire(actor=CLI, attribute_id=risk.id)
    for name in ("risk_group", "nobody", "email"):
        with refused("attribute.unknown"):
            attributes_set(actor=CLI, values={dana: {name: "High"}})


def test_who_was_erased_is_left_alone(risk):
    dana, bo = person("Dana"), person("Bo")
    contacts.contact_erase(actor=CLI, person_id=dana, reason="asked for it")
    assert attributes_set(actor=CLI, values={dana: {"risk_group": "Low"}, bo: {"risk_group": "Low"}}) == 1
