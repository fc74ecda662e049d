# ruff: noqa: S608 - statements are made of constants and of compiled conditions; every value is a parameter
"""The plan: how many people get the message by which route, how many are held back and why.

Set-based: one statement sorts the whole audience by what delivery asks at the moment of sending (in the same
order as `delivery.checks.hold`) and by what the mailbox can take; the pure policy then decides once for each
combination, of which there are a few dozen however many people there are. Nobody is opened, but for the minors with
a guardian, whose guardian's mailbox counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

from django.db import connection

from apps.campaigns.audience import Audience
from apps.contacts import sql as contacts_sql
from apps.contacts.person import search_values
from apps.contacts.person import selectors as contacts
from apps.content.blocks import LANGUAGES
from apps.core import bulk, clock
from apps.core.actors import Actor
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery import routes
from apps.delivery import selectors as delivery
from apps.delivery import sql as delivery_sql
from apps.delivery.models import MailDomain
from apps.delivery.policy.routing import Capability, PolicyTable, Route, RouteName, decide
from apps.mail.tls import TlsClass
from apps.segments import selectors as segments
from apps.segments.conditions.base.windows import years_before
from apps.vault import tokens

ADULT = 18
OPEN_AT_ONCE = 5_000
# Classes of the mail server as the statement tells them; NOT_MEASURED is decided like delivery decides it.
NOT_MEASURED = -1
# In place of a class: nobody knows whose the mailbox is by now, so that only the portal will do.
UNPROVEN = -2
# Readers of a language that no message is written in.
OTHER = "other"


@dataclass(frozen=True)
class Combination:
    """What the statement found for a group of people: why held, what they are to us, what their mailbox takes."""

    held: str
    patient: bool
    tls: int
    pgp: bool
    smime: bool
    portal: bool


@dataclass(frozen=True)
class Line:
    """A combination, how many people it has, and what the policy says: a route or a reason."""

    combination: Combination
    people: int
    route: str
    held: str
    reason: str
    level: Level


@dataclass(frozen=True)
class Plan:
    """The whole audience in lines; ``as_of`` is the moment of the statement.

    ``readers``: of those who get it, how many prefer which language: a code of `content.blocks.LANGUAGES`, ``OTHER``
    for one that no message is written in, "" for those whose language is not known.
    """

    lines: tuple[Line, ...]
    as_of: datetime
    unmeasured: int = 0
    readers: Mapping[str, int] = field(default_factory=dict)

    @property
    def audience(self) -> int:
        """How many people the segment has, exclusions taken off."""
        return sum(line.people for line in self.lines)

    @property
    def routes(self) -> dict[str, int]:
        """How many by each of the four routes, zeros included."""
        found = Counter({name.value: 0 for name in RouteName})
        for line in self.lines:
            if line.route:
                found[line.route] += line.people
        return dict(found)

    @property
    def held(self) -> dict[str, int]:
        """How many held back by reason, only those that occur, most first."""
        found: Counter[str] = Counter()
        for line in self.lines:
            if line.held:
                found[line.held] += line.people
        return dict(found.most_common())

    @property
    def going(self) -> int:
        """How many get the message."""
        return sum(self.routes.values())

    @property
    def level(self) -> Level:
        """The highest level of a message that goes; where all are held back, of what was meant to go."""
        going = [line.level for line in self.lines if line.route]
        return max(going or [line.level for line in self.lines], default=Level.PUBLIC)

    def kept(self) -> dict[str, Any]:
        """All of it as plain JSON, for the cache: numbers and code words."""
        return {**asdict(self), "as_of": self.as_of.isoformat()}

    @classmethod
    def of_kept(cls, data: Mapping[str, Any]) -> Plan:
        """The inverse of ``kept``. Raises ``KeyError``, ``TypeError`` or ``ValueError`` for anything else."""
        lines = tuple(
            Line(**{**line, "combination": Combination(**line["combination"]), "level": Level(line["level"])})
            for line in data["lines"]
        )
        return cls(lines, datetime.fromisoformat(data["as_of"]), int(data["unmeasured"]), dict(data["readers"]))

    def as_json(self) -> dict[str, Any]:
        """``audience, routes{tls,pgp,smime,portal}, held{reason: n}``."""
        return {"audience": self.audience, "routes": self.routes, "held": self.held}


@dataclass(frozen=True, repr=False)
class Query:
    """The statement without its end: ``sorted_people`` is a table of person, held and the columns of Combination."""

    sql: str
    params: list[Any] = field(default_factory=list)


def plan(*, actor: Actor, audience: Audience, purpose: Purpose, floor: Level) -> Plan:
    """Draw the plan for an audience now. ``floor`` is the highest of rule, template and author."""
    now = clock.now()
    query = statement(actor=actor, audience=audience, purpose=purpose, now=now)
    with connection.cursor() as cursor:
        prepare(cursor)
        cursor.execute(
            f"{query.sql} SELECT held, patient, tls, pgp, smime, portal, language, count(*) FROM sorted_people "
            "GROUP BY 1, 2, 3, 4, 5, 6, 7",
            query.params,
        )
        rows = cursor.fetchall()
    table = delivery.policy_table()
    people: Counter[Combination] = Counter()
    for *parts, _, count in rows:
        people[Combination(*parts)] += count
    lines = [line_of(combination, count, floor, table) for combination, count in people.items()]
    going = {line.combination for line in lines if line.route}
    readers: Counter[str] = Counter()
    for *parts, language, count in rows:
        if Combination(*parts) in going:
            readers[language] += count
    lines.sort(key=lambda line: (line.held, line.route, -line.people))
    unmeasured = sum(
        line.people for line in lines if line.combination.tls == NOT_MEASURED and line.route == RouteName.TLS
    )
    return Plan(tuple(lines), now, unmeasured, dict(readers))


def line_of(combination: Combination, people: int, floor: Level, table: PolicyTable) -> Line:
    """Decide for one combination with the policy that decides again at sending."""
    level = max(floor, Level.HEALTH) if combination.patient else floor
    if combination.held:
        return Line(combination, people, "", combination.held, "", level)
    unproven = "away" if combination.tls == UNPROVEN else ""
    unknown = combination.tls in (NOT_MEASURED, UNPROVEN)
    measured = TlsClass.AUTHENTICATED if unknown else TlsClass(combination.tls)
    capability = Capability(measured, combination.pgp, combination.smime, combination.portal, unproven)
    found = decide(level, capability, table)
    if isinstance(found, Route):
        return Line(combination, people, found.name.value, "", found.reason, level)
    return Line(combination, people, "", found.code.value, found.reason, level)


def prepare(cursor: Any) -> None:
    """Room for sorting a large audience in memory; to be called in the statement's transaction."""
    cursor.execute("SELECT set_config('work_mem', '128MB', true), set_config('jit', 'off', true)")


