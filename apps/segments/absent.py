"""Codes a rule asks for that stand on nobody's record: a misspelling, or a vaccine nobody has had here.

Under "never" or "none of these" such a code lets everybody through, vaccinated or not, and no count shows it.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from apps.contacts import sql as contacts_sql
from apps.segments import naming, rules, selectors
from apps.segments.conditions.base import tokens
from apps.segments.conditions.base.codes import join_code
from apps.segments.conditions.base.nodes import Handle


@dataclass(frozen=True, repr=False)
class Absent:
    """A code on no record. ``segment`` is the nested segment that asks for it, empty for the rule itself."""

    words: str
    segment: str = ""


def absent_codes(rule: rules.Rule, names: rules.Names | None = None) -> list[Absent]:
    """The codes of ``rule``, and of the segments it leads to, that are on nobody's record; one look at an index each.

    ``names`` as of ``selectors.names_for``, when the caller has them already.
    """
    nested = (names or selectors.names_for(rule)).segments
    asked: dict[tuple[str, str], Handle] = {}
    for segment, tree in (("", rule), *nested.items()):
        for condition in rules.walk(tree):
            for code in condition.codes():
                asked.setdefault(code, segment)
    groups = {key: tokens.group(f"code:{key[0]}:{key[1]}") for key in asked}
    known = _known(list(groups.values()))
    missing = [(*code, group) for code, group in groups.items() if group not in known]
    called = naming.segment_names({of for system, code, _ in missing if isinstance(of := asked[system, code], int)})
    return [
        Absent(
            join_code(term, system, code) if (term := selectors.terms(system, code)) else code,
            called.get(of, "") if isinstance(of := asked[system, code], int) else of,
        )
        for system, code, _ in missing
    ]


def _known(groups: list[int]) -> set[int]:
    if not groups:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT g FROM unnest(%s::bigint[]) g WHERE EXISTS "  # noqa: S608
            f'(SELECT 1 FROM {contacts_sql.timeline_summary()} WHERE t."group" = g)',
            [groups],
        )
        return {row[0] for row in cursor.fetchall()}
