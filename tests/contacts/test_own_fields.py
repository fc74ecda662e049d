"""Own attributes in the edit form of a person: typed by their definition, kept where the editor may not see them."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from apps.audit.models import AuditEntry
from apps.contacts import services
from apps.contacts.attributes import definitions as attributes
from apps.contacts.attributes.numbers import wide
from apps.contacts.attributes.services import Wanted, attribute_create, attribute_retire, range_for
from apps.contacts.person import selectors
from apps.core import actors
from apps.core.levels import Level
from apps.imports.models import ImportJob
from apps.imports.services import jobs
from apps.segments import selectors as segments

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE


@pytest.fixture
def defined(noon: Any) -> None:
    for wanted in (
        Wanted("Last A1c", "number", Level.HEALTH, numbers=range_for("3.0", "15", "0.1")),
        Wanted("Membership ends", "date", Level.IDENTIFIER),
        Wanted("Wants a ride", "yes_no", Level.IDENTIFIER),
        Wanted("Plan tier", "choice", Level.IDENTIFIER, choices=("Gold", "Silver")),
        Wanted("Nickname", "text", Level.IDENTIFIER),
    ):
        attribute_create(actor=CLI, wanted=wanted)


def person(**own: Any) -> int:
    profile = {"first_name": "Ana", "last_name": "Lindgren", "relation": "patient", "attributes": own}
    return services.contact_create(actor=CLI, profile=profile).id


def attributes_of(person_id: int) -> dict[str, Any]:
    record = selectors.open_person(actor=CLI, purpose="scene", person_id=person_id)
    assert record is not None
    return dict(record.profile.get("attributes") or {})


def found_by(node: dict[str, Any]) -> set[int]:
    sql, params = segments.audience(
        segments.parse({"match": "all", "rules": [node]}), datetime(2026, 11, 20, 12, tzinfo=UTC)
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return {row[0] for row in cursor.fetchall()}


BASE = {"first_name": "Ana", "last_name": "Lindgren", "relation": "patient", "version": 1}
FILLED = {
    "own-last_a1c": "7.3",
    "own-membership_ends": "2027-03-31",
    "own-wants_a_ride": "false",
    "own-plan_tier": "Silver",
    "own-nickname": "Annie",
}
HELD = {
    "last_a1c": 7.3,
    "membership_ends": "2027-03-31",
    "wants_a_ride": False,
    "plan_tier": "Silver",
    "nickname": "Annie",
}


def test_a_nurse_fills_in_own_attributes_and_segments_find_them(signed_in: Any, defined: None) -> None:
    ana = person(old_system_flag="kept")
    nora = signed_in("nora")
    page = nora.get(f"/contacts/{ana}/edit/").content.decode()
    assert "Own attributes" in page
    assert "Segments find it from 3.0 to 15.0." in page
    assert nora.post(f"/contacts/{ana}/edit/", BASE | FILLED).status_code == 302
    assert attributes_of(ana) == HELD | {"old_system_flag": "kept"}
    for name, ask in (
        ("last_a1c", {"op": "at_least", "from": 7}),
        ("membership_ends", {"op": "after", "value": "2027-01-01"}),
        ("wants_a_ride", {"op": "is", "value": "false"}),
        ("plan_tier", {"op": "is", "value": "Silver"}),
        ("nickname", {"op": "is", "value": "annie"}),
    ):
        assert found_by({"field": f"attribute.{name}", **ask}) == {ana}, name
    assert AuditEntry.objects.filter(action="contact.change", kind="person", people_count=1).count() == 1
    shown = nora.get(f"/contacts/{ana}/edit/").content.decode()
    for text in (
        'value="7.3"',
        'value="2027-03-31"',
        'value="Annie"',
        '<option value="Silver" selected>Silver</option>',
    ):
        assert text in shown
    told = nora.get(f"/contacts/{ana}/").content.decode()
    for text in ("Mar 31, 2027", "Silver", "7.3"):
        assert text in told
    emptied = dict.fromkeys(FILLED, "")
    assert nora.post(f"/contacts/{ana}/edit/", BASE | emptied | {"version": 2}).status_code == 302
    assert attributes_of(ana) == {"old_system_flag": "kept"}
    assert found_by({"field": "attribute.last_a1c", "op": "exists"}) == set()


def test_what_does_not_fit_the_type_is_said_at_its_field_and_nothing_is_saved(signed_in: Any, defined: None) -> None:
    ana = person(last_a1c=6.1)
    wrong = FILLED | {"own-last_a1c": "high", "own-membership_ends": "2027-02-30", "own-plan_tier": "Bronze"}
    answer = signed_in("nora").post(f"/contacts/{ana}/edit/", BASE | wrong)
    assert answer.status_code == 422
    errors = answer.context["form"].errors
    assert errors["own-last_a1c"] == ["This is not a number, as 7 or 7.5."]
    assert {"own-membership_ends", "own-plan_tier"} < set(errors)
    assert 'value="high"' in answer.content.decode()
    assert attributes_of(ana) == {"last_a1c": 6.1}


def test_a_marketer_does_not_see_them_and_an_empty_field_keeps_them(signed_in: Any, defined: None) -> None:
    """As with a telephone number: who may not reveal may replace, but sees nothing and removes nothing."""
    ana = person(**HELD)
    max_ = signed_in("max")
    page = max_.get(f"/contacts/{ana}/edit/").content.decode()
    assert "A value is on record. Leave empty to keep it." in page
    assert "Keep what is recorded" in page
    for secret in ("7.3", "2027-03-31", "Annie", "Silver</option>\n selected"):
        assert f'value="{secret}"' not in page
    assert '<option value="Silver" selected>' not in page
    assert max_.post(f"/contacts/{ana}/edit/", BASE | {"own-nickname": "Nan"}).status_code == 302
    assert attributes_of(ana) == HELD | {"nickname": "Nan"}


def test_a_value_older_than_its_definition_is_not_lost_by_saving(signed_in: Any, defined: None) -> None:
    ana = person(membership_ends="next spring", last_a1c="n/a")
    nora = signed_in("nora")
    assert "does not fit the type" in nora.get(f"/contacts/{ana}/edit/").content.decode()
    assert nora.post(f"/contacts/{ana}/edit/", BASE | {"city": "Berea"}).status_code == 302
    assert attributes_of(ana) == {"membership_ends": "next spring", "last_a1c": "n/a"}


def test_a_new_person_starts_with_them_and_a_retired_one_is_not_offered(signed_in: Any, defined: None) -> None:
    tier = next(each for each in attributes.everything() if each.name == "plan_tier")
    attribute_retire(actor=CLI, attribute_id=tier.id)
    max_ = signed_in("max")
    page = max_.get("/contacts/new/").content.decode()
    assert "own-nickname" in page
    assert "own-plan_tier" not in page
    made = max_.post("/contacts/new/", {**BASE, "own-nickname": "Annie", "own-wants_a_ride": "true"})
    number = int(made.headers["Location"].strip("/").split("/")[-1])
    assert attributes_of(number) == {"nickname": "Annie", "wants_a_ride": True}


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ([], "0 to 19,999"),
        (["1", "20", "no number"], "0 to 19,999"),
        (["7.5", "6.1"], "0.0 to 1,999.9"),
        (["-3", "4.25"], "-100.00 to 99.99"),
        (["120,000", "3"], "0 to 999,999 in steps of 50"),
        (["99.95", "250000.10"], "0 to 1,999,999 in steps of 100"),
    ],
)
def test_bounds_of_a_column_leave_room_for_later_values(known: list[str], words: str) -> None:
    assert wide(known).words() == words


def test_a_number_column_becomes_an_attribute_with_room_and_the_page_says_how_much(signed_in: Any, noon: Any) -> None:
    """Bounds of 0 to 10,000 would have kept every amount beyond them from all segments, without a word."""
    rows = "".join(f"M{number},{amount}\n" for number, amount in enumerate((120, 45_000, 9)))
    job = jobs.import_create(
        actor=CLI,
        kind=ImportJob.JobKind.LIST,
        uploads=[jobs.Upload("list.csv", io.BytesIO(f"MRN,Balance\n{rows}".encode()))],
    )
    max_ = signed_in("max")
    url = f"/contacts/imports/{job.pk}/columns/"
    assert "Segments find numbers from 0 to 199,999 in steps of 10." in max_.get(url).content.decode()
    form = {
        "match_on": "mrn", "column-0": "mrn", "column-1": "", "date_format": "%Y-%m-%d", "relation": "patient",
        "mode": "update", "create": "1", "new-1-label": "Balance", "new-1-type": "number", "new-1-level": "2",
    }  # fmt: skip
    page = max_.post(url, form).content.decode()
    assert "Segments find it from 0 to 199,999 in steps of 10." in page
    (made,) = attributes.everything()
    assert made.numbers is not None
    assert made.numbers.at(180_000) is not None
