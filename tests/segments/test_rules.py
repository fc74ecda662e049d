"""Rules as a table: what is accepted, what is refused and how it is said, what they mean at the edges."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.core.levels import Level
from apps.segments import rules
from apps.segments.conditions.base.windows import MOST, age_on, anniversary_days, shifted, years_before
from tests.refusals import refused

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


def person(**given: Any) -> SimpleNamespace:
    facts = {"profile": {}, "consents": {}, "events": [], "appointments": []} | given
    return SimpleNamespace(**facts)


def rule(*nodes: dict[str, Any], match: str = "all") -> rules.Rule:
    return rules.parse({"match": match, "rules": list(nodes)})


def holds(node: dict[str, Any], someone: SimpleNamespace, now: datetime = NOW, match: str = "all") -> bool:
    return rules.matches(rule(node, match=match), someone, now, NEW_YORK)


EVERY_KIND = [
    ({"field": "sex", "op": "is", "value": "F"}, "Sex is female", Level.IDENTIFIER),
    ({"field": "language", "op": "is", "value": "es"}, "Language is Spanish", Level.IDENTIFIER),
    ({"field": "sex", "op": "is_not", "value": "F"}, "Sex is not female, or not known", Level.IDENTIFIER),
    ({"field": "city", "op": "in", "value": ["Lexington", "Ashland"]}, "City is Lexington or Ashland", 1),
    (
        {"field": "state", "op": "not_in", "value": ["KY", "OH", "IN"]},
        "State is not one of KY, OH or IN, or not known",
        1,
    ),
    ({"field": "last_name", "op": "starts_with", "value": "Mac"}, "Last name starts with “Mac”", 1),
    ({"field": "email", "op": "exists"}, "E-mail is known", 1),
    ({"field": "birth_date", "op": "missing"}, "Birth date is not known", 1),
    ({"field": "attribute.company", "op": "is", "value": "Acme"}, "Company is Acme", 2),
    (
        {"field": "birth_date", "op": "between", "from": "1952-01-01", "to": "1976-12-31"},
        "Birth date is between Jan 1, 1952 and Dec 31, 1976",
        1,
    ),
    ({"field": "birth_date", "op": "before", "value": "1952-01-01"}, "Birth date is before Jan 1, 1952", 1),
    ({"field": "birth_date", "op": "after", "value": "1952-01-01"}, "Birth date is after Jan 1, 1952", 1),
    ({"field": "birth_date", "op": "on", "value": "1952-01-01"}, "Birth date is Jan 1, 1952", 1),
    ({"field": "birth_date", "op": "in_last_days", "days": 30}, "Birth date is within the last 30 days", 1),
    (
        {"field": "birth_date", "op": "in_last_days", "days": 1, "unit": "years"},
        "Birth date is within the last year",
        1,
    ),
    (
        {"event": "encounter", "op": "never", "last_days": 18, "unit": "months"},
        "Has had no visit in the last 18 months",
        2,
    ),
    ({"appointment": "booked", "in_next_days": 2, "unit": "weeks"}, "Has an appointment in the next 2 weeks", 2),
    (
        {"field": "birth_date", "op": "anniversary_in_days", "days": 7},
        "Birthday is within the next 7 days",
        1,
    ),
    ({"field": "age", "op": "between", "from": 18, "to": 64}, "Is 18 to 64 years old", 1),
    ({"field": "age", "op": "at_least", "from": 65}, "Is 65 or older", 1),
    ({"field": "age", "op": "at_most", "to": 17}, "Is 17 or younger", 1),
    (
        {"event": "encounter", "class": "wellness", "op": "at_least", "times": 1, "from": "2018-01-01"},
        "Has had a wellness visit on or after Jan 1, 2018",
        2,
    ),
    (
        {"event": "immunization", "code": "140", "system": "CVX", "op": "never", "from": "2020-09-01"},
        "Has had no vaccination Influenza shot (CVX 140) on or after Sep 1, 2020",
        2,
    ),
    (
        {"event": "encounter", "op": "at_least", "times": 3, "last_days": 365},
        "Has had a visit at least 3 times in the last 365 days",
        2,
    ),
    (
        {"event": "condition", "set": "substance_use", "op": "at_least", "times": 1},
        "Has had a condition of the set “Substance use”",
        3,
    ),
    ({"appointment": "booked", "in_next_days": 14}, "Has an appointment in the next 14 days", 2),
    ({"appointment": "none_upcoming"}, "Has no upcoming appointment", 2),
    ({"consent": "marketing", "state": "granted"}, "Consent for marketing is granted", 2),
    (
        {"engagement": "clicked", "campaign": "Flu 2026", "op": "never", "last_days": 180},
        "Never clicked in the campaign “Flu 2026” in the last 180 days",
        2,
    ),
    ({"engagement": "read", "op": "at_least", "times": 1}, "Read a message in the portal", 2),
]


@pytest.mark.parametrize(("node", "said", "level"), EVERY_KIND, ids=lambda value: str(value)[:40])
def test_every_kind_of_condition_is_read_said_and_written_back(node: dict[str, Any], said: str, level: int) -> None:
    read = rule(node)

    assert rules.sentence(read.rules[0], terms=lambda system, code: "Influenza shot") == said
    assert rules.level(read) == level
    assert rules.parse(read.to_document()).to_document() == read.to_document()


REFUSED = [
    ({"field": "sex", "op": "is", "value": ""}, "Condition 1: choose or type a value"),
    ({"field": "shoe_size", "op": "is", "value": "9"}, "Condition 1: there is no attribute of that name"),
    ({"field": "address_line", "op": "is", "value": "x"}, "kept sealed and cannot be searched"),
    ({"field": "sex", "op": "like", "value": "F"}, "“op” must be one of is, is_not"),
    ({"field": "last_name", "op": "starts_with", "value": "Mackenzie"}, "two to four letters"),
    ({"field": "city", "op": "starts_with", "value": "Lex"}, "works for names"),
    ({"field": "birth_date", "op": "on", "value": "12/31/1980"}, "must be a date like 2026-11-22"),
    ({"field": "birth_date", "op": "on", "value": "1980-02-30"}, "must be a date like 2026-11-22"),
    (
        {"field": "birth_date", "op": "between", "from": "1990-01-01", "to": "1980-01-01"},
        "earlier date comes first",
    ),
    ({"field": "age", "op": "between", "from": 64, "to": 18}, "lower age comes first"),
    ({"field": "age", "op": "at_least", "from": "18"}, "whole number from 0 to 130"),
    ({"event": "birth", "op": "never"}, "“event” must be one of condition"),
    ({"event": "condition", "code": "1", "set": "diabetes"}, "not both"),
    ({"event": "condition", "from": "2020-01-01", "last_days": 3}, "not both"),
    ({"event": "condition", "op": "never", "last_days": 3, "unit": "fortnights"}, "“unit” must be one of"),
    ({"event": "condition", "op": "never", "last_days": 11, "unit": "years"}, "10"),
    ({"event": "condition", "op": "never", "unit": "years"}, "belongs to a number"),
    ({"appointment": "booked", "unit": "weeks"}, "belongs to a number"),
    ({"field": "birth_date", "op": "on", "value": "2020-01-01", "unit": "weeks"}, "not known here"),
    ({"event": "condition", "clas": "wellness"}, "not known here"),
    ({"event": "condition", "times": True}, "whole number"),
    ({"appointment": "soon"}, "must be one of booked"),
    ({"consent": "marketing", "state": "maybe"}, "must be one of granted"),
    ({"engagement": "opened"}, "must be one of sent"),
    ({"segment": "", "op": "in"}, "fill in “segment”"),
    ({"colour": "red"}, "exactly one of field"),
    ({"field": "sex", "event": "condition"}, "exactly one of field"),
    ({"match": "all", "rules": []}, "this group is empty"),
    ({"match": "some", "rules": []}, "“match” must be one of all, any, none"),
    ("F", "an object with named parts"),
]


@pytest.mark.parametrize(("node", "said"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_condition_that_cannot_be_used_says_what_to_do(node: Any, said: str) -> None:
    with pytest.raises(rules.RuleError, match="Condition 1") as caught:
        rules.parse({"match": "all", "rules": [node]})
    assert said in str(caught.value)
    assert caught.value.path == (0,)


def test_errors_count_conditions_as_a_person_does() -> None:
    inner = {"match": "any", "rules": [{"consent": "marketing", "state": "granted"}, {"field": "age"}]}
    with refused("condition.value_unknown", r"^Condition 2\.2: “op” must be"):
        rules.parse({"match": "all", "rules": [{"field": "sex", "op": "exists"}, inner]})


@pytest.mark.parametrize("tree", [None, [], {}, {"field": "sex"}, {"match": "any", "rules": []}])
def test_a_rule_is_a_group(tree: object) -> None:
    with pytest.raises(rules.RuleError, match=r"^The rule: "):
        rules.parse(tree)


def test_a_rule_cannot_grow_without_bound() -> None:
    deep: dict[str, Any] = {"field": "sex", "op": "exists"}
    for _ in range(12):
        deep = {"match": "all", "rules": [deep]}
    with refused("rule.too_deep"):
        rules.parse(deep)
    with refused("rule.too_many_conditions"):
        rules.parse({"match": "any", "rules": [{"field": "sex", "op": "exists"}] * 101})


def test_an_empty_all_is_everybody_and_nested_groups_are_said_in_parentheses() -> None:
    assert rules.sentence(rules.parse({"match": "all", "rules": []})) == "Everybody"
    tree = {
        "match": "all",
        "rules": [
            {"field": "sex", "op": "is", "value": "F"},
            {
                "match": "any",
                "rules": [{"field": "age", "op": "at_least", "from": 65}, {"appointment": "none_upcoming"}],
            },
            {"match": "none", "rules": [{"consent": "marketing", "state": "denied"}]},
        ],
    }
    assert rules.sentence(rules.parse(tree)) == (
        "Sex is female and (is 65 or older or has no upcoming appointment) and not (consent for marketing is denied)"
    )


def test_nobody_without_a_birth_date_has_an_age_and_none_is_the_complement() -> None:
    nobody_knows = person()
    for node in ({"field": "age", "op": "at_least", "from": 0}, {"field": "age", "op": "at_most", "to": 130}):
        assert not holds(node, nobody_knows)
        assert holds(node, nobody_knows, match="none")


@pytest.mark.parametrize(
    ("born", "today", "years"),
    [
        ("2008-11-22", "2026-11-22", 18),
        ("2008-11-23", "2026-11-22", 17),
        ("2008-02-29", "2026-02-28", 17),
        ("2008-02-29", "2026-03-01", 18),
        ("2008-02-29", "2028-02-29", 20),
        ("2006-02-28", "2024-02-29", 18),
        ("2006-03-01", "2024-02-29", 17),
    ],
)
def test_birthdays_fall_on_the_right_day(born: str, today: str, years: int) -> None:
    born_on, on = date.fromisoformat(born), date.fromisoformat(today)
    assert age_on(born_on, on) == years
    noon = datetime(on.year, on.month, on.day, 17, tzinfo=UTC)
    someone = person(profile={"birth_date": born})
    assert holds({"field": "age", "op": "at_least", "from": years}, someone, noon)
    assert not holds({"field": "age", "op": "at_least", "from": years + 1}, someone, noon)
    assert holds({"field": "age", "op": "at_most", "to": years}, someone, noon)
    assert not holds({"field": "age", "op": "at_most", "to": years - 1}, someone, noon)


def test_days_are_those_of_the_clinic_not_of_the_server() -> None:
    late_evening_in_new_york = datetime(2026, 11, 23, 3, tzinfo=UTC)
    born = person(profile={"birth_date": "2008-11-23"})
    assert not holds({"field": "age", "op": "at_least", "from": 18}, born, late_evening_in_new_york)
    assert rules.matches(rule({"field": "age", "op": "at_least", "from": 18}), born, late_evening_in_new_york)


def test_a_leap_day_birthday_is_kept_on_the_last_of_february() -> None:
    assert (2, 29) in anniversary_days(0, date(2026, 2, 28))
    assert (2, 29) not in anniversary_days(0, date(2028, 2, 28))
    assert (2, 29) in anniversary_days(1, date(2028, 2, 28))
    assert years_before(date(2024, 2, 29), 1) == date(2023, 2, 28)


def test_a_person_is_a_patient_until_the_record_says_otherwise() -> None:
    patient = {"field": "relation", "op": "is", "value": "patient"}
    assert holds(patient, person())
    assert not holds(patient, person(profile={"relation": "b2b"}))


def test_words_are_equal_whatever_their_case_accents_and_spaces() -> None:
    someone = person(profile={"last_name": "Öberg-Quist", "email": "Dana@Clinic.TEST", "phone": "+1 502 555 0117"})
    assert holds({"field": "last_name", "op": "is", "value": "oberg"}, someone)
    assert holds({"field": "last_name", "op": "starts_with", "value": "QUI"}, someone)
    assert holds({"field": "email", "op": "is", "value": "dana@clinic.test"}, someone)
    assert holds({"field": "phone", "op": "is", "value": "(502) 555-0117"}, someone)


def test_why_is_told_for_every_node() -> None:
    tree = rules.parse(
        {
            "match": "all",
            "rules": [
                {"field": "sex", "op": "is", "value": "F"},
                {"match": "none", "rules": [{"event": "encounter", "op": "at_least", "times": 1}]},
            ],
        }
    )
    seen = person(profile={"sex": "F"}, events=[{"kind": "encounter", "on": "2026-01-01"}])
    why = rules.explain(tree, seen, NOW, NEW_YORK)
    assert (why.sentence, why.matched) == ("All of these", False)
    assert [(part.sentence, part.matched) for part in why.children] == [
        ("Sex is female", True),
        ("None of these", False),
    ]
    assert why.children[1].children[0].matched


def test_a_segment_of_segments_ends_and_a_circle_is_refused() -> None:
    women = rule({"field": "sex", "op": "is", "value": "F"})
    of_women = rule({"segment": "Women", "op": "in"})
    circle = rule({"segment": "Circle", "op": "in"})
    names = rules.Names(segments={"Women": women, "Circle": circle})
    someone = person(profile={"sex": "F"})
    assert rules.matches(of_women, someone, NOW, NEW_YORK, names)
    assert rules.level(of_women, names) == Level.IDENTIFIER
    with refused("segment.looks_at_itself"):
        rules.matches(circle, someone, NOW, NEW_YORK, names)
    with refused("segment.unknown"):
        rules.matches(rule({"segment": "Gone", "op": "in"}), someone, NOW, NEW_YORK, names)


def test_a_rule_prints_nothing_of_what_it_holds() -> None:
    assert "Secret" not in repr(rule({"field": "last_name", "op": "is", "value": "Secret"}))


WOMAN, SEEN = {"field": "sex", "op": "is", "value": "F"}, {"event": "encounter", "op": "at_least", "times": 1}


@pytest.mark.parametrize(
    ("tree", "woman", "man"),
    [
        ({"match": "all", "rules": [WOMAN]}, True, False),
        ({"match": "all", "rules": [WOMAN, SEEN]}, None, False),
        ({"match": "any", "rules": [WOMAN, SEEN]}, True, None),
        ({"match": "none", "rules": [WOMAN]}, False, True),
        ({"match": "none", "rules": [WOMAN, SEEN]}, False, None),
        ({"match": "all", "rules": [{"match": "none", "rules": [SEEN]}]}, None, None),
        ({"match": "all", "rules": [{"segment": "Women", "op": "not_in"}]}, False, True),
        ({"match": "all", "rules": []}, True, True),
    ],
)
def test_at_the_moment_of_sending_only_attributes_are_asked_again(
    tree: dict[str, Any], woman: bool | None, man: bool | None
) -> None:
    names = rules.Names(segments={"Women": rule(WOMAN)})
    read = rules.parse(tree)
    for sex, expected in (("F", woman), ("M", man)):
        someone = person(profile={"sex": sex}, events=None)
        assert rules.verdict(read, someone, NOW, NEW_YORK, names) is expected


@pytest.mark.parametrize(
    ("day", "number", "unit", "then"),
    [
        ("2026-11-20", -3, "weeks", "2026-10-30"),
        ("2026-03-31", -1, "months", "2026-02-28"),
        ("2028-03-31", -1, "months", "2028-02-29"),
        ("2026-01-15", -1, "months", "2025-12-15"),
        ("2026-10-31", 4, "months", "2027-02-28"),
        ("2028-02-29", -1, "years", "2027-02-28"),
        ("2028-02-29", -4, "years", "2024-02-29"),
        ("2026-11-20", 0, "months", "2026-11-20"),
    ],
)
def test_a_unit_is_counted_on_the_calendar(day: str, number: int, unit: str, then: str) -> None:
    assert shifted(date.fromisoformat(day), number, unit) == date.fromisoformat(then)


def test_longer_spans_begin_earlier_whatever_the_day() -> None:
    """A property over four years of todays: spans are ordered, twelve months are a year, seven days a week."""
    for ahead in range(0, 1462, 7):
        today = date(2025, 1, 31) + timedelta(days=ahead)
        for unit, most in MOST.items():
            starts = [shifted(today, -number, unit) for number in range(0, min(most, 40) + 1)]
            assert starts == sorted(starts, reverse=True)
            assert (today - shifted(today, -most, unit)).days <= 3660, "a range is the list of its days"
        assert shifted(today, -12, "months") == shifted(today, -1, "years") == years_before(today, 1)
        assert shifted(today, -2, "weeks") == shifted(today, -14, "days")


def test_rules_without_a_unit_count_days_and_are_written_as_before() -> None:
    old = {"match": "all", "rules": [{"event": "encounter", "op": "never", "last_days": 365}]}
    assert rules.parse(old).to_document() == old
    spelled = {"match": "all", "rules": [{**old["rules"][0], "unit": "days"}]}
    assert rules.parse(spelled) == rules.parse(old)
    assert rules.parse(spelled).to_document() == old
    (leaf,) = rules.parse(old).rules
    assert leaf.window(date(2026, 11, 20)) == (date(2025, 11, 20), date(2026, 11, 20))


def test_a_birthday_within_the_next_months_is_found_to_the_day() -> None:
    today = date(2026, 11, 30)
    days = anniversary_days(3, today, "months")
    assert (2, 28) in days
    assert (3, 1) not in days
