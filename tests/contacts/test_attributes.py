"""Own attributes: defined by a marketer, filled by imports, asked for by segments, prepared in the background."""

from __future__ import annotations

import io
import json
import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from apps.audit.models import AuditEntry
from apps.contacts import services
from apps.contacts.attributes import definitions as attributes
from apps.contacts.attributes import fills
from apps.contacts.attributes.numbers import NumberRange
from apps.contacts.attributes.services import (
    InUse,
    Wanted,
    attribute_change,
    attribute_create,
    attribute_restore,
    attribute_retire,
    name_for,
    range_for,
)
from apps.contacts.models import AttributeDefinition, AttributeFill, PersonSearch
from apps.contacts.person import selectors
from apps.core import actors
from apps.core.levels import Level
from apps.imports.models import ImportJob
from apps.imports.services import jobs, passes
from apps.segments import compiler, counting, rules
from apps.segments import selectors as segments
from apps.segments.services import segment_save
from tests.refusals import refused
from tests.sizes import grown, seed

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
ZONE = ZoneInfo("America/New_York")
TODAY = date(2026, 11, 20)
A1C = Wanted("Last A1c", "number", Level.HEALTH, numbers=range_for("3.0", "15", "0.1"))
ENDS = Wanted("Membership ends", "date", Level.IDENTIFIER)


def person(**own) -> int:
    profile = {"first_name": "Ana", "last_name": "Lindgren", "relation": "patient", "attributes": own}
    return services.contact_create(actor=CLI, profile=profile).id


def run_fills() -> None:
    for fill in fills.due(datetime(2030, 1, 1, tzinfo=UTC)):
        fills.work(fill)


def found_by(*nodes) -> set[int]:
    rule = segments.parse({"match": "all", "rules": list(nodes)})
    sql, params = segments.audience(rule, datetime(2026, 11, 20, 12, tzinfo=UTC))
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return {row[0] for row in cursor.fetchall()}


def test_a_number_is_found_by_ranges_of_its_steps(noon) -> None:
    attribute_create(actor=CLI, wanted=A1C)
    low, edge, high, odd = person(last_a1c=5.4), person(last_a1c=6.99), person(last_a1c=9), person(last_a1c=40)
    ask = "attribute.last_a1c"
    assert found_by({"field": ask, "op": "at_least", "from": 6.9}) == {edge, high}
    assert found_by({"field": ask, "op": "at_most", "to": 6.9}) == {low, edge}, "6.99 falls into the step of 6.9"
    assert found_by({"field": ask, "op": "between", "from": 5, "to": 6}) == {low}
    assert found_by({"field": ask, "op": "is", "value": "9.0"}) == {high}
    assert found_by({"field": ask, "op": "is_not", "value": "9"}) == {low, edge, odd}
    assert found_by({"field": ask, "op": "exists"}) == {low, edge, high, odd}


def test_a_date_is_found_by_all_windows(noon) -> None:
    attribute_create(actor=CLI, wanted=ENDS)
    past, soon, far = (person(membership_ends=day) for day in ("2026-11-10", "2026-12-01", "2041-06-30"))
    ask = "attribute.membership_ends"
    assert found_by({"field": ask, "op": "in_last_days", "days": 30}) == {past}
    assert found_by({"field": ask, "op": "in_next_days", "days": 30}) == {soon}
    assert found_by({"field": ask, "op": "after", "value": "2026-11-20"}) == {soon, far}
    assert found_by({"field": ask, "op": "before", "value": "2026-12-01"}) == {past}
    assert found_by({"field": ask, "op": "on", "value": "2026-12-01"}) == {soon}
    assert found_by({"field": ask, "op": "between", "from": "2026-11-01", "to": "2026-12-31"}) == {past, soon}
    assert found_by({"field": ask, "op": "anniversary_in_days", "days": 20}) == {soon}


