# ruff: noqa: S608 - statements are made of constants of this file; every value is a parameter
"""From a rule to ONE SQL statement over the search tables; nothing sealed is opened.

Shapes are chosen for a million people:

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

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from apps.contacts.person.fields import FieldSpec
from apps.contacts.timeline.value_sets import CVX, RXNORM
from apps.core import bulk

from . import tokens
from .rules import (
    AgeRule,
    AppointmentRule,
    ConsentRule,
    DateRule,
    EngagementRule,
    EventRule,
    FieldRule,
    Group,
    Leaf,
    Names,
    Node,
    NumberRule,
    Rule,
    SegmentRule,
)
from .rules.facts import DEFAULTS, comparable, spec_of
from .rules.windows import (
    Window,
    age_window,
    anniversary_days,
    appointment_window,
    date_window,
    event_window,
)

Params = list[Any]
#: Conditions on a day or number alone.
BY_DAY = (DateRule, AgeRule, NumberRule)
#: Each way may read the people once more; many small ones are cheaper asked together.
MOST_WAYS = 3
UTC = ZoneInfo("UTC")
#: Code systems whose codes belong to one kind of event only.
ONE_KIND = frozenset({CVX, RXNORM})


def compile(rule: Rule, now: datetime, zone: ZoneInfo = UTC, names: Names | None = None) -> tuple[str, Params]:
    """``(sql, params)`` selecting the ids of the people who fit ``rule`` at ``now``.

    Raises RuleError when the rule looks at a segment or campaign that is not in ``names``, or at itself.
    """
    where, params = condition(rule, now, zone, names)
    return f"SELECT s.person_id FROM contacts_personsearch s WHERE {where}", params


def people(rule: Rule, now: datetime, zone: ZoneInfo = UTC, names: Names | None = None) -> tuple[str, Params]:
    """``(sql, params)`` selecting the id of everybody who fits, once, for statements that run without nested loops.

    Where one of several ways is enough, each way that looks at the timeline is a statement of its own: it may join, on
    several cores. In one condition with OR a single process would fill the hash sets and ask them person by person.
    """
    writer = _Writer(now.astimezone(zone).date(), names or Names())
    ways = [f"SELECT s.person_id FROM contacts_personsearch s WHERE {each}" for each in writer.ways(rule)]
    return " UNION ".join(ways), writer.params


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
    writer = _Writer(now.astimezone(zone).date(), names or Names(), one)
    return writer.node(rule, (), joins), writer.params


@dataclass
class _Writer:
    today: date
    names: Names
    one: bool = False
    params: Params = field(default_factory=list)

    # -- groups ----------------------------------------------------------------------------------------

    def ways(self, rule: Rule) -> list[str]:
        """Conditions of which one has to hold: several where that lets them join, otherwise the whole rule."""
        far = [child for child in rule.rules if self.is_far(child, ())] if rule.match == "any" else []
        if not 0 < len(far) <= MOST_WAYS:
            return [self.node(rule, (), True)]
        near = [child for child in rule.rules if child not in far]
        first = [self.group(Group("any", tuple(near)), (), True)] if near else []
        return first + [self.node(child, (), True) for child in far]

    def is_far(self, node: Node, seen: tuple[str, ...]) -> bool:
        """Whether another table than the people's own has to be read."""
        if isinstance(node, Group):
            return any(self.is_far(child, seen) for child in node.rules)
        if isinstance(node, SegmentRule):
            return self.is_far(self.names.segment(node.name, seen), (*seen, node.name))
        return isinstance(node, (EventRule, EngagementRule, AppointmentRule))

    def node(self, node: Node, seen: tuple[str, ...], top: bool = False) -> str:
        """``top``: the whole must hold for everybody selected, so that the planner can join."""
        if isinstance(node, Group):
            return self.group(node, seen, top)
        return self.leaf(node, seen, top)

    def group(self, group: Group, seen: tuple[str, ...], top: bool) -> str:
        every = group.match == "all"
        if top and group.match == "none" and group.rules:
            # One by one: the planner takes "not exists" for an anti-join where it stands by itself.
            return "(" + " AND ".join(f"NOT ({self.negated(child, seen)})" for child in group.rules) + ")"
        together = [child for child in group.rules if self.one_token(child)]
        gathered = [_token_of(child) for child in together] if len(together) > 1 else []
        # Within an OR the order written is the order tried, and a hashed day costs a fraction of a look into an array.
        parts = [self.node(child, seen, top and every) for child in group.rules if isinstance(child, BY_DAY)]
        if gathered:
            parts.append(self.tokens("@>" if every else "&&", gathered))
        parts += [
            self.node(child, seen, top and every)
            for child in group.rules
            if not isinstance(child, BY_DAY) and not (gathered and self.one_token(child))
        ]
        if not parts:
            return "FALSE" if group.match == "any" else "TRUE"
        joined = (" AND " if every else " OR ").join(parts)
        if group.match == "none":
            return f"NOT ({joined})"
        return joined if len(parts) == 1 else f"({joined})"

    def negated(self, node: Node, seen: tuple[str, ...]) -> str:
        """A condition right behind a NOT: one that looks at the timeline may still become an anti-join."""
        return self.group(node, seen, False) if isinstance(node, Group) else self.leaf(node, seen, True, plain=False)

    def tokens(self, operator: str, values: Sequence[int]) -> str:
        self.params.append(sorted(set(values)))
        return f"s.tokens {operator} %s::bigint[]"

    def days(self, column: str, values: Sequence[int]) -> str:
        self.params.append(bulk.int8_array(values))
        return f"({column} IS NOT NULL AND {column} = ANY(%s::bigint[]))"

    def slotted(self, name: str) -> FieldSpec | None:
        """The own date or number that is found by its slot, or None."""
        spec = spec_of(name, self.names.fields)
        return spec if spec is not None and spec.slot is not None else None

    def one_token(self, node: Node) -> bool:
        """Whether the condition is exactly one token being present, so that neighbors can share one operator."""
        if isinstance(node, FieldRule):
            if node.op == "is" and self.slotted(node.field) is not None:
                return False
            if node.field in DEFAULTS or (node.op == "is" and tokens.identity_kind(node.field) is not None):
                return False
            return node.op in ("exists", "is", "starts_with")
        return isinstance(node, ConsentRule) and node.state != "none"

    # -- conditions ------------------------------------------------------------------------------------

    def leaf(self, leaf: Leaf, seen: tuple[str, ...], top: bool, plain: bool = True) -> str:
        if isinstance(leaf, FieldRule):
            return self.field(leaf)
        if isinstance(leaf, DateRule):
            return self.date(leaf)
        if isinstance(leaf, AgeRule):
            return self.days(*tokens.person_days("birth_date", age_window(leaf, self.today)))
        if isinstance(leaf, NumberRule):
            spec = self.slotted(leaf.field)
            if spec is None:
                return "(FALSE)"
            return self.days(f"s.s{spec.slot}", tokens.slot_steps(spec, leaf.low, leaf.high))
        if isinstance(leaf, EventRule):
            return self.event(leaf, top)
        if isinstance(leaf, EngagementRule):
            return self.engagement(leaf, top)
        if isinstance(leaf, AppointmentRule):
            return self.appointment(leaf, top)
        if isinstance(leaf, ConsentRule):
            return self.consent(leaf)
        # Behind a NOT its parts do not all have to hold.
        inner = self.node(self.names.segment(leaf.name, seen), (*seen, leaf.name), top and leaf.inside and plain)
        return f"({inner})" if leaf.inside else f"NOT ({inner})"

    def field(self, rule: FieldRule) -> str:
        if rule.op in ("exists", "missing"):
            found = self.known(rule.field)
            return found if rule.op == "exists" else f"NOT {found}"
        if rule.op == "starts_with":
            return self.tokens("@>", [tokens.start(rule.field, rule.values[0])])
        found = self.equals(rule.field, rule.values)
        return found if rule.op in ("is", "in") else f"NOT {found}"

    def known(self, name: str) -> str:
        if name in DEFAULTS:
            return "(TRUE)"
        return self.tokens("@>", [tokens.presence(name)])

    def equals(self, name: str, values: Sequence[str]) -> str:
        if (spec := self.slotted(name)) is not None:
            return self.days(f"s.s{spec.slot}", tokens.slot_values(spec, values))
        kind = tokens.identity_kind(name)
        if kind is not None:
            self.params += [kind, [tokens.identity(name, value) for value in values]]
            return (
                "EXISTS (SELECT 1 FROM contacts_personidentity i WHERE i.person_id = s.person_id "
                "AND i.kind = %s AND i.token = ANY(%s::bytea[]))"
            )
        wanted = [tokens.value(name, value) for value in values]
        found = self.tokens("@>" if len(wanted) == 1 else "&&", wanted)
        if DEFAULTS.get(name) in {comparable(name, value) for value in values}:
            # Nothing recorded means the default, as in PersonRecord.
            return f"({found} OR NOT {self.tokens('@>', [tokens.presence(name)])})"
        return f"({found})"

    def date(self, rule: DateRule) -> str:
        if (spec := self.slotted(rule.field)) is not None:
            if rule.op == "anniversary_in_days":
                days = anniversary_days(rule.days or 0, self.today, rule.unit)
                return f"({self.tokens('&&', tokens.slot_month_days(spec, days))})"
            return self.days(f"s.s{spec.slot}", tokens.slot_days(spec, date_window(rule, self.today)))
        if rule.field not in tokens.DAY_COLUMNS:
            return "(FALSE)"
        if rule.op == "anniversary_in_days":
            return self.days(
                *tokens.person_month_days(rule.field, anniversary_days(rule.days or 0, self.today, rule.unit))
            )
        return self.days(*tokens.person_days(rule.field, date_window(rule, self.today)))

    def consent(self, rule: ConsentRule) -> str:
        if rule.state != "none":
            return self.tokens("@>", [tokens.consent(rule.purpose, rule.state)])
        said = [tokens.consent(rule.purpose, state) for state in ("granted", "denied")]
        return f"NOT {self.tokens('&&', said)}"

    # -- what happened ---------------------------------------------------------------------------------

    def event(self, rule: EventRule, top: bool) -> str:
        groups = [f"kind:{rule.kind}"]
        if rule.category is not None:
            groups.append(f"class:{rule.category.casefold()}")
        if rule.value_set is not None:
            groups.append(f"set:{rule.value_set}")
        codes = [f"code:{rule.system}:{code}" for code in rule.codes]
        if rule.category is not None or (rule.codes and rule.system in ONE_KIND):
            # These say the kind already; every further group costs another read of the index.
            groups = groups[1:]
        if len(codes) == 1:
            groups.append(codes[0])
            codes = []
        return self.happened(rule, groups, codes, top)

    def engagement(self, rule: EngagementRule, top: bool) -> str:
        kind = f"message.{rule.kind}"
        if rule.campaign is None:
            return self.happened(rule, [f"kind:{kind}"], [], top)
        return self.happened(rule, [f"{kind}:campaign:{self.names.campaign(rule.campaign)}"], [], top)

    def happened(self, rule: EventRule | EngagementRule, every: list[str], any_of: list[str], top: bool) -> str:
        """IN over the timeline: in all groups of ``every``, in one of ``any_of``, in the window."""
        window = event_window(rule, self.today)
        times = 1 if rule.never else rule.times
        no = "NOT " if rule.never else ""
        if window is None and len(every) == 1 and not any_of:
            self.params.append(tokens.group(every[0]))
            often = ""
            if times > 1:
                # Once needs no figure: a row stands only for what happened, and the index alone answers.
                often = " AND t.count >= %s"
                self.params.append(times)
            return (
                f"{no}EXISTS (SELECT 1 FROM contacts_timelinesummary t WHERE t.person_id = s.person_id "
                f'AND t."group" = %s{often})'
            )
        parts = ["e.groups @> %s::bigint[]"]
        self.params.append(sorted(tokens.group(name) for name in every))
        if any_of:
            parts.append("e.groups && %s::bigint[]")
            self.params.append(sorted(tokens.group(name) for name in any_of))
        if window is not None:
            parts.append("e.day = ANY(%s::bigint[])")
            self.params.append(bulk.int8_array(tokens.event_days(window)))
        where = " AND ".join(parts)
        counted = ""
        if times > 1:
            counted = " GROUP BY e.person_id HAVING count(*) >= %s"
            self.params.append(times)
        if top or self.one:
            if counted:
                return f"{no}(s.person_id IN (SELECT e.person_id FROM contacts_timelineevent e WHERE {where}{counted}))"
            return f"{no}EXISTS (SELECT 1 FROM contacts_timelineevent e WHERE e.person_id = s.person_id AND {where})"
        # IS TRUE keeps the planner from turning this into a join: how many people have two groups at once it
        # guesses wrong by a thousand, and loops. One scan of the index fills a hash that every person is asked in.
        return f"{no}(s.person_id IN (SELECT e.person_id FROM contacts_timelineevent e WHERE {where}{counted})) IS TRUE"

    def appointment(self, rule: AppointmentRule, top: bool) -> str:
        window: Window = appointment_window(rule, self.today)
        self.params += [tokens.appointment_state("booked"), bulk.int8_array(tokens.appointment_days(window))]
        no = "NOT " if rule.state == "none_upcoming" else ""
        if top or self.one:
            return (
                f"{no}EXISTS (SELECT 1 FROM contacts_appointment a WHERE a.person_id = s.person_id "
                "AND a.state = %s AND a.day = ANY(%s::bigint[]))"
            )
        return (
            f"{no}(s.person_id IN (SELECT a.person_id FROM contacts_appointment a "
            "WHERE a.state = %s AND a.day = ANY(%s::bigint[]))) IS TRUE"
        )


def _token_of(node: Node) -> int:
    if isinstance(node, ConsentRule):
        return tokens.consent(node.purpose, node.state)
    assert isinstance(node, FieldRule)
    if node.op == "exists":
        return tokens.presence(node.field)
    return (tokens.start if node.op == "starts_with" else tokens.value)(node.field, node.values[0])
