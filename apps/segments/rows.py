"""What the builder draws for each node of a draft: choices, chosen values, and what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.contacts.person.fields import FIELDS, FieldSpec
from apps.core.purposes import Purpose

from .draft import NEW_CONDITION, Draft, Path, join_code, key
from .rules.facts import ranged, searchable, spec_of
from .rules.nodes import DAYS, UNITS
from .rules.vocabulary import CONSENT_PURPOSES, CONSENT_STATES, EVENT_KINDS

Choices = list[tuple[str, str]]
Terms = Callable[[str, str], str | None]

VALUE_WORDS = {
    "is": "is",
    "is_not": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "starts_with": "starts with",
    "exists": "is known",
    "missing": "is not known",
}
DATE_WORDS = {
    "between": "is between",
    "on": "is on",
    "before": "is before",
    "after": "is after",
    "in_last_days": "is in the last",
    "in_next_days": "is in the next",
    "anniversary_in_days": "has its anniversary in the next",
    "exists": "is known",
    "missing": "is not known",
}
NUMBER_WORDS = {"between": "is between", "at_least": "is at least", "at_most": "is at most"}
AGE_WORDS = {"between": "is between", "at_least": "is at least", "at_most": "is at most"}
EVENT_WHAT = {
    "condition": "Condition",
    "encounter": "Visit",
    "immunization": "Vaccination",
    "medication": "Medication",
    "procedure": "Procedure",
}
ENGAGEMENT_WHAT = {
    "sent": "Was sent a message",
    "delivered": "Received a message",
    "clicked": "Clicked in a message",
    "read": "Read a message in the portal",
    "replied": "Replied to a message",
    "bounced": "A message bounced",
    "unsubscribed": "Unsubscribed",
}
REPEAT_WORDS = {"at_least": "at least", "never": "never"}
WHEN_WORDS = {
    "ever": "at any time",
    "since": "on or after",
    "until": "on or before",
    "between": "between",
    "last": "in the last",
}
VISIT_CLASSES = ("wellness", "ambulatory", "outpatient", "inpatient", "emergency", "urgentcare")


@dataclass(frozen=True)
class Offer:
    """What the pickers offer: other segments, campaigns, value sets, attributes of the organization."""

    segments: Sequence[str] = ()
    campaigns: Sequence[str] = ()
    sets: Sequence[tuple[str, str]] = ()
    attributes: Sequence[str] = ()
    fields: Mapping[str, FieldSpec] = field(default_factory=lambda: FIELDS)


@dataclass(frozen=True, repr=False)
class Row:
    """One node as the template draws it. ``controls`` names the parts to draw, in the order of the sentence."""

    key: str
    number: str
    is_group: bool
    match: str = "all"
    children: tuple[Row, ...] = ()
    what: str = ""
    ops: Choices = field(default_factory=list)
    op: str = ""
    node: Draft = field(default_factory=dict)
    choices: Choices = field(default_factory=list)
    parts: tuple[str, ...] = ()
    code: str = ""
    which: str = ""
    whiches: Choices = field(default_factory=list)
    when: str = ""
    whens: Choices = field(default_factory=list)
    value: str = ""
    error: str = ""
    focus: bool = False
    first: str = ""
    last: str = ""

    @property
    def units(self) -> list[tuple[str, str, bool]]:
        """Units of "in the last" and "in the next": code, word ("day" beside a 1), whether it is chosen."""
        number = next((self.node[name] for name in ("days", "last_days", "in_next_days") if name in self.node), None)
        chosen = self.node.get("unit", DAYS)
        return [(unit, unit.removesuffix("s") if number == 1 else unit, unit == chosen) for unit in UNITS]


def whats(offer: Offer) -> list[tuple[str, Choices]]:
    """The groups of the first picker of a row."""
    person = [(f"field:{spec.name}", spec.label) for spec in FIELDS.values() if searchable(spec)]
    at = next((number for number, (name, _) in enumerate(person) if name == "field:birth_date"), len(person)) + 1
    person.insert(at, ("field:age", "Age"))
    own = [(f"field:{name}", _own_label(name, offer.fields)) for name in offer.attributes]
    groups = [
        ("About the person", person),
        *([("Own attributes", own)] if own else []),
        ("Health", [(f"event:{kind}", EVENT_WHAT[kind]) for kind in EVENT_KINDS]),
        ("Appointments", [("appointment:", "Appointment")]),
        ("Consent", [(f"consent:{name}", f"Consent: {Purpose(name).word}") for name in CONSENT_PURPOSES]),
        ("Messages", [(f"engagement:{kind}", label) for kind, label in ENGAGEMENT_WHAT.items()]),
    ]
    if offer.segments:
        groups.append(("Segments", [("segment:", "Another segment")]))
    return groups


def _own_label(name: str, fields: Mapping[str, FieldSpec]) -> str:
    spec = spec_of(name, fields)
    return spec.label if spec is not None else name


def rows(
    draft: Draft, offer: Offer, terms: Terms, *, errors: dict[Path, str] | None = None, focus: Path | None = None
) -> Row:
    """The whole draft as rows; ``errors`` by path, ``focus`` the node that gets the keyboard."""
    return _row(draft, (), offer, terms, errors or {}, focus)


def _row(node: Draft, path: Path, offer: Offer, terms: Terms, errors: dict[Path, str], focus: Path | None) -> Row:
    base: dict[str, Any] = {
        "key": key(path),
        "number": ".".join(str(index + 1) for index in path),
        "error": errors.get(path, ""),
        "focus": focus == path and bool(path or focus == ()),
        "node": node,
    }
    if "match" in node:
        children = tuple(
            _row(child, (*path, index), offer, terms, errors, focus)
            for index, child in enumerate(node.get("rules", []))
        )
        return Row(is_group=True, match=str(node["match"]), children=children, **base)
    return Row(is_group=False, **base, **_condition(node, offer, terms))


def _condition(node: Draft, offer: Offer, terms: Terms) -> dict[str, Any]:
    if node == NEW_CONDITION:
        return {}
    if "event" in node or "engagement" in node:
        return _happened(node, offer, terms)
    if "appointment" in node:
        states = [("booked", "is booked in the next"), ("none_upcoming", "is not booked at all")]
        parts = ("op", "days") if node["appointment"] == "booked" else ("op",)
        return {"what": "appointment:", "ops": states, "op": node["appointment"], "parts": parts}
    if "consent" in node:
        states = [(name, f"is {word}") for name, word in CONSENT_STATES.items()]
        return {"what": f"consent:{node['consent']}", "ops": states, "op": node["state"], "parts": ("op",)}
    if "segment" in node:
        return {
            "what": "segment:",
            "ops": [("in", "is in"), ("not_in", "is not in")],
            "op": node.get("op", "in"),
            "choices": [(name, name) for name in offer.segments],
            "value": str(node.get("segment", "")),
            "parts": ("op", "choice"),
        }
    return _attribute(node, offer.fields)


def _attribute(node: Draft, fields: Mapping[str, FieldSpec]) -> dict[str, Any]:
    name, operator = str(node.get("field", "sex")), str(node.get("op", "is"))
    found: dict[str, Any] = {"what": f"field:{name}", "op": operator}
    if name == "age":
        parts = {"between": ("op", "ages"), "at_least": ("op", "age_from"), "at_most": ("op", "age_to")}
        return found | {"ops": list(AGE_WORDS.items()), "parts": parts.get(operator, ("op",))}
    spec = spec_of(name, fields)
    if spec is not None and spec.type == "number" and ranged(spec) and operator in (*NUMBER_WORDS, "exists", "missing"):
        parts = {"between": ("op", "numbers"), "at_least": ("op", "number_from"), "at_most": ("op", "number_to")}
        words = {**NUMBER_WORDS, "exists": VALUE_WORDS["exists"], "missing": VALUE_WORDS["missing"]}
        return found | {"ops": list(words.items()), "parts": parts.get(operator, ("op",))}
    if spec is not None and spec.type == "date" and ranged(spec) and operator in DATE_WORDS:
        found_parts: dict[str, tuple[str, ...]] = {
            "between": ("op", "dates"),
            "in_last_days": ("op", "days"),
            "in_next_days": ("op", "days"),
            "anniversary_in_days": ("op", "days"),
            "exists": ("op",),
            "missing": ("op",),
        }
        return found | {"ops": list(DATE_WORDS.items()), "parts": found_parts.get(operator, ("op", "date"))}
    operators = [pair for pair in VALUE_WORDS.items() if pair[0] != "starts_with" or (spec and spec.search == "words")]
    value = node.get("value", "")
    found |= {"ops": operators, "value": ", ".join(value) if isinstance(value, list) else str(value)}
    if operator in ("exists", "missing"):
        return found | {"parts": ("op",)}
    if spec is not None and spec.choices and operator in ("is", "is_not"):
        return found | {"parts": ("op", "choice"), "choices": list(spec.choices)}
    return found | {"parts": ("op", "values" if operator in ("in", "not_in") else "value")}


def _happened(node: Draft, offer: Offer, terms: Terms) -> dict[str, Any]:
    never = node.get("op") == "never"
    when = "last" if "last_days" in node else "ever"
    if "from" in node or "to" in node:
        when = "between" if "from" in node and "to" in node else ("since" if "from" in node else "until")
    times = () if never else ("times",)
    found: dict[str, Any] = {
        "ops": list(REPEAT_WORDS.items()),
        "op": "never" if never else "at_least",
        "when": when,
        "whens": list(WHEN_WORDS.items()),
    }
    tail = {"since": ("from",), "until": ("to",), "between": ("dates",), "last": ("last_days",)}.get(when, ())
    if "engagement" in node:
        whens = [pair for pair in WHEN_WORDS.items() if pair[0] in ("ever", "last")]
        return found | {
            "what": f"engagement:{node['engagement']}",
            "whens": whens,
            "value": str(node.get("campaign") or ""),
            "choices": [("", "any campaign"), *((name, name) for name in offer.campaigns)],
            "parts": ("op", *times, "campaign", "when", *tail),
        }
    kind = str(node["event"])
    which = next((name for name in ("class", "code", "set") if name in node), "any")
    whiches = [("any", f"any {EVENT_WHAT[kind].lower()}"), ("code", "this one")]
    if kind == "encounter":
        whiches.insert(1, ("class", "of this kind"))
    if offer.sets and kind in ("condition", "immunization", "encounter"):
        whiches.append(("set", "one of a set"))
    code = node.get("code")
    code = ", ".join(code) if isinstance(code, list) else str(code or "")
    system = str(node.get("system") or EVENT_KINDS[kind][1])
    picked = {"class": ("class",), "code": ("code",), "set": ("set",)}.get(which, ())
    return found | {
        "what": f"event:{kind}",
        "which": which,
        "whiches": whiches,
        "choices": [(name, label) for name, label in offer.sets],
        "code": join_code(terms(system, code), system, code) if code else "",
        "parts": ("op", *times, "which", *picked, "when", *tail),
    }
