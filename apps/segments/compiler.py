# ruff: noqa: S608 - statements are made of constants of this file; every value is a parameter
"""From a rule to ONE SQL statement over the search tables; nothing sealed is opened.

Each kind of condition writes its own piece (``conditions``); here they become groups. Shapes are chosen for a million
people:

* values of attributes are tokens in one array: neighbors in an "all" group become one ``tokens @> {…}``
  (GIN), in an "any" or "none" group one ``tokens && {…}``;
* a range of days is ``= ANY(list of keyed days)``, which PostgreSQL hashes (as text: the driver's own writing of a
  century's days costs more than the count); a person without the date has NULL there, and ``IS NOT NULL AND`` keeps
  that false instead of unknown, so that NOT is the complement;
* what happened is ``IN`` over the timeline, kept from becoming a join: one scan of the group index fills a hash set;
* one group without dates is answered by the summary (one row for a person and a group), from its index alone;
* who counts asks for ``joins``: conditions that all must hold become semi-joins and anti-joins. That is less work, but
  only without nested loops (``counting``): how many people have two groups at once the planner guesses wrong by a
  thousand, and loops. Among alternatives the hash sets stay: each is filled once, and the people are read once.

The statement selects person ids. Values go as parameters; its text depends on the shape of the rule only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from apps.contacts import sql as contacts_sql
from apps.contacts.person.fields import FieldSpec
from apps.segments.conditions.base.nodes import Fragment, Group, Handle, Names, Node, Rule, has_tokens, joined

Params = list[Any]
#: Each way may read the people once more; many small ones are cheaper asked together.
MOST_WAYS = 3
UTC = ZoneInfo("UTC")


def compile(rule: Rule, now: datetime, zone: ZoneInfo = UTC, names: Names | None = None) -> tuple[str, Params]:
    """``(sql, params)`` selecting the ids of the people who fit ``rule`` at ``now``.

    Raises RuleError when the rule looks at a segment or campaign that is not in ``names``, or at itself.
    """
    where, params = condition(rule, now, zone, names)
    return f"SELECT s.person_id FROM {contacts_sql.search_rows()} WHERE {where}", params


def people(rule: Rule, now: datetime, zone: ZoneInfo = UTC, names: Names | None = None) -> tuple[str, Params]:
    """``(sql, params)`` selecting the id of everybody who fits, once, for statements that run without nested loops.

    Where one of several ways is enough, each way that looks at the timeline is a statement of its own: it may join, on
    several cores. In one condition with OR a single process would fill the hash sets and ask them person by person.
    """
    names = names or Names()
    ways = _Search(now.astimezone(zone), names, joins=True).ways(names.linked(rule))
    found = joined(
        " UNION ", [way.wrapped(f"SELECT s.person_id FROM {contacts_sql.search_rows()} WHERE ") for way in ways]
    )
    return found.text, list(found.params)


def condition(
    rule: Rule,
    now: datetime,
    zone: ZoneInfo = UTC,
    names: Names | None = None,
    *,
    joins: bool = False,
    one: bool = False,
) -> tuple[str, Params]:
    """The condition alone, for a statement that already has ``contacts_personsearch s`` (plans, samples).

    ``joins`` is for statements over everybody that run without nested loops, ``one`` for those about one person:
    they look only at what happened to this person.
    """
    names = names or Names()
    found = _Search(now.astimezone(zone), names, joins=joins, one=one).node(names.linked(rule))
    return found.text, list(found.params)


@dataclass(frozen=True, repr=False)
class _Search:
    """Where the writing stands: what conditions may ask (``conditions.base.nodes.Search``), and how groups join them.

    ``joins``: the whole must hold for everybody selected, so that the planner can join; ``behind_not``: the condition
    stands right behind a NOT, and what it is made of does not all have to hold.
    """

    local: datetime
    names: Names
    joins: bool = False
    one: bool = False
    behind_not: bool = False

    @property
    def today(self) -> date:
        return self.local.date()

    @property
    def fields(self) -> Mapping[str, FieldSpec]:
        return self.names.fields

    def campaign(self, name: Handle) -> int:
        return self.names.campaign(name)

    # -- groups ----------------------------------------------------------------------------------------

    def ways(self, rule: Node) -> list[Fragment]:
        """Conditions of which one has to hold: several where that lets them join, otherwise the whole rule."""
        if not isinstance(rule, Group):
            return [self.node(rule)]
        far = [child for child in rule.rules if self._is_far(child)] if rule.match == "any" else []
        if not 0 < len(far) <= MOST_WAYS:
            return [self.node(rule)]
        near = [child for child in rule.rules if child not in far]
        first = [self.node(Group("any", tuple(near)))] if near else []
        return first + [self.node(child) for child in far]

    def _is_far(self, node: Node) -> bool:
        """Whether another table than the people's own has to be read."""
        return any(self._is_far(child) for child in node.rules) if isinstance(node, Group) else node.TIMELINE

    def node(self, node: Node) -> Fragment:
        """A group or a condition as SQL."""
        return self._group(node) if isinstance(node, Group) else node.sql(self)

    def _group(self, group: Group) -> Fragment:
        every = group.match == "all"
        if self.joins and group.match == "none" and group.rules:
            # One by one: the planner takes "not exists" for an anti-join where it stands by itself.
            alone = [self._negated(child).wrapped("NOT (", ")") for child in group.rules]
            return joined(" AND ", alone).wrapped("(", ")")
        inside = replace(self, joins=self.joins and every, behind_not=False)
        by_day: list[Node] = []
        others: list[Node] = []
        gathered: dict[int, int] = {}  # place among the others -> token
        for child in group.rules:
            token = None if isinstance(child, Group) else child.token(self.fields)
            if not isinstance(child, Group) and child.BY_DAY:
                by_day.append(child)
                continue
            if token is not None:
                gathered[len(others)] = token
            others.append(child)
        # Within an OR the order written is the order tried, and a hashed day costs a fraction of a look into an array.
        parts = [inside.node(child) for child in by_day]
        if len(gathered) < 2:
            gathered = {}
        else:
            parts.append(has_tokens("@>" if every else "&&", list(gathered.values())))
        parts += [inside.node(child) for place, child in enumerate(others) if place not in gathered]
        if not parts:
            return Fragment("FALSE" if group.match == "any" else "TRUE")
        found = joined(" AND " if every else " OR ", parts)
        if group.match == "none":
            return found.wrapped("NOT (", ")")
        return found if len(parts) == 1 else found.wrapped("(", ")")

    def _negated(self, node: Node) -> Fragment:
        """What stands right behind a NOT: a condition that looks at the timeline may still become an anti-join."""
        if isinstance(node, Group):
            return replace(self, joins=False, behind_not=False).node(node)
        return replace(self, joins=True, behind_not=True).node(node)
