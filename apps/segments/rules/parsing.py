"""From JSON to a rule. Every error names the node and says what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from apps.contacts.person.fields import FIELDS, FieldSpec
from apps.contacts.timeline.value_sets import VALUE_SETS
from apps.vault.tokens import normalize

from .facts import ranged, searchable, spec_of
from .nodes import (
    DAYS,
    UNITS,
    AgeRule,
    AppointmentRule,
    ConsentRule,
    DateRule,
    EngagementRule,
    EventRule,
    FieldRule,
    Group,
    Json,
    Leaf,
    Node,
    NumberRule,
    Rule,
    RuleError,
    SegmentRule,
)
from .vocabulary import (
    AGE_OPERATORS,
    APPOINTMENT_STATES,
    CONSENT_PURPOSES,
    CONSENT_STATES,
    DATE_OPERATORS,
    ENGAGEMENT_KINDS,
    EVENT_KINDS,
    MATCHES,
    NUMBER_OPERATORS,
    PREFIX_LENGTHS,
    REPEAT_OPERATORS,
    VALUE_OPERATORS,
)
from .windows import BEGINNING, MOST, OLDEST

Path = tuple[int, ...]

DEEPEST = 8
MOST_CONDITIONS = 100
MOST_VALUES = 500
NO_VALUE = "choose or type a value; to find people without one, use “is not known”."
NOTHING_CHOSEN = "choose what to look at, or remove the condition."
NO_CODE = "start typing and choose a line of the list, or choose “any”."
LONGEST_VALUE = 200
MOST_TIMES = 1000


def parse(tree: object, *, fields: Mapping[str, FieldSpec] | None = None) -> Rule:
    """Read a rule from JSON.

    ``tree`` is the decoded JSON; ``fields`` the attributes that may be asked for (the product's own by
    default). Raises :class:`RuleError` for the first node that cannot be used.
    """
    reader = _Reader(FIELDS if fields is None else fields)
    if not isinstance(tree, dict) or "match" not in tree:
        raise RuleError((), 'begin with a group: {"match": "all", "rules": [...]}.')
    rule = reader.group(tree, ())
    if not rule.rules and rule.match != "all":
        raise RuleError((), "add a condition; only an empty “all” means everybody.")
    return rule


class _Reader:
    """One pass over one tree; counts conditions so that no rule grows without bound."""

    def __init__(self, fields: Mapping[str, FieldSpec]) -> None:
        self.fields = fields
        self.conditions = 0

    def node(self, tree: object, path: Path) -> Node:
        if not isinstance(tree, dict):
            raise RuleError(path, "a condition is an object with named parts.")
        if "match" in tree:
            group = self.group(tree, path)
            if not group.rules:
                raise RuleError(path, "this group is empty: add a condition or remove the group.")
            return group
        self.conditions += 1
        if self.conditions > MOST_CONDITIONS:
            raise RuleError(path, f"a rule has at most {MOST_CONDITIONS} conditions: move some to a segment.")
        readers: dict[str, Callable[[Json, Path], Leaf]] = {
            "field": self.field,
            "event": self.event,
            "appointment": self.appointment,
            "consent": self.consent,
            "engagement": self.engagement,
            "segment": self.segment,
        }
        named = [name for name in readers if name in tree]
        if len(named) != 1:
            raise RuleError(path, "a condition has exactly one of " + ", ".join(readers) + ".")
        return readers[named[0]](tree, path)

    def group(self, tree: Json, path: Path) -> Group:
        _only(tree, path, "match", "rules")
        match = _choice(tree, "match", MATCHES, path)
        children = tree.get("rules", [])
        if not isinstance(children, list):
            raise RuleError(path, "“rules” is a list of conditions.")
        if len(path) >= DEEPEST:
            raise RuleError(path, f"groups go at most {DEEPEST} deep: move this one to a segment of its own.")
        return Group(match, tuple(self.node(child, (*path, index)) for index, child in enumerate(children)))

    def field(self, tree: Json, path: Path) -> Leaf:
        if tree == {"field": ""}:
            raise RuleError(path, NOTHING_CHOSEN)
        name = _text(tree, "field", path)
        if name == "age":
            return self.age(tree, path)
        spec = spec_of(name, self.fields)
        if spec is None:
            known = ", ".join(("age", *(each.name for each in self.fields.values() if searchable(each))))
            raise RuleError(path, f"there is no attribute of that name. Known are {known}.")
        if not searchable(spec):
            raise RuleError(path, f"“{spec.label}” is kept sealed and cannot be searched: choose another.")
        # Rules older than the definition of an own attribute ask by equality; they go on to work.
        equality = spec.name.startswith("attribute.") and tree.get("op") in ("is", "is_not", "in", "not_in")
        if spec.type == "date" and not equality and (ranged(spec) or not spec.name.startswith("attribute.")):
            return self.date_field(tree, name, path)
        if ranged(spec) and tree.get("op") in NUMBER_OPERATORS:
            return self.number_field(tree, name, path)
        _only(tree, path, "field", "op", "value")
        operator = _choice(tree, "op", VALUE_OPERATORS, path)
        if operator in ("exists", "missing"):
            return FieldRule(name, operator)
        values = _values(tree.get("value"), path, many=operator in ("in", "not_in"))
        if operator == "starts_with" and spec.search != "words":
            raise RuleError(path, "“starts with” works for names; choose “is” for this attribute.")
        if operator == "starts_with" and len(normalize(values[0])) not in PREFIX_LENGTHS:
            raise RuleError(path, "give two to four letters: the starts of words are searchable so far.")
        return FieldRule(name, operator, values)

    def date_field(self, tree: Json, name: str, path: Path) -> Leaf:
        operator = _choice(tree, "op", DATE_OPERATORS, path)
        if operator in ("exists", "missing"):
            _only(tree, path, "field", "op")
            return FieldRule(name, operator)
        if operator == "between":
            _only(tree, path, "field", "op", "from", "to")
            first, last = _date(tree, "from", path), _date(tree, "to", path)
            _in_order(first, last, path)
            return DateRule(name, operator, first, last)
        if operator in ("in_last_days", "in_next_days", "anniversary_in_days"):
            _only(tree, path, "field", "op", "days", "unit")
            number, unit = _span(tree, "days", path)
            return DateRule(name, operator, days=number, unit=unit)
        _only(tree, path, "field", "op", "value")
        day = _date(tree, "value", path)
        return DateRule(name, operator, last=day) if operator == "before" else DateRule(name, operator, day)

    def number_field(self, tree: Json, name: str, path: Path) -> NumberRule:
        _only(tree, path, "field", "op", "from", "to")
        operator = _choice(tree, "op", NUMBER_OPERATORS, path)
        low = None if operator == "at_most" else _decimal(tree, "from", path)
        high = None if operator == "at_least" else _decimal(tree, "to", path)
        if low is not None and high is not None and low > high:
            raise RuleError(path, "the lower number comes first.")
        return NumberRule(name, operator, low, high)

    def age(self, tree: Json, path: Path) -> AgeRule:
        _only(tree, path, "field", "op", "from", "to")
        operator = _choice(tree, "op", AGE_OPERATORS, path)
        low = None if operator == "at_most" else _number(tree, "from", path, 0, OLDEST)
        high = None if operator == "at_least" else _number(tree, "to", path, 0, OLDEST)
        if low is not None and high is not None and low > high:
            raise RuleError(path, "the lower age comes first.")
        return AgeRule(operator, low, high)

    def event(self, tree: Json, path: Path) -> EventRule:
        _only(tree, path, "event", "op", "times", "class", "code", "system", "set", "from", "to", "last_days", "unit")
        kind = _choice(tree, "event", EVENT_KINDS, path)
        never, times = _repeat(tree, path)
        category = _optional(tree, "class", path)
        code = tree.get("code")
        codes = () if code is None else _values(code, path, many=isinstance(code, list), empty=NO_CODE)
        system = _optional(tree, "system", path)
        if codes and system is None:
            system = EVENT_KINDS[kind][1]
        value_set = _optional(tree, "set", path)
        if value_set is not None and value_set not in VALUE_SETS:
            raise RuleError(path, "there is no set of codes of that name: choose one of the list.")
        if codes and value_set:
            raise RuleError(path, "give a code or a set of codes, not both.")
        for name, words in (("from", "first"), ("to", "last")):
            if tree.get(name) == "":
                raise RuleError(path, f"give the {words} day, or choose “at any time”.")
        first, last = _optional_date(tree, "from", path), _optional_date(tree, "to", path)
        if first and last:
            _in_order(first, last, path)
        if tree.get("last_days") is not None and (first or last):
            raise RuleError(path, "give dates or a number of last days, not both.")
        days, unit = _optional_span(tree, "last_days", path)
        return EventRule(
            kind, codes, system if codes else None, category, value_set, never, times, first, last, days, unit
        )

    def appointment(self, tree: Json, path: Path) -> AppointmentRule:
        _only(tree, path, "appointment", "in_next_days", "unit")
        state = _choice(tree, "appointment", APPOINTMENT_STATES, path)
        if state == "none_upcoming":
            return AppointmentRule(state)
        return AppointmentRule(state, *_optional_span(tree, "in_next_days", path))

    def consent(self, tree: Json, path: Path) -> ConsentRule:
        _only(tree, path, "consent", "state")
        purpose = _choice(tree, "consent", CONSENT_PURPOSES, path)
        return ConsentRule(purpose, _choice(tree, "state", CONSENT_STATES, path))

    def engagement(self, tree: Json, path: Path) -> EngagementRule:
        _only(tree, path, "engagement", "campaign", "op", "times", "last_days", "unit")
        kind = _choice(tree, "engagement", ENGAGEMENT_KINDS, path)
        never, times = _repeat(tree, path)
        days, unit = _optional_span(tree, "last_days", path)
        return EngagementRule(kind, _optional(tree, "campaign", path), never, times, days, unit)

    def segment(self, tree: Json, path: Path) -> SegmentRule:
        _only(tree, path, "segment", "op")
        return SegmentRule(_text(tree, "segment", path), _choice(tree, "op", ("in", "not_in"), path) == "in")


def _span(tree: Json, name: str, path: Path) -> tuple[int, str]:
    """A number of days, or of what ``unit`` names, within ten years."""
    unit = _choice(tree, "unit", UNITS, path) if "unit" in tree else DAYS
    return _number(tree, name, path, 0, MOST[unit]), unit


def _optional_span(tree: Json, name: str, path: Path) -> tuple[int | None, str]:
    """``_span`` where there may be none; a unit without a number is an error."""
    if tree.get(name) is not None:
        return _span(tree, name, path)
    if "unit" in tree:
        raise RuleError(path, "a unit belongs to a number of last or next days.")
    return None, DAYS


def _only(tree: Json, path: Path, *known: str) -> None:
    """A misspelled key would silently widen the audience, so it is an error."""
    if any(name not in known for name in tree):
        raise RuleError(path, "it has a part that is not known here; known are " + ", ".join(known) + ".")


def _choice(tree: Json, name: str, known: Mapping[str, Any] | Sequence[str], path: Path) -> str:
    value = tree.get(name)
    if not isinstance(value, str) or value not in known:
        raise RuleError(path, f"“{name}” must be one of " + ", ".join(known) + ".")
    return value


def _text(tree: Json, name: str, path: Path) -> str:
    value = tree.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_VALUE:
        raise RuleError(path, f"fill in “{name}” (up to {LONGEST_VALUE} characters).")
    return value.strip()


def _optional(tree: Json, name: str, path: Path) -> str | None:
    return None if tree.get(name) in (None, "") else _text(tree, name, path)


def _values(value: object, path: Path, *, many: bool, empty: str = NO_VALUE) -> tuple[str, ...]:
    """One or many comparison values as text; an empty one is refused (that is what "missing" is for)."""
    found = value if isinstance(value, list) else [value]
    if not found or len(found) > (MOST_VALUES if many else 1):
        raise RuleError(path, f"give {'one to ' + str(MOST_VALUES) + ' values' if many else 'one value'}.")
    texts: list[str] = []
    for item in found:
        if isinstance(item, bool | int):
            item = str(item).lower()
        if not isinstance(item, str) or not item.strip():
            raise RuleError(path, empty)
        if len(item) > LONGEST_VALUE:
            raise RuleError(path, f"a value has at most {LONGEST_VALUE} characters.")
        texts.append(item.strip())
    return tuple(dict.fromkeys(texts))


def _number(tree: Json, name: str, path: Path, low: int, high: int) -> int:
    value = tree.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise RuleError(path, f"“{name}” must be a whole number from {low:,} to {high:,}.")
    return value


def _decimal(tree: Json, name: str, path: Path) -> int | float:
    value = tree.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1_000_000_000:
        raise RuleError(path, f"“{name}” must be a number.")
    return value


def _repeat(tree: Json, path: Path) -> tuple[bool, int]:
    operator = "at_least" if tree.get("op") is None else _choice(tree, "op", REPEAT_OPERATORS, path)
    if operator == "never" or tree.get("times") is None:
        return operator == "never", 1
    return False, _number(tree, "times", path, 1, MOST_TIMES)


def _date(tree: Json, name: str, path: Path) -> date:
    value = tree.get(name)
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        day = None
    if day is None or day < BEGINNING or day.year > 2200:
        raise RuleError(path, f"“{name}” must be a date like 2026-11-22.")
    return day


def _optional_date(tree: Json, name: str, path: Path) -> date | None:
    return None if tree.get(name) in (None, "") else _date(tree, name, path)


def _in_order(first: date, last: date, path: Path) -> None:
    if first > last:
        raise RuleError(path, "the earlier date comes first.")
    if last.year - first.year > 200:
        raise RuleError(path, "a range covers at most 200 years.")
