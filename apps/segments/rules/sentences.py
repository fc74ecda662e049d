"""Rules as a person would say them, for the builder, the plan, approvals and "why is this person in?"."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from apps.contacts.person.fields import FIELDS, FieldSpec

from .facts import spec_of
from .nodes import (
    DAYS,
    AgeRule,
    AppointmentRule,
    ConsentRule,
    DateRule,
    EngagementRule,
    EventRule,
    FieldRule,
    Group,
    Leaf,
    Node,
    NumberRule,
)
from .vocabulary import CONSENT_STATES, ENGAGEMENT_KINDS, EVENT_KINDS

#: Looks a term up by system and code; None when the vocabulary has none.
Terms = Callable[[str, str], str | None]

_MATCH_HEADS = {"all": "All of these", "any": "Any of these", "none": "None of these"}
_JOINS = {"all": " and ", "any": " or ", "none": " or "}


def spoken_day(day: date) -> str:
    """``Jan 1, 1952``; independent of the process locale, because sentences are compared and hashed."""
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{months[day.month - 1]} {day.day}, {day.year}"


def counted(number: int, noun: str) -> str:
    """``1 day``, ``2 days``, ``1,000 days``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def counted_in(number: int, unit: str) -> str:
    """What stands behind "the last" and "the next": ``30 days``, ``3 months``, ``year``; ``unit`` is of ``UNITS``."""
    noun = unit.removesuffix("s")
    return noun if number == 1 and unit != DAYS else counted(number, noun)


def group_head(group: Group) -> str:
    """``All of these``; what stands above the rows of a group."""
    if not group.rules and group.match == "all":
        return "Everybody"
    return _MATCH_HEADS[group.match]


def sentence(node: Node, *, terms: Terms | None = None, fields: Mapping[str, FieldSpec] | None = None) -> str:
    """The node in English, without a full stop. ``terms`` gives codes their names."""
    if isinstance(node, Group):
        return _group(node, terms, fields, outer=True)
    return _leaf(node, terms or _no_term, FIELDS if fields is None else fields)


def _no_term(system: str, code: str) -> str | None:
    return None


def _group(group: Group, terms: Terms | None, fields: Mapping[str, FieldSpec] | None, *, outer: bool) -> str:
    if not group.rules:
        return "Everybody"
    parts: list[str] = []
    for child in group.rules:
        if isinstance(child, Group):
            part = _group(child, terms, fields, outer=False)
        else:
            part = sentence(child, terms=terms, fields=fields)
        parts.append(part if outer and not parts and group.match != "none" else _inside(part))
    joined = _JOINS[group.match].join(parts)
    if group.match == "none":
        return f"not ({joined})" if not outer else f"Not ({joined})"
    return joined if outer or len(parts) == 1 else f"({joined})"


def _inside(part: str) -> str:
    """The part as it stands within a sentence; "ZIP code" keeps its capitals."""
    return part if part[1:2].isupper() else part[:1].lower() + part[1:]


def _leaf(leaf: Leaf, terms: Terms, fields: Mapping[str, FieldSpec]) -> str:
    if isinstance(leaf, FieldRule):
        return _field(leaf, spec_of(leaf.field, fields))
    if isinstance(leaf, DateRule):
        return _date(leaf, spec_of(leaf.field, fields))
    if isinstance(leaf, AgeRule):
        return _age(leaf)
    if isinstance(leaf, NumberRule):
        return _number(leaf, spec_of(leaf.field, fields))
    if isinstance(leaf, EventRule):
        return _event(leaf, terms)
    if isinstance(leaf, AppointmentRule):
        return _appointment(leaf)
    if isinstance(leaf, ConsentRule):
        return _consent(leaf)
    if isinstance(leaf, EngagementRule):
        return _engagement(leaf)
    return f"{'Is' if leaf.inside else 'Is not'} in the segment “{leaf.name}”"


def _label(name: str, spec: FieldSpec | None) -> str:
    return spec.label if spec is not None else name.replace("_", " ").capitalize()


def value_label(spec: FieldSpec | None, value: str) -> str:
    """A stored value as the pages show it: ``female`` for ``F`` where the attribute names its choices.

    Languages are proper names and keep their capital: ``Spanish``.
    """
    if spec is None or not spec.choices:
        return value
    label = dict(spec.choices).get(value, value)
    return label if spec.name == "language" else label.lower()


