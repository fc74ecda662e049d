"""Rules as a person would say them, for the builder, the plan, approvals and "why is this person in?"."""

from __future__ import annotations

from collections.abc import Mapping

from apps.contacts.person.fields import FIELDS, FieldSpec
from apps.segments.conditions.base.controls import Terms
from apps.segments.conditions.base.nodes import Group, Node, Reference, Words

_MATCH_HEADS = {"all": "All of these", "any": "Any of these", "none": "None of these"}
_JOINS = {"all": " and ", "any": " or ", "none": " or "}


def group_head(group: Group) -> str:
    """``All of these``; what stands above the rows of a group."""
    if not group.rules and group.match == "all":
        return "Everybody"
    return _MATCH_HEADS[group.match]


def sentence(
    node: Node,
    *,
    terms: Terms | None = None,
    fields: Mapping[str, FieldSpec] | None = None,
    called: Mapping[Reference, str] | None = None,
) -> str:
    """The node in English, without a full stop. ``terms`` gives codes their names, ``called`` ids theirs."""
    words = Words(terms or _no_term, FIELDS if fields is None else fields, called or {})
    return _group(node, words, outer=True) if isinstance(node, Group) else node.sentence(words)


def _no_term(system: str, code: str) -> str | None:
    return None


def _group(group: Group, words: Words, *, outer: bool) -> str:
    if not group.rules:
        return "Everybody"
    parts: list[str] = []
    for child in group.rules:
        part = _group(child, words, outer=False) if isinstance(child, Group) else child.sentence(words)
        parts.append(part if outer and not parts and group.match != "none" else _inside(part))
    joined = _JOINS[group.match].join(parts)
    if group.match == "none":
        return f"not ({joined})" if not outer else f"Not ({joined})"
    return joined if outer or len(parts) == 1 else f"({joined})"


def _inside(part: str) -> str:
    """The part as it stands within a sentence; "ZIP code" keeps its capitals."""
    return part if part[1:2].isupper() else part[:1].lower() + part[1:]
