"""When an agreement counts."""

from __future__ import annotations

from datetime import date

import pytest

from apps.compliance.agreements import CLAUSES, CODES, Standing, Terms, judge, keep_until

ON = date(2026, 11, 20)


def terms(**more):
    given = {
        "effective": date(2026, 1, 1),
        "expires": None,
        "terminated": None,
        "clauses": CODES,
        "signed_copy": True,
        **more,
    }
    return Terms(**given)


@pytest.mark.parametrize(
    ("change", "standing"),
    [
        ({}, Standing.IN_FORCE),
        ({"expires": date(2027, 11, 20)}, Standing.IN_FORCE),
        ({"expires": date(2026, 12, 20)}, Standing.EXPIRING),
        ({"expires": date(2026, 11, 21)}, Standing.EXPIRING),
        ({"expires": date(2026, 11, 20)}, Standing.EXPIRED),
        ({"effective": date(2026, 11, 20)}, Standing.IN_FORCE),
        ({"effective": date(2026, 11, 21)}, Standing.FUTURE),
        ({"terminated": date(2026, 11, 20)}, Standing.TERMINATED),
        ({"terminated": date(2026, 11, 25)}, Standing.EXPIRING),
        ({"breached": True}, Standing.BREACHED),
        ({"breached": True, "terminated": date(2026, 11, 20)}, Standing.TERMINATED),
        ({"signed_copy": False}, Standing.DRAFT),
        ({"clauses": CODES - {"books"}}, Standing.DRAFT),
    ],
)
def test_the_table(change, standing):
    assert judge(terms(**change), ON).standing is standing


def test_only_in_force_counts():
    assert {one for one in Standing if one.counts} == {Standing.IN_FORCE, Standing.EXPIRING}


def test_what_is_missing_is_named():
    missing = judge(terms(clauses=CODES - {"books", "access"}, signed_copy=False), ON).missing
    assert "not uploaded" in missing[0]
    assert "2 required clauses" in missing[1]
    assert "access for individuals" in missing[1]


@pytest.mark.parametrize(
    ("created", "expires", "terminated", "until"),
    [
        (date(2026, 1, 1), None, None, None),
        (date(2026, 1, 1), date(2027, 3, 1), None, date(2033, 3, 1)),
        (date(2026, 1, 1), date(2027, 3, 1), date(2026, 6, 1), date(2032, 6, 1)),
        (date(2026, 1, 1), date(2020, 3, 1), None, date(2032, 1, 1)),
        (date(2024, 2, 29), date(2024, 2, 29), None, date(2030, 3, 1)),
    ],
)
def test_kept_six_years_from_creation_or_last_effect(created, expires, terminated, until):
    assert keep_until(created, expires, terminated) == until


def test_all_clauses_of_the_rule_are_there():
    assert len(CLAUSES) == 12
    assert all("164." in clause.rule for clause in CLAUSES)
