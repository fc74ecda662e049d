"""Values of attributes that have a list of choices. Asked when a rule is written, not when a stored one is read."""

from __future__ import annotations

from collections.abc import Mapping

from apps.contacts.person.fields import FIELDS, FieldSpec
from apps.segments.conditions.base.documents import Path
from apps.segments.conditions.base.nodes import Group, Node


def check_choices(node: Node, *, fields: Mapping[str, FieldSpec] | None = None, path: Path = ()) -> None:
    """Raise :class:`RuleError` for the first value that no one can have, such as "female" where records say F.

    ``fields`` as in ``parse``.
    """
    if isinstance(node, Group):
        for index, child in enumerate(node.rules):
            check_choices(child, fields=fields, path=(*path, index))
    else:
        node.check_choices(FIELDS if fields is None else fields, path)