def statement(*, actor: Actor, audience: Audience, purpose: Purpose, now: datetime) -> Query:
    """The statement that sorts the audience. Opens the minors with a guardian (audited), nobody else."""
    today = now.astimezone(segments.zone()).date()
    where, params = audience.condition(now)
    guardians = _guardians(actor, where, params, today)
    domains = _domain_tokens(now)
    languages = {code: _language(code) for code in LANGUAGES}
    known = " ".join(f"WHEN s.tokens @> %s::bigint[] THEN '{code}'" for code in languages)
    language_sql = f"CASE {known} WHEN s.tokens @> %s::bigint[] THEN '{OTHER}' ELSE '' END"
    # What a person's tokens say is told where the row is read, and the tokens stay behind: a million of them carried
    # through joins and sorts would not fit into memory. Up to ``judged`` several processes share the work; what comes
    # out of it is narrow and is sorted once, for mailboxes that several people share.
    sql = f"""
    WITH audience AS (
        SELECT s.person_id, s.birth_day IS NOT NULL AS born,
            s.birth_day IS NOT NULL AND s.birth_day = ANY(%s::bigint[]) AS minor,
            {language_sql} AS language,
            NOT s.tokens && %s::bigint[] AS patient,
            s.tokens @> %s::bigint[] AS deceased,
            s.tokens @> %s::bigint[] AS business,
            {_tls_sql("s.tokens")} AS tls
        FROM {contacts_sql.search_rows()} WHERE {where}
    ), guarded AS (
        SELECT g.person_id, g.guardian_id, {_tls_sql("coalesce(gs.tokens, '{}')")} AS tls
        FROM unnest(%s::bigint[], %s::bigint[]) AS g(person_id, guardian_id)
        LEFT JOIN {contacts_sql.search_rows("gs")} ON gs.person_id = g.guardian_id
    ), faced AS (
        SELECT a.person_id, a.born, a.minor, a.language, a.patient, a.deceased, a.business, g.guardian_id,
            CASE WHEN g.guardian_id IS NULL THEN a.tls ELSE g.tls END AS tls, i.token AS mailbox
        FROM audience a LEFT JOIN guarded g ON g.person_id = a.person_id
        LEFT JOIN {contacts_sql.identities()} ON i.kind = %s AND i.person_id = coalesce(g.guardian_id, a.person_id)
    ), stopped AS (
        {contacts_sql.MAILBOXES_STOPPED}
    ), judged AS MATERIALIZED (
        SELECT f.person_id, f.mailbox, f.language, f.patient,
            CASE WHEN u.unproven THEN {UNPROVEN} ELSE f.tls END AS tls,
            CASE
                WHEN f.deceased THEN 'deceased'
                WHEN f.minor AND f.guardian_id IS NULL THEN 'minor'
                WHEN f.mailbox IS NULL THEN 'no_address'
                WHEN u.everything THEN 'suppressed'
                WHEN u.commercial AND NOT %s THEN 'suppressed'
                WHEN u.reminders AND %s THEN 'suppressed'
                WHEN c.state = 'denied' THEN 'no_consent'
                WHEN %s AND (c.state IS DISTINCT FROM 'granted' OR c.expires <= %s) THEN 'no_consent'
                WHEN %s AND NOT f.business THEN 'no_consent'
                ELSE ''
            END AS held,
            %s AND {delivery_sql.has_key("pgp", "f.person_id", "%s")} AS pgp,
            %s AND {delivery_sql.has_key("smime", "f.person_id", "%s")} AS smime,
            %s AND f.born AS portal
        FROM faced f
        LEFT JOIN stopped u ON u.mailbox = f.mailbox
        LEFT JOIN {contacts_sql.consent_states()} ON c.person_id = f.person_id AND c.purpose = %s
            AND {contacts_sql.consent_counts("%s")}
    ), sorted_people AS (
        SELECT person_id, patient, tls, pgp, smime, portal, language,
            CASE WHEN held = '' AND row_number() OVER (PARTITION BY mailbox, held ORDER BY person_id) > 1
                 THEN 'duplicate_mailbox' ELSE held END AS held
        FROM judged
    )
    """
    measured = [domains[tls] for tls in _STRONGEST_FIRST]
    told: list[Any] = [
        _minor_days(today),
        *([token] for token in languages.values()),
        [search_values.presence("language")],
        [_relation("b2b"), _relation("subscriber")],
        [search_values.presence("death_date")],
        [_relation("b2b")],
        *measured,
    ]
    values: list[Any] = [
        *measured,
        list(guardians),
        list(guardians.values()),
        search_values.EMAIL,
        purpose.survives_unsubscribe,
        purpose is Purpose.TREATMENT,
        purpose.needs_authorization,
        now,
        purpose is Purpose.B2B,
        routes.module(RouteName.PGP) is not None,
        now,
        routes.module(RouteName.SMIME) is not None,
        now,
        routes.module(RouteName.PORTAL) is not None,
        purpose.value,
        now,
    ]
    return Query(sql, [*told, *params, *values])


