"""How runs of the tests are ordered, remembered and reported."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import again, left_out, order, proofs, sizes, tally

FILES = Counter(
    {Path(f"tests/{folder}/test_{n}.py"): n for folder in ("core", "browser", "users") for n in range(1, 9)}
)


def in_order(seed: int | None, files: Counter[Path] = FILES) -> list[Path]:
    places = order.ordered(files, seed)
    return sorted(files, key=places.__getitem__)


def test_a_seed_is_an_order_whatever_way_the_files_were_found() -> None:
    assert in_order(7) == in_order(7, Counter(dict(reversed(FILES.items()))))
    assert in_order(7) != in_order(8)
    assert in_order(None)[:2] == [Path("tests/core/test_1.py"), Path("tests/core/test_2.py")]


@pytest.mark.parametrize("seed", [None, 7, 8])
def test_browser_scenes_come_last(seed: int | None) -> None:
    assert [file.parent.name == "browser" for file in in_order(seed)] == [False] * 16 + [True] * 8


def test_two_halves_have_every_file_once_and_about_as_many_tests() -> None:
    one, two = order.dealt(FILES, order.ordered(FILES, 7))
    assert not one & two
    assert one | two == set(FILES)
    for browser in (True, False):
        load = [sum(FILES[file] for file in half if order.in_browser(file) is browser) for half in (one, two)]
        assert abs(load[0] - load[1]) <= 8


def test_half_of_the_runs_have_a_load_and_any_number_may() -> None:
    assert [again.loaded(n, 10, 5) for n in range(10)] == [False, True] * 5
    assert [sum(again.loaded(n, 10, load) for n in range(10)) for load in (0, 3, 10)] == [0, 3, 10]


def test_a_tally_goes_on_in_the_same_state_and_begins_anew_in_another(tmp_path: Path) -> None:
    tally.Tally("again", "abc", home=tmp_path).note("seed 7", {"failed": []})
    assert tally.Tally("again", "abc", home=tmp_path).found == {"seed 7": {"failed": []}}
    assert tally.Tally("again", "abd", home=tmp_path).found == {}
    tally.Tally("again", "", home=tmp_path).note("seed 7", 1)
    assert tally.Tally("again", "", home=tmp_path).found == {}, "without git nobody knows whether it is the same"


def test_the_state_is_the_commit_and_what_differs_from_it(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@clinic.test")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    assert tally.state_of(tmp_path) == ""
    git("init")
    (tmp_path / "a.py").write_text("a")
    git("add", "a.py")
    git("commit", "-m", "first")
    clean = tally.state_of(tmp_path)
    (tmp_path / "a.py").write_text("b")
    changed = tally.state_of(tmp_path)
    (tmp_path / "new.py").write_text("c")
    assert len({clean, changed, tally.state_of(tmp_path)}) == 3
    assert changed.startswith(f"{clean}-")
    (tmp_path / "new.py").unlink()
    assert tally.state_of(tmp_path) == changed


def test_a_report_is_read(tmp_path: Path) -> None:
    (tmp_path / "r.xml").write_text(
        '<testsuites><testsuite><testcase classname="tests.a" name="one"/>'
        '<testcase classname="tests.a" name="two"><failure message="no"/></testcase>'
        '<testcase classname="tests.a" name="three"><skipped message="perl is absent"/></testcase>'
        "</testsuite></testsuites>"
    )
    assert tally.outcome_of(tmp_path / "r.xml") == (2, ["tests.a::two"], ["perl is absent"])


def test_every_reason_is_said_and_nothing_is_said_too() -> None:
    assert left_out.lines(Counter(), Counter()) == ["Nothing."]
    counts = Counter({left_out.PEERS: 2, left_out.SAMPLE: 5})
    assert left_out.lines(counts, Counter({"needs root, which Postfix starts as": 1})) == [
        "2 marked peers: make test-peers runs them",
        "5 ran as a seeded sample: make proofs runs them at full size",
        "1 skipped: needs root, which Postfix starts as",
    ]
    report = SimpleNamespace(longrepr=("tests/a.py", 7, "Skipped: left out: perl is absent"))
    assert left_out.reason_of(report) == "perl is absent"


def test_a_proof_is_a_sample_here_and_large_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "FULL", False)
    assert (sizes.examples(150), sizes.grown(1, 300), sizes.seed(11)) == (150, 1, 11)
    monkeypatch.setattr(sizes, "FULL", True)
    monkeypatch.setattr(sizes, "_SEED", "5")
    assert (sizes.examples(150), sizes.grown(1, 300), sizes.seed(11)) == (15_000, 300, 5)


def test_a_proof_that_failed_or_never_ran_is_no_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``prove`` reads what pytest wrote; here pytest is a program that writes nothing, and ends well or badly."""
    for program, ended in (("true", "FAILED"), ("false", "FAILED")):
        monkeypatch.setattr(proofs, "pytest_command", lambda *words, program=program: [program])
        assert proofs.prove("tests/a.py::one", 5, tmp_path)["ended"] == ended


def test_browser_scenes_stay_last_when_pytest_has_put_together_what_shares_a_browser() -> None:
    """The browser's driver keeps an event loop running, in which nothing else can start one."""
    files = ["tests/browser/test_delivery.py", "tests/demo/test_supervisor.py"]
    told = subprocess.run(
        tally.pytest_command(*files, "--collect-only", "-q"), cwd=tally.REPOSITORY, capture_output=True, text=True
    )
    found = [line.split("::")[0] for line in told.stdout.splitlines() if "::" in line]
    assert sorted(set(found)) == files
    assert [file == files[0] for file in found] == sorted(file == files[0] for file in found)