@pytest.mark.proof
def test_tokens_and_records_agree_about_random_values(noon) -> None:
    draw = random.Random(seed(20261120))
    attribute_create(actor=CLI, wanted=A1C)
    attribute_create(actor=CLI, wanted=ENDS)
    town = []
    for _ in range(60):
        own = {}
        if draw.random() < 0.8:
            own["last_a1c"] = draw.choice([round(draw.uniform(2, 17), 2), draw.randint(2, 17), "n/a"])
        if draw.random() < 0.8:
            own["membership_ends"] = (TODAY + timedelta(days=draw.randint(-400, 9000))).isoformat()
        town.append(person(**own))
    records = selectors.open_people(actor=CLI, purpose="test", ids=town)
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    seen = set()
    for _ in range(grown(60, 6_000)):
        low = round(draw.uniform(2, 16), draw.choice([0, 1, 2]))
        node = draw.choice(
            [
                {"field": "attribute.last_a1c", "op": "at_least", "from": low},
                {"field": "attribute.last_a1c", "op": "at_most", "to": low},
                {"field": "attribute.last_a1c", "op": "between", "from": low, "to": low + 2},
                {"field": "attribute.last_a1c", "op": draw.choice(["is", "is_not"]), "value": str(low)},
                {"field": "attribute.membership_ends", "op": "after", "value": "2027-05-01"},
                {"field": "attribute.membership_ends", "op": "in_next_days", "days": draw.randint(0, 3660)},
                {"field": "attribute.membership_ends", "op": "anniversary_in_days", "days": draw.randint(0, 100)},
                {"field": "attribute.membership_ends", "op": draw.choice(["exists", "missing"])},
            ]
        )
        rule = segments.parse({"match": draw.choice(["all", "none"]), "rules": [node]})
        names = segments.names_for(rule)
        by_records = {number for number, record in records.items() if rules.matches(rule, record, now, ZONE, names)}
        for joins in (False, True):
            where, params = compiler.condition(rule, now, ZONE, names, joins=joins)
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT s.person_id FROM contacts_personsearch s WHERE {where}", params)
                by_tokens = {row[0] for row in cursor.fetchall()}
            assert by_tokens == by_records, node
        seen.add(0 < len(by_records) < len(town))
    assert True in seen, "rules that find nobody or everybody prove nothing"


def test_values_from_before_the_definition_become_searchable_in_the_background(noon) -> None:
    early, never = person(last_a1c=8.1), person(last_a1c=99)
    person(other="x")
    made = attribute_create(actor=CLI, wanted=A1C)
    assert found_by({"field": "attribute.last_a1c", "op": "at_least", "from": 8}) == set()
    run_fills()
    assert found_by({"field": "attribute.last_a1c", "op": "at_least", "from": 8}) == {early}
    fill = AttributeFill.objects.get(attribute_id=made.id)
    assert (fill.state, fill.done, fill.total, fill.found, fill.outside) == ("done", 3, 3, 2, 1)
    openings = AuditEntry.objects.filter(action="contact.open", subject=str(made.id))
    assert openings.count() == 1, "opening people for it is on the trail"
    assert found_by({"field": "attribute.last_a1c", "op": "exists"}) == {early, never}


def test_a_lost_worker_costs_nothing_and_nobody_is_prepared_twice(noon, monkeypatch) -> None:
    monkeypatch.setattr(fills, "CHUNK", 2)
    people = [person(last_a1c=7) for _ in range(5)]
    made = attribute_create(actor=CLI, wanted=A1C)
    fill = AttributeFill.objects.get(attribute_id=made.id)
    real, calls = fills.rewrite_search, []

    def breaking(rows, own, names):
        calls.append(len(rows))
        if len(calls) == 2:
            raise RuntimeError("the light went out")
        return real(rows, own, names)

    monkeypatch.setattr(fills, "rewrite_search", breaking)
    assert fills.work(fill.pk)
    fill.refresh_from_db()
    assert (fill.state, fill.done, fill.lease_until) == ("running", 2, None)
    run_fills()
    fill.refresh_from_db()
    assert (fill.state, fill.done, fill.found) == ("done", 5, 5)
    assert found_by({"field": "attribute.last_a1c", "op": "exists"}) == set(people)