def _field(rule: FieldRule, spec: FieldSpec | None) -> str:
    name = _label(rule.field, spec)
    if rule.op == "exists":
        return f"{name} is known"
    if rule.op == "missing":
        return f"{name} is not known"
    values = [value_label(spec, value) for value in rule.values]
    if rule.op == "is":
        return f"{name} is {values[0]}"
    if rule.op == "is_not":
        return f"{name} is not {values[0]}, or not known"
    if rule.op == "starts_with":
        return f"{name} starts with “{values[0]}”"
    if rule.op == "in":
        return f"{name} is {_listed(values)}"
    return f"{name} is not {_listed(values)}, or not known"


def _listed(values: Sequence[str]) -> str:
    """``a``, ``a or b``, ``one of a, b or c``; long lists name the first three."""
    if len(values) == 1:
        return values[0]
    if len(values) == 2:
        return f"{values[0]} or {values[1]}"
    if len(values) > 6:
        return f"one of {', '.join(values[:3])} and {len(values) - 3} more"
    return f"one of {', '.join(values[:-1])} or {values[-1]}"


def _date(rule: DateRule, spec: FieldSpec | None) -> str:
    name = _label(rule.field, spec)
    days = rule.days or 0
    if rule.op == "anniversary_in_days":
        what = "Birthday" if rule.field == "birth_date" else f"Anniversary of {name.lower()}"
        return f"{what} is today" if days == 0 else f"{what} is within the next {counted_in(days, rule.unit)}"
    if rule.op == "in_last_days":
        return f"{name} is within the last {counted_in(days, rule.unit)}"
    if rule.op == "in_next_days":
        return f"{name} is within the next {counted_in(days, rule.unit)}"
    if rule.op == "between" and rule.first and rule.last:
        return f"{name} is between {spoken_day(rule.first)} and {spoken_day(rule.last)}"
    if rule.op == "before" and rule.last:
        return f"{name} is before {spoken_day(rule.last)}"
    if rule.first and rule.op == "after":
        return f"{name} is after {spoken_day(rule.first)}"
    return f"{name} is {spoken_day(rule.first)}" if rule.first else name


def _age(rule: AgeRule) -> str:
    if rule.op == "at_least":
        return f"Is {rule.low} or older"
    if rule.op == "at_most":
        return f"Is {rule.high} or younger"
    return f"Is {rule.low} to {rule.high} years old"


def _number(rule: NumberRule, spec: FieldSpec | None) -> str:
    name = _label(rule.field, spec)
    if rule.op == "at_least":
        return f"{name} is at least {rule.low}"
    if rule.op == "at_most":
        return f"{name} is at most {rule.high}"
    return f"{name} is between {rule.low} and {rule.high}"


def _window(first: date | None, last: date | None, last_days: int | None, unit: str) -> str:
    if last_days is not None:
        return " today" if last_days == 0 else f" in the last {counted_in(last_days, unit)}"
    if first and last:
        return f" between {spoken_day(first)} and {spoken_day(last)}"
    if first:
        return f" on or after {spoken_day(first)}"
    return f" on or before {spoken_day(last)}" if last else ""


def _event(rule: EventRule, terms: Terms) -> str:
    noun = EVENT_KINDS[rule.kind][0]
    what = f"{rule.category} {noun}" if rule.category else noun
    if rule.codes:
        named = []
        for code in rule.codes:
            term = terms(rule.system or "", code)
            named.append(f"{term} ({rule.system} {code})" if term else f"{rule.system} {code}")
        what = f"{what} {_listed(named)}"
    elif rule.value_set:
        what = f"{what} of the set “{rule.value_set.replace('_', ' ')}”"
    when = _window(rule.first, rule.last, rule.last_days, rule.unit)
    if rule.never:
        return f"Has had no {what}{when}"
    if not rule.codes:
        what = f"{'an' if what[:1].lower() in 'aeiou' else 'a'} {what}"
    times = f" at least {rule.times:,} times" if rule.times > 1 else ""
    return f"Has had {what}{times}{when}"


def _appointment(rule: AppointmentRule) -> str:
    if rule.state == "none_upcoming":
        return "Has no upcoming appointment"
    if rule.days is None:
        return "Has an upcoming appointment"
    when = "today" if rule.days == 0 else f"in the next {counted_in(rule.days, rule.unit)}"
    return f"Has an appointment {when}"


def _consent(rule: ConsentRule) -> str:
    purpose = "B2B" if rule.purpose == "b2b" else rule.purpose
    return f"Consent for {purpose} is {CONSENT_STATES[rule.state]}"


def _engagement(rule: EngagementRule) -> str:
    what = f"the campaign “{rule.campaign}”" if rule.campaign else ("any message" if rule.never else "a message")
    said = ENGAGEMENT_KINDS[rule.kind][1 if rule.never else 0].format(what=what)
    times = f" at least {rule.times:,} times" if rule.times > 1 else ""
    return f"{said}{times}{_window(None, None, rule.last_days, rule.unit)}"
