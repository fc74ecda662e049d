"""A random sample is chosen once: the same people every time, and nobody but chance chose them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from apps.audit.models import AuditEntry
from apps.contacts import services as contacts
from apps.contacts.person import selectors as people
from apps.core import actors, clock
from apps.segments import counting, draft, rules, selectors, services
from tests.refusals import refused

CLI = actors.COMMAND_LINE


def sample(percent: object, key: object = "autumn") -> rules.Rule:
    return rules.parse({"match": "all", "rules": [{"sample": percent, "key": key}]})


def members(percent: float, key: str = "autumn", people: int = 20_000) -> set[int]:
    """Who of the people with the numbers from 1 on is in, by the evaluator."""
    rule, now = sample(percent, key), clock.now()
    someone = SimpleNamespace(id=0, profile={}, consents={}, events=None, appointments=None)
    found = set()
    for number in range(1, people + 1):
        someone.id = number
        if rules.matches(rule, someone, now):
            found.add(number)
    return found


@pytest.mark.parametrize("percent", [0.5, 10, 62.5])
def test_a_sample_has_its_share_of_everybody(percent: float) -> None:
    expected = 20_000 * percent / 100
    spread = (20_000 * percent / 100 * (1 - percent / 100)) ** 0.5
    assert abs(len(members(percent)) - expected) < 4 * spread


def test_a_larger_share_keeps_everybody_of_a_smaller_one_and_another_key_is_independent() -> None:
    tenth, half = members(10), members(50)
    assert tenth < half
    both = len(half & members(50, "winter"))
    assert abs(both - 5_000) < 250, "a quarter of everybody is in two independent halves"


@pytest.mark.parametrize("percent", [0, 0.05, 100, 12.55, -1, "10", True, None, float("nan"), float("inf"), 10**400])
def test_a_share_has_one_decimal_and_is_neither_nobody_nor_everybody(percent: object) -> None:
    with refused("condition.percentage_malformed"):
        sample(percent)


@pytest.mark.parametrize("key", [None, "", "two words", "k" * 65, 7])
def test_a_sample_needs_its_key(key: object) -> None:
    with refused("condition.sample_key_malformed"):
        sample(10, key)


def test_whole_percentages_are_written_without_a_decimal() -> None:
    assert sample(10.0).to_document() == sample(10).to_document()
    assert str(sample(10.0).to_document()) == "{'match': 'all', 'rules': [{'sample': 10, 'key': 'autumn'}]}"


def test_the_key_is_made_when_the_condition_is_added_and_stays() -> None:
    added = draft.read({"shape": "[0,0]", "n0.what": "sample:", "n1.what": "sample:"})
    first, second = added["rules"]
    assert first["key"] != second["key"], "two samples of one rule are independent"
    again = draft.read({"shape": "[0]", "n0.what": "sample:", "n0.percent": "20", "n0.key": first["key"]})
    assert again["rules"] == [{"sample": 20, "key": first["key"]}]
    moved, _ = draft.change(added, "down:n0")
    assert moved["rules"] == [second, first]


@pytest.fixture
def town() -> list[int]:
    profiles: list[dict[str, Any]] = [{"first_name": "Ana", "last_name": f"Number{number}"} for number in range(60)]
    return [record.id for record in contacts.contacts_create(actor=CLI, profiles=profiles)]


@pytest.mark.django_db
def test_a_sample_is_the_same_at_every_count_and_in_a_copy_and_opens_nobody(town: list[int]) -> None:
    rule = {"match": "all", "rules": [{"sample": 40, "key": "autumn"}]}
    saved = services.segment_save(actor=CLI, name="Forty percent", rule=rule)
    before = AuditEntry.objects.count()
    found = counting.everyone_in(saved.pk)
    assert 0 < len(found) < len(town)
    assert counting.everyone_in(saved.pk) == found
    assert counting.count(sample(40)).count == len(found)
    assert AuditEntry.objects.count() == before, "opening somebody would be on the trail"
    copy = services.segment_duplicate(actor=CLI, segment_id=saved.pk)
    assert selectors.by_name("Forty percent (copy)").rule == sample(40)
    assert counting.everyone_in(copy.pk) == found


@pytest.mark.django_db
def test_what_planning_chose_is_what_sending_finds(town: list[int]) -> None:
    opened = people.open_people(actor=CLI, purpose="scene", ids=town)
    for tenths in range(1, 1000, 37):
        rule = sample(tenths / 10, "winter")
        planned = set(counting.page_of_ids(rule, 100))
        sent = {number for number, record in opened.items() if rules.verdict(rule, record, clock.now())}
        assert planned == sent
