"""The rule while somebody builds it: read from the form, changed by a button, perhaps not complete yet.

Pure. A draft is the JSON of a rule, with the same shape but without promises: `rules.parse` decides whether it
can be counted and saved.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from apps.contacts.person.fields import FIELDS, FieldSpec

from .rules.facts import ranged, spec_of
from .rules.nodes import UNITS
from .rules.vocabulary import EVENT_KINDS, NUMBER_OPERATORS

Draft = dict[str, Any]
Path = tuple[int, ...]

#: A new row asks nothing yet: a guess would sit in somebody's rule as if they had meant it.
NEW_CONDITION: Draft = {"field": ""}
EVERYBODY: Draft = {"match": "all", "rules": []}
LARGEST = 200


def key(path: Path) -> str:
    """The name of a node in the form: ``n`` for the root, ``n0-1`` for the second part of the first."""
    return "n" + "-".join(str(index) for index in path)


def path_of(text: str) -> Path:
    """The inverse of ``key``. Raises ValueError for anything else."""
    if not text.startswith("n"):
        raise ValueError(text)
    return tuple(int(part) for part in text[1:].split("-")) if text != "n" else ()


def read(form: Mapping[str, str], fields: Mapping[str, FieldSpec] = FIELDS) -> Draft:
    """The draft of a posted form: ``shape`` is nested lists (groups) of zeros (conditions).

    Without a shape that can be read nobody knows what was asked: one condition stands there that asks nothing yet, so
    that no rule becomes "everybody" by a form that did not arrive whole.
    """
    try:
        shape = json.loads(form.get("shape", ""))
    except (ValueError, RecursionError):
        shape = None
    if not isinstance(shape, list):
        shape = [0]
        form = {name: value for name, value in form.items() if name == "n.match"}
    return _read(form, shape, (), [LARGEST], fields)


def _read(
    form: Mapping[str, str], shape: object, path: Path, budget: list[int], fields: Mapping[str, FieldSpec]
) -> Draft:
    budget[0] -= 1
    if isinstance(shape, list):
        match = form.get(f"{key(path)}.match", "all")
        children = [
            _read(form, part, (*path, index), budget, fields)
            for index, part in enumerate(shape)
            if budget[0] > 0 and len(path) < 12
        ]
        return {"match": match, "rules": children}
    return _condition(form, key(path), fields)


def shape_of(draft: Draft) -> str:
    """The ``shape`` that ``read`` expects."""

    def shape(node: Draft) -> object:
        return [shape(child) for child in node["rules"]] if "match" in node else 0

    return json.dumps(shape(draft), separators=(",", ":"))


def _condition(form: Mapping[str, str], name: str, fields: Mapping[str, FieldSpec]) -> Draft:
    def given(part: str) -> str:
        return form.get(f"{name}.{part}", "").strip()

    kind, _, detail = given("what").partition(":")
    if not kind:
        return copy.deepcopy(NEW_CONDITION)
    if kind == "event":
        return _event(detail, given)
    if kind == "engagement":
        node = {"engagement": detail, **_repeat(given)}
        if given("campaign"):
            node["campaign"] = given("campaign")
        if given("when") == "last":
            node |= _span(given, "last_days", 180)
        return node
    if kind == "appointment":
        if (given("op") or "booked") == "none_upcoming":
            return {"appointment": "none_upcoming"}
        return {"appointment": "booked", **_span(given, "days", 14, "in_next_days")}
    if kind == "consent":
        return {"consent": detail, "state": given("op") or "granted"}
    if kind == "segment":
        return {"segment": given("value"), "op": given("op") or "in"}
    return _attribute(detail, given, fields) if detail else copy.deepcopy(NEW_CONDITION)


def _attribute(name: str, given: Any, fields: Mapping[str, FieldSpec]) -> Draft:
    spec = spec_of(name, fields)
    if name == "age":
        operator = given("op") if given("op") in ("between", "at_least", "at_most") else "between"
        node: Draft = {"field": "age", "op": operator}
        if operator != "at_most":
            node["from"] = _number(given("from"), 18)
        if operator != "at_least":
            node["to"] = _number(given("to"), 64)
        return node
    if spec is not None and spec.type == "number" and ranged(spec):
        operator = given("op")
        if operator in ("exists", "missing"):
            return {"field": name, "op": operator}
        node = {"field": name, "op": operator if operator in NUMBER_OPERATORS else "between"}
        low, high = (
            (spec.numbers.spoken(each) for each in (spec.numbers.low, spec.numbers.high)) if spec.numbers else (0, 0)
        )
        if node["op"] != "at_most":
            node["from"] = _decimal(given("from"), low)
        if node["op"] != "at_least":
            node["to"] = _decimal(given("to"), high)
        return node
    if spec is not None and spec.type == "date" and (ranged(spec) or not name.startswith("attribute.")):
        operator = given("op")
        node = {"field": name, "op": operator if operator in _DATE_PARTS else "between"}
        for part, fallback in _DATE_PARTS[node["op"]].items():
            node |= _span(given, part, fallback) if isinstance(fallback, int) else {part: given(part)}
        return node
    operator = given("op") or "is"
    if operator in _DATE_PARTS and operator not in ("exists", "missing"):
        operator = "is"
    if operator in ("exists", "missing"):
        return {"field": name, "op": operator}
    value = given("value")
    if operator in ("in", "not_in"):
        return {"field": name, "op": operator, "value": [part.strip() for part in value.split(",") if part.strip()]}
    choices = [code for code, _ in spec.choices] if spec is not None else []
    if choices and value not in choices:
        value = choices[0]
    return {"field": name, "op": operator, "value": value}


_DATE_PARTS: dict[str, dict[str, Any]] = {
    "between": {"from": "", "to": ""},
    "on": {"value": ""},
    "before": {"value": ""},
    "after": {"value": ""},
    "in_last_days": {"days": 30},
    "in_next_days": {"days": 30},
    "anniversary_in_days": {"days": 7},
    "exists": {},
    "missing": {},
}


def _event(kind: str, given: Any) -> Draft:
    node: Draft = {"event": kind if kind in EVENT_KINDS else "encounter", **_repeat(given)}
    which = given("which")
    if which == "class" and kind == "encounter":
        node["class"] = given("class") or "wellness"
    elif which == "code":
        _, system, code = split_code(given("code"))
        node["code"], node["system"] = code, system or EVENT_KINDS[node["event"]][1]
    elif which == "set":
        node["set"] = given("set")
    when = given("when")
    if when in ("since", "between"):
        node["from"] = given("from")
    if when in ("until", "between"):
        node["to"] = given("to")
    if when == "last":
        node |= _span(given, "last_days", 365)
    return node


def _span(given: Any, part: str, fallback: int, name: str = "") -> Draft:
    """A number and its unit; days are not named, as in every rule that is older than the other units."""
    found: Draft = {name or part: _number(given(part), fallback)}
    return found | ({"unit": given("unit")} if given("unit") in UNITS[1:] else {})


def _repeat(given: Any) -> Draft:
    if given("op") == "never":
        return {"op": "never"}
    return {"op": "at_least", "times": _number(given("times"), 1)}


def _number(text: str, fallback: int) -> Any:
    """A whole number; text that is none stays text, so that the rule can say what is wrong with it."""
    if not text:
        return fallback
    return int(text) if text.isdecimal() and len(text) < 7 else text


def join_code(term: str | None, system: str, code: str) -> str:
    """A code as the picker shows it: ``Influenza, seasonal (CVX 140)``."""
    return f"{term} ({system} {code})" if term else f"{system} {code}"


def split_code(text: str) -> tuple[str, str, str]:
    """Term, system and code of a picked or typed code; a bare code has no system."""
    term, system_code = "", text.strip()
    if system_code.endswith(")") and "(" in system_code:
        term, _, system_code = system_code[:-1].rpartition("(")
    system, _, code = system_code.strip().rpartition(" ")
    return term.strip(), system.strip(), code.strip()


def unchosen(draft: Draft, path: Path = ()) -> list[Path]:
    """Where conditions stand that look at nothing yet, in the order of the page."""
    if "match" not in draft:
        return [path] if draft == NEW_CONDITION else []
    return [found for index, child in enumerate(draft["rules"]) for found in unchosen(child, (*path, index))]


# -- Changes ---------------------------------------------------------------------------------------------------


def change(draft: Draft, action: str) -> tuple[Draft, Path]:
    """Apply ``add:KEY``, ``group:KEY``, ``remove:KEY``, ``up:KEY``, ``down:KEY`` or ``move:KEY:GROUP:INDEX``.

    Returns the new draft and the path where the focus belongs. An action that makes no sense changes nothing.
    """
    tree = copy.deepcopy(draft)
    verb, *rest = action.split(":")
    try:
        path = path_of(rest[0]) if rest else ()
        if verb in ("add", "group"):
            group = _node(tree, path)
            new = copy.deepcopy(NEW_CONDITION)
            group["rules"].append(new if verb == "add" else {"match": "any", "rules": [new]})
            return tree, (*path, len(group["rules"]) - 1)
        if verb == "remove" and path:
            _node(tree, path[:-1])["rules"].pop(path[-1])
            left = len(_node(tree, path[:-1])["rules"])
            return tree, (*path[:-1], min(path[-1], left - 1)) if left else path[:-1]
        if verb in ("up", "down") and path:
            return _step(tree, path, verb == "up")
        if verb == "move" and path:
            return _move(tree, path, path_of(rest[1]), int(rest[2]))
    except (ValueError, IndexError, KeyError, TypeError):
        pass
    return draft, ()


def _node(tree: Draft, path: Path) -> Draft:
    for index in path:
        tree = tree["rules"][index]
    return tree


def _step(tree: Draft, path: Path, up: bool) -> tuple[Draft, Path]:
    """One place up or down: into a neighboring group, past a condition, or out of its own group."""
    parent, at = path[:-1], path[-1]
    rows = _node(tree, parent)["rules"]
    to = at - 1 if up else at + 1
    if 0 <= to < len(rows):
        node = rows.pop(at)
        neighbor = rows[at - 1 if up else at]
        if "match" in neighbor:
            place = len(neighbor["rules"]) if up else 0
            neighbor["rules"].insert(place, node)
            return tree, (*parent, at - 1 if up else at, place)
        rows.insert(to, node)
        return tree, (*parent, to)
    if not parent:
        return tree, path
    node = rows.pop(at)
    outer, place = parent[:-1], parent[-1] + (0 if up else 1)
    _node(tree, outer)["rules"].insert(place, node)
    return tree, (*outer, place)


def _move(tree: Draft, path: Path, group: Path, index: int) -> tuple[Draft, Path]:
    """Drag and drop: the node at ``path`` to place ``index`` of ``group`` (both as they were before the drag)."""
    if group[: len(path)] == path:
        return tree, path
    target = _node(tree, group)["rules"]
    source = _node(tree, path[:-1])["rules"]
    node = source.pop(path[-1])
    target.insert(index, node)
    place = next(number for number, child in enumerate(target) if child is node)
    return tree, _path_to(tree, node) or (*group, place)


def _path_to(tree: Draft, wanted: Draft, path: Path = ()) -> Path | None:
    for number, child in enumerate(tree.get("rules", [])):
        if child is wanted:
            return (*path, number)
        found = _path_to(child, wanted, (*path, number))
        if found:
            return found
    return None


def _decimal(text: str, fallback: object) -> int | float | str:
    """A number as JSON has it; what is none stays as it was typed, for the error beside it."""
    text = (text or str(fallback)).replace(",", "")
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


def undo_state(draft: Draft) -> str:
    """The draft as text, for the undo stack in the page and for "unsaved"."""
    return json.dumps(draft, sort_keys=True, separators=(",", ":"))


def restored(text: str) -> Draft | None:
    """A draft from ``undo_state``; None for anything else."""
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, dict) and isinstance(tree.get("rules"), list) else None
