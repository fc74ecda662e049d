"""From JSON to a rule. Every error names the node and says what to do."""

from __future__ import annotations

from collections.abc import Mapping

from apps.contacts.person.fields import FIELDS, FieldSpec
from apps.segments.conditions import KEYS, kind_of
from apps.segments.conditions.base.documents import Document, Json, Path, RuleError
from apps.segments.conditions.base.nodes import Group, Node, Rule

MATCHES = {"all": "all of", "any": "any of", "none": "none of"}
DEEPEST = 8
MOST_CONDITIONS = 100
NOTHING_CHOSEN = "choose what to look at, or remove the condition."
#: A row of the builder that asks nothing yet: a guess would sit in somebody's rule as if they had meant it.
NEW_CONDITION: Json = {"field": ""}


def parse(tree: object, *, fields: Mapping[str, FieldSpec] | None = None) -> Rule:
    """Read a rule from JSON.

    ``tree`` is the decoded JSON; ``fields`` the attributes that may be asked for (the product's own by
    default). Raises :class:`RuleError` for the first node that cannot be used.
    """
    reader = _Reader(FIELDS if fields is None else fields)
    if not isinstance(tree, dict) or "match" not in tree:
        raise RuleError("rule.without_group", (), 'begin with a group: {"match": "all", "rules": [...]}.')
    rule = reader.group(tree, ())
    if not rule.rules and rule.match != "all":
        raise RuleError("rule.empty", (), "add a condition; only an empty “all” means everybody.")
    return rule


class _Reader:
    """One pass over one tree; counts conditions so that no rule grows without bound."""

    def __init__(self, fields: Mapping[str, FieldSpec]) -> None:
        self.fields = fields
        self.conditions = 0

    def node(self, tree: object, path: Path) -> Node:
        if not isinstance(tree, dict):
            raise RuleError("condition.not_an_object", path, "a condition is an object with named parts.")
        if "match" in tree:
            group = self.group(tree, path)
            if not group.rules:
                raise RuleError("rule.group_empty", path, "this group is empty: add a condition or remove the group.")
            return group
        self.conditions += 1
        if self.conditions > MOST_CONDITIONS:
            raise RuleError(
                "rule.too_many_conditions",
                path,
                f"a rule has at most {MOST_CONDITIONS} conditions: move some to a segment.",
            )
        if tree == NEW_CONDITION:
            raise RuleError("condition.not_chosen", path, NOTHING_CHOSEN)
        kind = kind_of(tree, self.fields)
        if kind is None:
            raise RuleError("condition.kind_unknown", path, "a condition has exactly one of " + ", ".join(KEYS) + ".")
        return kind.parse(Document(tree, path, self.fields))

    def group(self, tree: Json, path: Path) -> Group:
        document = Document(tree, path, self.fields)
        document.only("match", "rules")
        match = document.choice("match", MATCHES)
        children = tree.get("rules", [])
        if not isinstance(children, list):
            raise RuleError("rule.not_a_list", path, "“rules” is a list of conditions.")
        if len(path) >= DEEPEST:
            raise RuleError(
                "rule.too_deep", path, f"groups go at most {DEEPEST} deep: move this one to a segment of its own."
            )
        return Group(match, tuple(self.node(child, (*path, index)) for index, child in enumerate(children)))


def check_choices(node: Node, *, fields: Mapping[str, FieldSpec] | None = None, path: Path = ()) -> None:
    """Raise :class:`RuleError` for the first value that no one can have, such as "female" where records say F.

    ``fields`` as in ``parse``.
    """
    if isinstance(node, Group):
        for index, child in enumerate(node.rules):
            check_choices(child, fields=fields, path=(*path, index))
    else:
        node.check_choices(FIELDS if fields is None else fields, path)
