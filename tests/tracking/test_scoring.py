"""Scanners open links before people do; only people count."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from apps.tracking.scoring import Hit, Reason, is_machine_agent, judge

SENT = datetime(2026, 11, 20, 12, tzinfo=UTC)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:135.0) Gecko/20100101 Firefox/135.0"


def at(seconds: float) -> datetime:
    return SENT + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("hits", "reasons"),
    [
        ([Hit(1, at(600))], [set()]),
        ([Hit(1, at(600)), Hit(2, at(640))], [set(), set()]),
        ([Hit(1, at(3))], [{Reason.TOO_SOON}]),
        ([Hit(1, at(600), head=True)], [{Reason.HEAD}]),
        ([Hit(1, at(600), agent=True)], [{Reason.AGENT}]),
        ([Hit(1, at(600)), Hit(2, at(601)), Hit(3, at(602))], [{Reason.AT_ONCE}] * 3),
        ([Hit(1, at(600)), Hit(1, at(601)), Hit(1, at(602))], [set()] * 3),
        ([Hit(1, at(600)), Hit(9, at(601), trap=True)], [{Reason.TRAP}] * 2),
        ([Hit(1, at(9000)), Hit(9, at(60), trap=True)], [set(), {Reason.TRAP}]),
    ],
)
def test_the_table(hits, reasons):
    assert judge(hits, SENT) == [frozenset(one) for one in reasons]


@pytest.mark.parametrize(
    ("agent", "machine"),
    [
        (FIREFOX, False),
        ("", True),
        ("Mozilla/5.0", True),
        ("curl/8.5", True),
        ("WhatsApp/2.19.92 i", True),
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", True),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", False),
    ],
)
def test_agents(agent, machine):
    assert is_machine_agent(agent) is machine


def agents(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [found[1].strip("'\"") for line in lines if (found := re.match(r"^\s*-\s+(.*)$", line))]


def test_agents_of_the_isbot_lists(shared_data):
    crawlers = agents(shared_data / "traffic/isbot/crawlers.yml")
    browsers = [one for one in agents(shared_data / "traffic/isbot/browsers.yml") if one.startswith("Mozilla/5.0 (")]
    assert sum(map(is_machine_agent, crawlers)) / len(crawlers) > 0.9
    # Five systems that hardly anybody has (Haiku, AmigaOS, Syllable), and "Yahoo! Slurp".
    assert sum(map(is_machine_agent, browsers)) <= 6
    assert len(browsers) > 380
