"""The order in which files of tests run, and how one run is dealt to two processes.

``--shuffle-seed=7`` gives the files another order, the same for the same seed; the tests of a file stay in theirs.
``--half=1`` and ``--half=2`` deal the files to two processes: which file comes after which is then a matter of the seed
alone, and can be repeated (pytest-xdist gives the next file to whoever is free).
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

# With two processes, what takes longest starts first: else one would finish it while the other has nothing to do.
LONGEST = (
    "leaks/test_leaks.py",
    *("browser/test_road.py", "browser/test_every_page.py", "browser/test_templates.py", "browser/test_campaigns.py"),
    *("browser/test_delivery.py", "browser/test_administration.py", "browser/test_audit.py"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("order")
    group.addoption("--shuffle-seed", type=int, help="run the files in the order of this seed")
    group.addoption("--half", type=int, choices=(1, 2), help="run one half of the files")


def pytest_report_header(config: pytest.Config) -> str | None:
    seed, half = config.getoption("shuffle_seed"), config.getoption("half")
    return None if seed is None and half is None else f"order of files: --shuffle-seed={seed} --half={half}"


# The last word: pytest itself puts tests together that share a browser.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    tests = Counter(item.path for item in items)
    places = ordered(tests, config.getoption("shuffle_seed"))
    if half := config.getoption("half"):
        mine = dealt(tests, places)[half - 1]
        # The other half runs beside this one; it is not left out.
        items[:] = [item for item in items if item.path in mine]
    items.sort(key=lambda item: places[item.path])


def in_browser(file: Path) -> bool:
    """Browser scenes come last: the browser's driver keeps an event loop running to the end of the session."""
    return file.parent.name == "browser" or file.name.startswith("test_browser")


def ordered(files: Counter[Path], seed: int | None = None) -> dict[Path, int]:
    """The place of each file in the run: as collected, the longest first, or shuffled; browser scenes always last."""
    order = list(files)
    if seed is None:
        short = {file: "/".join(file.parts[-2:]) for file in order}
        order.sort(key=lambda file: LONGEST.index(short[file]) if short[file] in LONGEST else len(LONGEST))
    else:
        order.sort()
        random.Random(seed).shuffle(order)
    order.sort(key=in_browser)
    return {file: place for place, file in enumerate(order)}


def dealt(tests: Counter[Path], places: dict[Path, int]) -> tuple[set[Path], set[Path]]:
    """Two halves of the files, each in the order of ``places``; browser scenes, which take longest, are dealt apart."""
    halves: tuple[set[Path], set[Path]] = (set(), set())
    for kind in (False, True):
        load = [0, 0]
        for file in sorted((file for file in tests if in_browser(file) is kind), key=places.__getitem__):
            lighter = load.index(min(load))
            halves[lighter].add(file)
            load[lighter] += tests[file]
    return halves