_STRONGEST_FIRST = (TlsClass.AUTHENTICATED, TlsClass.WEBPKI, TlsClass.OPPORTUNISTIC, TlsClass.NONE)


def _tls_sql(tokens_sql: str) -> str:
    """The class of the mail server that a record's tokens name; takes the four lists of ``_STRONGEST_FIRST``."""
    whens = " ".join(f"WHEN {tokens_sql} && %s::bigint[] THEN {tls.value}" for tls in _STRONGEST_FIRST)
    return f"CASE {whens} ELSE {NOT_MEASURED} END"


def _relation(word: str) -> int:
    return tokens.token63("person.relation", tokens.normalize(word))


def _language(code: str) -> int:
    return tokens.token63("person.language", tokens.normalize(code))


def _minor_days(today: date) -> str:
    """Keyed birth days of everyone who is not yet of age, as the text of an array."""
    return bulk.int8_array(tokens.day_range("person.birth_date", years_before(today, ADULT) + timedelta(days=1), today))


def _domain_tokens(now: datetime) -> dict[TlsClass, list[int]]:
    """Keyed mail domains by the class their server was measured to have, while the measure is believed."""
    found: dict[TlsClass, list[int]] = {tls: [] for tls in TlsClass}
    names = MailDomain.objects.filter(tls_class__isnull=False).values_list("domain", flat=True)
    for domain, tls in delivery.measured_classes(names, now).items():
        found[tls].append(search_values.mail_domain(domain))
    return found