def test_search_values_go_with_the_wish_to_search_and_their_place_is_free_again(noon) -> None:
    someone = person(last_a1c=7)
    made = attribute_create(actor=CLI, wanted=A1C)
    run_fills()
    row = PersonSearch.objects.get(person_id=someone)
    before = set(row.tokens)
    assert getattr(row, f"s{made.slot}") is not None
    attribute_change(actor=CLI, attribute_id=made.id, wanted=Wanted(A1C.label, searchable=False))
    run_fills()
    row.refresh_from_db()
    assert getattr(row, f"s{made.slot}") is None
    assert len(before - set(row.tokens)) == 1, "that there is a value is no longer told either"
    assert AttributeDefinition.objects.get(pk=made.id).slot is None
    with refused("attribute.not_searchable"):
        segments.parse({"match": "all", "rules": [{"field": "attribute.last_a1c", "op": "exists"}]})
    records = selectors.open_people(actor=CLI, purpose="test", ids=[someone])
    assert records[someone].get("attributes.last_a1c") == 7, "the value is kept"


def test_the_exact_number_or_day_is_not_told_twice(noon) -> None:
    attribute_create(actor=CLI, wanted=A1C)
    one, other = person(last_a1c=7.01), person(last_a1c=7.02)
    tokens = [set(PersonSearch.objects.get(person_id=each).tokens) for each in (one, other)]
    assert tokens[0] == tokens[1], "two values of one step look the same"


def test_an_attribute_in_use_is_neither_retired_nor_made_unsearchable(noon) -> None:
    made = attribute_create(actor=CLI, wanted=A1C)
    rule = {"match": "all", "rules": [{"field": "attribute.last_a1c", "op": "at_least", "from": 9}]}
    saved = segment_save(actor=CLI, name="High A1c", rule=rule)
    assert saved.level == Level.HEALTH
    with refused("attribute.in_use", "one place"):
        attribute_retire(actor=CLI, attribute_id=made.id)
    with pytest.raises(InUse):
        attribute_change(actor=CLI, attribute_id=made.id, wanted=Wanted("Last A1c", searchable=False))
    assert segments.by_id(saved.pk).sentence == "Last A1c is at least 9"


def test_a_retired_attribute_is_offered_nowhere_and_comes_back(noon) -> None:
    someone = person(last_a1c=7)
    made = attribute_create(actor=CLI, wanted=A1C)
    run_fills()
    attribute_retire(actor=CLI, attribute_id=made.id)
    run_fills()
    assert attributes.types() == {}
    with refused("attribute.name_taken"):
        attribute_create(actor=CLI, wanted=A1C)
    attribute_restore(actor=CLI, attribute_id=made.id)
    run_fills()
    assert found_by({"field": "attribute.last_a1c", "op": "at_most", "to": 7}) == {someone}
    actions = AuditEntry.objects.filter(action__startswith="attribute.").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["attribute.create", "attribute.retire", "attribute.restore"]


def test_rules_older_than_the_definition_go_on_to_work(noon) -> None:
    someone, other = person(visits=3), person(visits=4)
    rule = {"match": "all", "rules": [{"field": "attribute.visits", "op": "is_not", "value": "3"}]}
    saved = segment_save(actor=CLI, name="Not three", rule=rule)
    attribute_create(actor=CLI, wanted=Wanted("Visits", "number", numbers=range_for("0", "100", "1")))
    run_fills()
    assert counting.count(segments.by_id(saved.pk).rule).count == 1
    assert found_by({"field": "attribute.visits", "op": "is", "value": "3"}) == {someone}
    assert found_by({"field": "attribute.visits", "op": "in", "value": ["3", "4"]}) == {someone, other}


