"""What a business associate agreement must say, and whether one is in force: pure.

Sources: 45 CFR 164.504(e)(2) and 164.314(a)(2)(i) (contents), 164.504(e)(2)(i)(A)-(B) and (e)(4) (what it may allow),
164.316(b)(2)(i) (kept six years from creation or from when last in effect, whichever is later).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

REMIND_BEFORE = timedelta(days=60)
REVIEW_EVERY = timedelta(days=365)
KEPT_YEARS = 6


@dataclass(frozen=True)
class Clause:
    """One thing the agreement must say. ``code`` is stable; ``rule`` is its citation."""

    code: str
    words: str
    rule: str


CLAUSES = (
    Clause("uses", "Which uses and disclosures are permitted and required", "164.504(e)(2)(i)"),
    Clause("no_other_use", "No use or disclosure beyond the agreement or the law", "164.504(e)(2)(ii)(A)"),
    Clause(
        "safeguards",
        "Appropriate safeguards, and the Security Rule for electronic health information",
        "164.504(e)(2)(ii)(B); 164.314(a)(2)(i)(A)",
    ),
    Clause(
        "reports",
        "Reports of uses that were not permitted, security incidents and breaches",
        "164.504(e)(2)(ii)(C); 164.314(a)(2)(i)(C); 164.410",
    ),
    Clause(
        "subcontractors",
        "The same terms for subcontractors",
        "164.504(e)(2)(ii)(D); 164.314(a)(2)(i)(B); 164.308(b)(2)",
    ),
    Clause("access", "Access for individuals", "164.504(e)(2)(ii)(E); 164.524"),
    Clause("amendment", "Amendment of health information", "164.504(e)(2)(ii)(F); 164.526"),
    Clause("accounting", "Information for an accounting of disclosures", "164.504(e)(2)(ii)(G); 164.528"),
    Clause("our_duties", "Our own rules where it carries out our duties", "164.504(e)(2)(ii)(H)"),
    Clause("books", "Books and records open to the Secretary of HHS", "164.504(e)(2)(ii)(I)"),
    Clause(
        "return_or_destroy",
        "Return or destruction at the end; where not feasible, protection goes on",
        "164.504(e)(2)(ii)(J)",
    ),
    Clause("termination", "We may terminate for a material violation", "164.504(e)(2)(iii)"),
)
OPTIONS = (
    Clause("own_management", "May use it for its own management and legal duties", "164.504(e)(2)(i)(A); (e)(4)"),
    Clause("aggregation", "May provide data aggregation", "164.504(e)(2)(i)(B)"),
)
CODES = frozenset(clause.code for clause in CLAUSES)
OPTION_CODES = frozenset(clause.code for clause in OPTIONS)


class Standing(StrEnum):
    """Where an agreement stands on a day; the words are in ``core.words``."""

    DRAFT = "baa_draft"
    FUTURE = "baa_future"
    IN_FORCE = "baa_in_force"
    EXPIRING = "baa_expiring"
    EXPIRED = "baa_expired"
    TERMINATED = "baa_terminated"
    BREACHED = "baa_breached"

    @property
    def counts(self) -> bool:
        """Whether health information may go to the vendor."""
        return self in (Standing.IN_FORCE, Standing.EXPIRING)


@dataclass(frozen=True)
class Terms:
    """What decides: the day it begins, the first day it no longer holds (or None), clauses found, signed copy here,
    and whether the vendor broke it in substance and neither cured that nor was left (45 CFR 164.504(e)(1)(ii)).
    """

    effective: date
    expires: date | None
    terminated: date | None
    clauses: frozenset[str]
    signed_copy: bool
    breached: bool = False


@dataclass(frozen=True)
class Judgement:
    """Standing, and in words what is missing before it counts."""

    standing: Standing
    missing: tuple[str, ...] = ()


def judge(terms: Terms, on: date) -> Judgement:
    """Where the agreement stands on the day ``on``. Incomplete is a draft, whatever its dates."""
    missing = []
    if not terms.signed_copy:
        missing.append("The signed document is not uploaded.")
    absent = [clause for clause in CLAUSES if clause.code not in terms.clauses]
    if absent:
        noun = "clause is" if len(absent) == 1 else "clauses are"
        missing.append(f"{len(absent)} required {noun} not ticked: " + "; ".join(c.words.lower() for c in absent) + ".")
    if terms.terminated is not None and on >= terms.terminated:
        return Judgement(Standing.TERMINATED)
    if terms.expires is not None and on >= terms.expires:
        return Judgement(Standing.EXPIRED)
    if missing:
        return Judgement(Standing.DRAFT, tuple(missing))
    if terms.breached:
        return Judgement(Standing.BREACHED)
    if on < terms.effective:
        return Judgement(Standing.FUTURE)
    end = min((day for day in (terms.expires, terms.terminated) if day is not None), default=None)
    if end is not None and end - on <= REMIND_BEFORE:
        return Judgement(Standing.EXPIRING)
    return Judgement(Standing.IN_FORCE)


def keep_until(created: date, expires: date | None, terminated: date | None) -> date | None:
    """First day on which the record may be destroyed; None while no end is known."""
    ends = [day for day in (expires, terminated) if day is not None]
    if not ends:
        return None
    return _years_later(max(created, min(ends)), KEPT_YEARS)


def unknown_clauses(codes: Collection[str]) -> set[str]:
    """Codes that are neither required clauses nor options."""
    return set(codes) - CODES - OPTION_CODES


def _years_later(day: date, years: int) -> date:
    if day.year + years > date.max.year:
        return date.max  # registers write the year 9999 for "no end"
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        # Feb 29: kept one day longer rather than one shorter.
        return day.replace(year=day.year + years, month=3, day=1)
