"""Fingerprints as 0.3.0 made them, when rules, specs and definitions held names. Frozen: the upgrade compares with it.

Given are stored JSON values and what the database says; nothing here reads anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from apps.vault.tokens import token128

Json = dict[str, Any]
Handle = int | str
Known = Callable[[Handle], "Json | None"]
"""The stored rule of a segment by what it is called; None when there is none."""


def fingerprint(kind: str, whole: Mapping[str, Any]) -> bytes:
    """The keyed hash of everything that an approval of this kind held for. The same in 0.3.0 and after it."""
    canonical = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    return token128(f"{kind}.approval", hashlib.sha256(canonical.encode()).hexdigest())


def campaign(
    *, number: int, included: Handle | None, excluded: Sequence[Handle], rule_of: Known, content: Json, why: Json
) -> bytes:
    """A campaign's. ``included`` and ``excluded`` are its segments (None: everybody). Raises LookupError for one gone.

    With ids instead of names in everything given it is the fingerprint of today.
    """
    parts: list[Json] = [{"segment": included, "op": "in"}] if included is not None else []
    if excluded:
        parts.append({"match": "none", "rules": [{"segment": of, "op": "in"} for of in excluded]})
    rule = {"match": "all", "rules": parts}
    segments = reached([rule], rule_of)
    if missing := [of for of in (included, *excluded) if of is not None and str(of) not in segments]:
        raise LookupError(missing)
    return fingerprint(
        "campaign",
        {"audience": {"rule": rule, "segments": segments}, "content": content, "why": why, "campaign": number},
    )


def journey(*, number: int, definition: Json, texts: Sequence[Any], rule_of: Known) -> bytes:
    """A journey's, of its draft. With ids instead of names in everything given it is the fingerprint of today."""
    segments = reached(list(rules_of(definition)), rule_of)
    whole = {"journey": number, "definition": definition, "texts": list(texts), "segments": segments}
    return fingerprint("journey", whole)


def rules_of(definition: Json) -> Iterator[Json]:
    """The rules that decide who comes in or which way they go."""
    trigger = definition["trigger"]
    if trigger["kind"] == "segment" and trigger.get("segment"):
        yield {"match": "all", "rules": [{"segment": trigger["segment"], "op": "in"}]}
    for step in steps_of(definition["steps"]):
        if isinstance(rule := step.get("rule"), dict) and "match" in rule:
            yield rule


def steps_of(steps: Sequence[Json]) -> Iterator[Json]:
    """Every step, in reading order: a step, then what is under it."""
    for step in steps:
        yield step
        for part in step.values():
            if isinstance(part, list) and part and all(isinstance(each, dict) and "type" in each for each in part):
                yield from steps_of(part)


def conditions(rule: Json) -> Iterator[Json]:
    """Every condition of a rule, in reading order."""
    if "match" in rule:
        for child in rule["rules"]:
            yield from conditions(child)
    else:
        yield rule


def reached(rules: Sequence[Json], rule_of: Known) -> dict[str, Json]:
    """The rules of all segments that these rules lead to, by what they are called there."""
    found: dict[str, Json] = {}
    waiting = [each["segment"] for rule in rules for each in conditions(rule) if "segment" in each]
    while waiting:
        of = waiting.pop()
        if str(of) in found or (rule := rule_of(of)) is None:
            continue
        found[str(of)] = rule
        waiting += [each["segment"] for each in conditions(rule) if "segment" in each]
    return found