def test_eight_dates_and_numbers_are_searchable_and_the_ninth_is_told_why_not(noon) -> None:
    for number in range(8):
        attribute_create(actor=CLI, wanted=Wanted(f"Date {number}", "date"))
    with refused("attribute.no_place_left"):
        attribute_create(actor=CLI, wanted=Wanted("Date 9", "date"))
    attribute_create(actor=CLI, wanted=Wanted("Date 9", "date", searchable=False))


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (Wanted(""), "attribute.name_length"),
        (Wanted("Plan", "choice", choices=("Gold",)), "attribute.choices_count"),
        (Wanted("Plan", "choice", choices=("Gold", "gold ")), "attribute.choices_repeat"),
        (Wanted("Score", "number"), "attribute.bounds_missing"),
        (Wanted("Score", "text", level=3), "attribute.kind_unknown"),
    ],
)
def test_a_definition_that_will_not_do_is_refused(noon, wanted, code) -> None:
    with refused(code):
        attribute_create(actor=CLI, wanted=wanted)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (("a", "1", "1"), "attribute.bounds_malformed"),
        (("5", "1", "1"), "attribute.bounds_backwards"),
        (("0", "1e8", "1"), "attribute.too_many_steps"),
        (("0", "1", "0.0001"), "attribute.bounds_too_fine"),
        (("0", "2e9", "1"), "attribute.bounds_too_far"),
    ],
)
def test_bounds_that_will_not_do_are_refused(typed, code) -> None:
    with refused(code):
        range_for(*typed)


def test_numbers_fall_into_steps() -> None:
    weights = NumberRange(0, 300, 5)
    assert [weights.at(value) for value in (0, 4.9, 5, 300.5, 301, -1, "x", True, None)] == [
        0, 0, 1, 60, None, None, None, None, None,
    ]  # fmt: skip
    assert weights.steps(7, 12) == range(1, 3)
    assert list(weights.steps(400, 500)) == []
    assert str(range_for("3", "15", "0.1")) == "3.0 to 15.0 in steps of 0.1"


@pytest.mark.parametrize(("label", "name"), [("Last A1c", "last_a1c"), ("Größe (cm)", "große_cm"), ("2nd visit", "")])
def test_names_are_made_of_labels(label, name) -> None:
    made = name_for(label)
    assert made.isascii()
    assert made[0].isalpha()
    assert made == {"Last A1c": "last_a1c"}.get(label, made)


# -- Pages


def test_a_marketer_defines_an_attribute_and_sees_it_prepared(signed_in, noon) -> None:
    person(last_a1c=8)
    max_ = signed_in("max")
    answer = max_.post(
        "/contacts/attributes/new/",
        {
            "label": "Last A1c",
            "type": "number",
            "level": "2",
            "searchable": "on",
            "low": "3",
            "high": "15",
            "step": "0.1",
        },
    )
    page = max_.get(answer["Location"]).content.decode()
    assert "Preparing for search" in page
    run_fills()
    page = max_.get(answer["Location"]).content.decode()
    assert "3.0 to 15.0 in steps of 0.1" in page
    assert "Preparing" not in page
    listed = max_.get("/contacts/attributes/").content.decode()
    assert "Last A1c" in listed
    assert "Searchable" in listed
    builder = max_.get("/segments/new/").content.decode()
    assert '<option value="field:attribute.last_a1c">Last A1c</option>' in builder


ADDED = {"label": "Viral load", "type": "text", "searchable": "on"}


@pytest.mark.parametrize("level", ["0", "1"])
def test_a_marketer_calls_nothing_less_than_health_information(signed_in, cast, noon, level) -> None:
    """A column of diagnoses declared public would go to anybody's mailbox in plain mail."""
    max_ = signed_in("max")
    answer = max_.post("/contacts/attributes/new/", {**ADDED, "level": level})
    assert answer.status_code == 422
    assert "Viral load" in answer.content.decode()
    assert "Only an administrator adds others" in max_.get("/contacts/attributes/new/").content.decode()
    with refused("attribute.level_not_allowed"):
        attribute_create(actor=actors.staff(cast.max.pk, "marketer"), wanted=Wanted("Viral load", level=int(level)))
    assert not attributes.everything()


def test_an_administrator_does_and_it_is_on_the_trail(signed_in, cast, noon) -> None:
    assert signed_in("ada").post("/contacts/attributes/new/", {**ADDED, "level": "0"}).status_code == 302
    entry = AuditEntry.objects.get(action="attribute.create")
    assert (entry.actor_id, entry.codes["level"]) == (str(cast.ada.pk), 0)


