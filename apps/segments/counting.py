"""Counting people: one statement, a time limit, and a way to stop it when the rule has changed.

Counting opens nothing: it compares keyed values. A sample opens a handful of people and is audited.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from psycopg import errors

from apps.contacts import sql as contacts_sql
from apps.core import clock
from apps.core.errors import Refused
from apps.segments import naming, rules, selectors
from apps.segments.conditions.base import tokens
from apps.segments.conditions.base.controls import join_code
from apps.segments.conditions.base.nodes import Handle

LIVE_TIMEOUT_MS = 5_000
TIMEOUT_MS = 60_000
_TICKET = re.compile(r"[0-9a-f]{16,32}")


@dataclass(frozen=True)
class Counted:
    """How many people fit, and how long the statement took in milliseconds."""

    count: int
    ms: int


class Superseded(Exception):
    """A newer count of the same builder took this one's place; nothing is to be shown."""


class TooSlow(Refused):
    """The count passed its limit."""


def count(rule: rules.Rule, *, ticket: str = "", timeout_ms: int = TIMEOUT_MS) -> Counted:
    """How many people fit ``rule`` now.

    ``ticket`` is the builder's random id (hex): a new count with it stops the running one. Raises TooSlow past
    ``timeout_ms``, Superseded when a newer count stopped this one.
    """
    people, params = selectors.people(rule, clock.now())
    with _limited(ticket, timeout_ms) as cursor:
        _by_sets(cursor)
        started = time.perf_counter()
        # The statement comes from the compiler: its text holds no value of the rule.
        cursor.execute(f"SELECT count(*) FROM ({people}) found", params)  # noqa: S608
        found = int(cursor.fetchone()[0])
        return Counted(found, round((time.perf_counter() - started) * 1000))


def some_ids(rule: rules.Rule, size: int, *, ticket: str = "", timeout_ms: int = LIVE_TIMEOUT_MS) -> list[int]:
    """Up to ``size`` ids of people who fit, in no meaningful order."""
    where, params = selectors.condition(rule, clock.now(), joins=True)
    with _limited(ticket, timeout_ms) as cursor:
        _by_sets(cursor)
        cursor.execute(
            f"SELECT s.person_id FROM {contacts_sql.search_rows()} WHERE {where} LIMIT %s",  # noqa: S608
            [*params, size],
        )
        return [row[0] for row in cursor.fetchall()]


def everyone_in(segment_id: int) -> list[int]:
    """Ids of all people in a saved segment now, ascending. Raises Refused when it is gone or takes too long."""
    segment = selectors.by_id(segment_id)
    if segment is None:
        raise Refused("segment.unknown", "This segment no longer exists.")
    people, params = selectors.people(segment.rule, clock.now())
    with _limited("", TIMEOUT_MS) as cursor:
        _by_sets(cursor)
        cursor.execute(f"{people} ORDER BY 1", params)
        return [row[0] for row in cursor.fetchall()]


def page_of_ids(rule: rules.Rule, size: int, *, after: int = 0) -> list[int]:
    """Up to ``size`` ids of people who fit, rising, all above ``after``. Raises TooSlow."""
    where, params = selectors.condition(rule, clock.now())
    with _limited("", LIVE_TIMEOUT_MS) as cursor:
        cursor.execute(
            f"SELECT s.person_id FROM {contacts_sql.search_rows()} WHERE {where} AND s.person_id > %s"  # noqa: S608
            " ORDER BY s.person_id LIMIT %s",
            [*params, after, size],
        )
        return [row[0] for row in cursor.fetchall()]


def memberships(person_id: int, wanted: Sequence[tuple[int, rules.Rule]]) -> dict[int, bool]:
    """Which of the rules one person fits, by tokens: one statement over one search row."""
    columns, params = [], []
    for _, rule in wanted:
        where, values = selectors.condition(rule, clock.now(), one=True)
        columns.append(f"({where})")
        params += values
    if not columns:
        return {}
    with _limited("", LIVE_TIMEOUT_MS) as cursor:
        cursor.execute(
            f"SELECT {', '.join(columns)} FROM {contacts_sql.search_rows()} WHERE s.person_id = %s",  # noqa: S608
            [*params, person_id],
        )
        row = cursor.fetchone()
    found = row or [False] * len(columns)
    return {number: bool(fits) for (number, _), fits in zip(wanted, found, strict=True)}


def stop(ticket: str) -> int:
    """Cancel the running counts of a builder; returns how many there were.

    A backend of our own role may be cancelled by us; the ticket is its application name while it counts.
    """
    if not _TICKET.fullmatch(ticket):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE pg_cancel_backend(pid)) FROM pg_stat_activity "
            "WHERE application_name = %s AND pid <> pg_backend_pid() AND state = 'active'",
            [f"count {ticket}"],
        )
        return int(cursor.fetchone()[0])


def _by_sets(cursor: Any) -> None:
    """Hash and merge joins only: whoever counts reads whole sets, and a wrong guess must not end in a loop."""
    cursor.execute("SELECT set_config('enable_nestloop', 'off', true)")


@contextmanager
def _limited(ticket: str, timeout_ms: int) -> Iterator[Any]:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{timeout_ms}ms"])
            # Hashed sets of a million ids fit; compiling the plan to machine code would cost more than it runs.
            cursor.execute("SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true)")
            if _TICKET.fullmatch(ticket):
                cursor.execute("SELECT set_config('application_name', %s, true)", [f"count {ticket}"])
            yield cursor
            # Inside a longer transaction the settings would outlive this block.
            cursor.execute(
                "SELECT set_config('statement_timeout', '0', true), set_config('enable_nestloop', 'on', true)"
            )
    except OperationalError as error:
        if not isinstance(error.__cause__, errors.QueryCanceled):
            raise
        if ticket and "user request" in str(error):
            raise Superseded from None
        raise TooSlow(
            "segment.too_slow",
            "Counting took too long and was stopped. Add a condition that narrows it down, or save and count later.",
        ) from None


# -- Codes that stand on nobody's record -----------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Absent:
    """A code on no record. ``segment`` is the nested segment that asks for it, empty for the rule itself."""

    words: str
    segment: str = ""


def absent_codes(rule: rules.Rule, names: rules.Names | None = None) -> list[Absent]:
    """The codes of ``rule``, and of the segments it leads to, that are on nobody's record; one look at an index each.

    A misspelling, or a vaccine nobody has had here: under "never" or "none of these" such a code lets everybody
    through, vaccinated or not, and no count shows it.

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
