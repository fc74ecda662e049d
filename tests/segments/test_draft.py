"""The rule while somebody builds it: what the form says, what a button or a drag does."""

from __future__ import annotations

from typing import Any

import pytest

from apps.segments import draft, rules
from apps.segments.conditions.base.controls import Offer, join_code, split_code
from apps.segments.rows import Row, rows

A, B, C, D = ({"field": "sex", "op": "is", "value": value} for value in ("F", "M", "X", "U"))


def tree(*nodes: Any, match: str = "all") -> dict[str, Any]:
    return {"match": match, "rules": list(nodes)}


def form_of(row: Row) -> dict[str, str]:
    """What a browser would post for the drawn rows."""
    posted: dict[str, str] = {}

    def fill(each: Row) -> None:
        if each.is_group:
            posted[f"{each.key}.match"] = each.match
            for child in each.children:
                fill(child)
            return
        posted[f"{each.key}.what"] = each.what
        controls = [control for part in each.parts for control in part.controls if control.name]
        posted.update({f"{each.key}.{control.name}": control.value for control in controls})

    fill(row)
    return posted


KINDS = [
    A,
    {"field": "sex", "op": "missing"},
    {"field": "city", "op": "in", "value": ["Lexington", "Ashland"]},
    {"field": "last_name", "op": "starts_with", "value": "Mac"},
    {"field": "birth_date", "op": "between", "from": "1952-01-01", "to": "1976-12-31"},
    {"field": "birth_date", "op": "before", "value": "1952-01-01"},
    {"field": "birth_date", "op": "anniversary_in_days", "days": 7},
    {"field": "birth_date", "op": "in_last_days", "days": 10, "unit": "years"},
    {"field": "age", "op": "between", "from": 18, "to": 64},
    {"field": "age", "op": "at_least", "from": 65},
    {"field": "age", "op": "at_most", "to": 17},
    {"event": "encounter", "op": "at_least", "times": 2, "class": "wellness", "from": "2018-01-01"},
    {"event": "immunization", "op": "never", "code": "140", "system": "CVX", "last_days": 400},
    {"event": "condition", "op": "at_least", "times": 1, "set": "diabetes"},
    {"event": "procedure", "op": "never", "to": "2020-01-01"},
    {"appointment": "booked", "in_next_days": 14},
    {"appointment": "booked", "in_next_days": 2, "unit": "weeks"},
    {"event": "encounter", "op": "never", "last_days": 18, "unit": "months"},
    {"engagement": "clicked", "op": "never", "last_days": 1, "unit": "years"},
    {"appointment": "none_upcoming"},
    {"consent": "marketing", "state": "none"},
    {"engagement": "clicked", "op": "at_least", "times": 1, "campaign": "Flu", "last_days": 180},
    {"engagement": "read", "op": "never"},
    {"segment": "Women", "op": "not_in"},
]


@pytest.mark.parametrize("node", KINDS, ids=lambda node: "-".join(str(value) for value in node.values())[:40])
def test_every_condition_survives_the_form_and_is_a_rule(node: dict[str, Any]) -> None:
    whole = tree(node, tree(node, match="none"))
    offer = Offer(segments=["Women"], campaigns=["Flu"], sets=[("diabetes", "Diabetes")])
    drawn = rows(whole, offer, lambda system, code: "Influenza (seasonal)")
    posted = form_of(drawn) | {"shape": draft.shape_of(whole)}
    assert draft.read(posted) == whole
    assert rules.parse(whole).to_document() == whole


def test_a_form_that_nobody_made_by_hand_is_survived() -> None:
    for shape in ("", "[", "{}", "[" * 5000, "[0,[0,[0]]]", "[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]"):
        assert draft.read({"shape": shape})["match"] == "all"
    assert len(draft.read({"shape": str([0] * 5000)})["rules"]) < 201


@pytest.mark.parametrize(
    ("action", "after", "focus"),
    [
        ("add:n", tree(A, tree(B, C), D, draft.NEW_CONDITION), (3,)),
        ("add:n1", tree(A, tree(B, C, draft.NEW_CONDITION), D), (1, 2)),
        ("group:n", tree(A, tree(B, C), D, tree(draft.NEW_CONDITION, match="any")), (3,)),
        ("remove:n0", tree(tree(B, C), D), (0,)),
        ("remove:n1-1", tree(A, tree(B), D), (1, 0)),
        ("remove:n2", tree(A, tree(B, C)), (1,)),
        ("up:n0", tree(A, tree(B, C), D), (0,)),
        ("down:n0", tree(tree(A, B, C), D), (0, 0)),
        ("up:n2", tree(A, tree(B, C, D)), (1, 2)),
        ("up:n1-0", tree(A, B, tree(C), D), (1,)),
        ("down:n1-1", tree(A, tree(B), C, D), (2,)),
        ("down:n1-0", tree(A, tree(C, B), D), (1, 1)),
        ("move:n0:n1:1", tree(tree(B, A, C), D), (0, 1)),
        ("move:n2:n:0", tree(D, A, tree(B, C)), (0,)),
        ("move:n1-0:n:3", tree(A, tree(C), D, B), (3,)),
        ("move:n1:n1:0", tree(A, tree(B, C), D), (1,)),
        ("move:n9:n:0", tree(A, tree(B, C), D), ()),
        ("explode:n0", tree(A, tree(B, C), D), ()),
        ("remove:n", tree(A, tree(B, C), D), ()),
    ],
)
def test_a_button_or_a_drag_changes_one_thing(action: str, after: dict[str, Any], focus: tuple[int, ...]) -> None:
    before = tree(A, tree(B, C), D)
    assert draft.change(before, action) == (after, focus)
    assert before == tree(A, tree(B, C), D)


def test_a_picked_code_is_taken_apart_again() -> None:
    shown = join_code("Influenza (seasonal)", "CVX", "140")
    assert split_code(shown) == ("Influenza (seasonal)", "CVX", "140")
    assert split_code("140") == ("", "", "140")
    assert split_code("SNOMED 44054006") == ("", "SNOMED", "44054006")


def test_only_sets_of_the_kind_are_offered_and_the_chosen_one_stays() -> None:
    every = [("asthma", "Asthma"), ("influenza_vaccine", "Influenza vaccine"), ("wellness_visit", "Wellness visit")]
    offered = {
        ("condition", "asthma"): ["asthma"],
        ("immunization", "influenza_vaccine"): ["influenza_vaccine"],
        ("encounter", "wellness_visit"): ["wellness_visit"],
        ("encounter", "asthma"): ["asthma", "wellness_visit"],
    }
    for (kind, chosen), names in offered.items():
        node = {"event": kind, "op": "at_least", "times": 1, "set": chosen}
        row = rows(tree(node), Offer(sets=every), lambda _system, _code: None).children[0]
        (control,) = [each for part in row.parts for each in part.controls if each.name == "set"]
        assert [value for value, _ in control.choices] == names