def test_a_marketer_makes_no_public_attribute_of_a_column(signed_in, noon) -> None:
    job = jobs.import_create(
        actor=CLI,
        kind=ImportJob.JobKind.LIST,
        uploads=[jobs.Upload("list.csv", io.BytesIO(b"MRN,Diagnosis\nM1,HIV\n"))],
    )
    url = f"/contacts/imports/{job.pk}/columns/"
    max_ = signed_in("max")
    assert "Public" not in max_.get(url).content.decode().partition("new-1-level")[2].partition("</select>")[0]
    form = {
        "match_on": "mrn", "column-0": "mrn", "column-1": "", "date_format": "%Y-%m-%d", "relation": "patient",
        "mode": "update", "create": "1", "new-1-label": "Diagnosis", "new-1-type": "text", "new-1-level": "0",
    }  # fmt: skip
    assert max_.post(url, form).status_code == 422
    assert not attributes.everything()


def test_who_may_not_import_may_not_define(signed_in, noon) -> None:
    assert signed_in("nora").get("/contacts/attributes/").status_code == 403
    assert signed_in("otto").post("/contacts/attributes/new/", {}).status_code == 403
    assert signed_in("max").get("/contacts/attributes/99/").status_code == 404


def test_the_page_says_where_an_attribute_is_used(signed_in, noon) -> None:
    made = attribute_create(actor=CLI, wanted=A1C)
    rule = {"match": "all", "rules": [{"field": "attribute.last_a1c", "op": "at_least", "from": 9}]}
    segment_save(actor=CLI, name="High A1c", rule=rule)
    max_ = signed_in("max")
    assert "High A1c" in max_.get(f"/contacts/attributes/{made.id}/").content.decode()
    max_.post(f"/contacts/attributes/{made.id}/retire/")
    assert AttributeDefinition.objects.get(pk=made.id).retired_at is None


def test_the_builder_asks_for_a_range_and_counts_it(signed_in, noon) -> None:
    attribute_create(actor=CLI, wanted=A1C)
    person(last_a1c=9.5)
    form = {
        "shape": "[0]", "n.match": "all", "n0.what": "field:attribute.last_a1c", "n0.op": "at_least", "n0.from": "9.5",
    }  # fmt: skip
    max_ = signed_in("max")
    assert "Lowest number" in max_.post("/segments/rows/", form).content.decode()
    preview = max_.post("/segments/preview/", form).content.decode()
    assert "Last A1c is at least 9.5" in preview
    wrong = max_.post("/segments/preview/", {**form, "n0.from": "nine"}).content.decode()
    assert "must be a number" in wrong


def test_a_column_becomes_an_attribute_where_it_stands(signed_in, noon) -> None:
    text = "MRN,Last,Tier\nM1,Berg,Gold\nM2,Holm,silver\nM3,Dahl,Bronze\n"
    job = jobs.import_create(
        actor=CLI, kind=ImportJob.JobKind.LIST, uploads=[jobs.Upload("list.csv", io.BytesIO(text.encode()))]
    )
    max_ = signed_in("max")
    page = max_.get(f"/contacts/imports/{job.pk}/columns/").content.decode()
    assert "New attribute" in page
    form = {
        "match_on": "mrn", "column-0": "mrn", "column-1": "last_name", "column-2": "", "date_format": "%Y-%m-%d",
        "relation": "patient", "mode": "update", "create": "2", "new-2-label": "Plan tier", "new-2-type": "choice",
        "new-2-level": "2", "new-2-choices": "Gold\nSilver",
    }  # fmt: skip
    page = max_.post(f"/contacts/imports/{job.pk}/columns/", form).content.decode()
    assert '<option value="attributes.plan_tier" selected>Plan tier</option>' in page
    job.refresh_from_db()
    assert job.opened()["mapping"]["columns"]["Tier"] == "attributes.plan_tier", "kept, because it was complete"
    jobs.import_check(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    jobs.import_start(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    assert (job.new, job.rejected) == (3, 0), "an odd cell costs the cell"
    assert "none of the choices" in json.dumps(job.opened()["unread_reasons"])
    silver = found_by({"field": "attribute.plan_tier", "op": "is", "value": "Silver"})
    assert len(silver) == 1
