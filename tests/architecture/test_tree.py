"""The tests stand where the code stands."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
# What concerns several apps at once, or none.
ACROSS = {
    "architecture",  # the rules of the house
    "attacks",  # what somebody tries who means harm
    "browser",  # pages, as people see them
    "data",  # files that tests read
    "flows",  # a whole way through several apps
    "install",  # an installation by hand, from the files of the image
    "interop",  # programs of others
    "leaks",  # whether anything about a person lies open
    "upgrade",  # backups of past releases
}


def folders(place: Path) -> set[str]:
    return {each.name for each in place.iterdir() if each.is_dir() and not each.name.startswith("__")}


def test_each_folder_of_tests_is_an_app_or_goes_across() -> None:
    apps = folders(REPOSITORY / "apps")
    assert folders(REPOSITORY / "tests") - apps - ACROSS == set()
    assert apps & ACROSS == set()


def test_each_app_has_tests() -> None:
    assert folders(REPOSITORY / "apps") - folders(REPOSITORY / "tests") == set()
