"""What a run of the tests left out, and why: said at its end, whoever ran it.

Two markers sort the tests: ``peers`` (programs of others) run in ``make test-peers``; ``proof`` is a sample everywhere
but in ``make proofs``, where it has its full size. Every property test is a proof without being marked.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest

from tests import sizes

# In a report's reason: what the machine or the person lacks, which continuous integration may lack as well.
NOT_ROOT = "needs root"
PEERS = "marked peers: make test-peers runs them"
OTHERS = "others that this command does not choose: make test runs them"
SAMPLE = "ran as a seeded sample: make proofs runs them at full size"
_counts: pytest.StashKey[Counter[str]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_counts] = Counter()


def pytest_itemcollected(item: pytest.Item) -> None:
    """A property is a proof: the more examples, the more it says."""
    if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
        item.add_marker(pytest.mark.proof)


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items:
        item.config.stash[_counts][PEERS if item.get_closest_marker("peers") else OTHERS] += 1


def pytest_collection_finish(session: pytest.Session) -> None:
    if not sizes.FULL:
        proofs = [item for item in session.items if item.get_closest_marker("proof")]
        session.config.stash[_counts][SAMPLE] = len(proofs)


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = dict(session.config.stash[_counts])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a process of pytest-xdist counted; each has collected everything, so the last one's word holds."""
    counts = node.config.stash[_counts]
    counts.clear()
    counts.update(getattr(node, "workeroutput", {}).get("left_out", {}))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI nothing is left out but what only root may do: a test that would be skipped fails, with the reason."""
    report = yield
    if report.skipped and os.environ.get("CI") and NOT_ROOT not in str(report.longrepr):
        report.outcome, report.longrepr = "failed", f"{item.nodeid} may not be left out in CI: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The last words: what was not run or run as a sample, and why."""
    skipped = Counter(reason_of(report) for report in terminalreporter.stats.get("skipped", []))
    terminalreporter.section("left out")
    for line in lines(config.stash[_counts], skipped):
        terminalreporter.line(line)


def reason_of(report: Any) -> str:
    """Why a test was skipped, without the place where it was said."""
    said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return said.removeprefix("Skipped: ").removeprefix("left out: ")


def lines(counts: Counter[str], skipped: Counter[str]) -> list[str]:
    """One line for each reason; one that says so when nothing was left out."""
    told = [f"{counts[what]} {what}" for what in (PEERS, OTHERS, SAMPLE) if counts[what]]
    return [*told, *(f"{number} skipped: {reason}" for reason, number in sorted(skipped.items()))] or ["Nothing."]
