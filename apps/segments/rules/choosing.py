"""Values of attributes that have a list of choices. Asked when a rule is written, not when a stored one is read."""

from __future__ import annotations

from collections.abc import Mapping

from apps.contacts.person.fields import FIELDS, FieldSpec
from apps.vault.tokens import normalize

from .facts import spec_of
from .nodes import FieldRule, Group, Node, RuleError


def check_choices(node: Node, *, fields: Mapping[str, FieldSpec] | None = None, path: tuple[int, ...] = ()) -> None:
    """Raise :class:`RuleError` for the first value that no one can have, such as "female" where records say F.

    It would count nobody, or everybody as a complement, without a word. ``fields`` as in ``parse``.
    """
    if isinstance(node, Group):
        for index, child in enumerate(node.rules):
            check_choices(child, fields=fields, path=(*path, index))
        return
    if not isinstance(node, FieldRule) or node.op == "starts_with":
        return
    spec = spec_of(node.field, FIELDS if fields is None else fields)
    if spec is None or not spec.choices:
        return
    known = {normalize(code) for code, _ in spec.choices}
    if any(normalize(value) not in known for value in node.values):
        offered = ", ".join(f"{code} ({label})" for code, label in spec.choices)
        raise RuleError(path, f"“{spec.label}” is one of {offered}.")