def _guardians(actor: Actor, where: str, params: Sequence[Any], today: date) -> dict[int, int]:
    """Minor to guardian, for the minors of the audience who have one: their mail goes to the guardian's mailbox."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT s.person_id FROM {contacts_sql.search_rows()} WHERE ({where}) AND s.tokens @> %s::bigint[] "
            "AND s.birth_day IS NOT NULL AND s.birth_day = ANY(%s::bigint[])",
            [*params, [search_values.presence("guardian_id")], _minor_days(today)],
        )
        ids = [row[0] for row in cursor.fetchall()]
    found: dict[int, int] = {}
    for start in range(0, len(ids), OPEN_AT_ONCE):
        people = contacts.open_people(
            actor=actor, purpose="plan: guardians", ids=ids[start : start + OPEN_AT_ONCE], with_consents=False
        )
        for record in people.values():
            if guardian := record.profile.get("guardian_id"):
                found[record.id] = int(guardian)
    return found


def people_of(
    *, actor: Actor, audience: Audience, purpose: Purpose, floor: Level, route: str = "", held: str = "",
    after: int = 0, size: int = 50,
) -> list[int]:  # fmt: skip
    """Ids of the people behind one number of the plan, in order, from after ``after``."""
    query = statement(actor=actor, audience=audience, purpose=purpose, now=clock.now())
    table = delivery.policy_table()
    # Which combinations lead there is decided before anybody is looked at, so the database hands out one page only.
    lines = (line_of(combination, 1, floor, table) for combination in _unheld())
    wanted = [line.combination for line in lines if (route and line.route == route) or (held and line.held == held)]
    with connection.cursor() as cursor:
        prepare(cursor)
        cursor.execute(
            f"{query.sql} SELECT person_id FROM sorted_people WHERE person_id > %s AND (held <> '' AND held = %s "
            "OR held = '' AND (patient, tls, pgp, smime, portal) IN (SELECT * FROM unnest"
            "(%s::boolean[], %s::integer[], %s::boolean[], %s::boolean[], %s::boolean[]))) ORDER BY person_id LIMIT %s",
            [
                *query.params,
                after,
                held,
                *([getattr(one, name) for one in wanted] for name in ("patient", "tls", "pgp", "smime", "portal")),
                size,
            ],
        )
        return [row[0] for row in cursor.fetchall()]


def _unheld() -> list[Combination]:
    """Every combination of what people are to us and what mailboxes take, of those whom nothing holds back so far."""
    classes = (UNPROVEN, NOT_MEASURED, *(tls.value for tls in TlsClass))
    flags = (False, True)
    return [Combination("", *parts) for parts in product(flags, classes, flags, flags, flags)]


def unmeasured_people(*, actor: Actor, audience: Audience, purpose: Purpose, size: int) -> list[int]:
    """Some people who would get the message and whose mail server has no measure that is still believed."""
    query = statement(actor=actor, audience=audience, purpose=purpose, now=clock.now())
    with connection.cursor() as cursor:
        prepare(cursor)
        cursor.execute(
            f"{query.sql} SELECT person_id FROM sorted_people WHERE held = '' AND tls = {NOT_MEASURED} "
            "ORDER BY random() LIMIT %s",
            [*query.params, size],
        )
        return [row[0] for row in cursor.fetchall()]
