"""Each package that an installation gets is used, and says why it is there; the locks hold hashes and no index."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = (REPOSITORY / "pyproject.toml").read_text()
NEEDED = tomllib.loads(PROJECT)["project"]["dependencies"]
# Not imported by the product: started by its command; imported by dkimpy, for signatures with Ed25519.
ELSEWHERE = {"gunicorn": "docker", "pynacl": "tests"}


def bare(requirement: str) -> str:
    return re.split(r"[\[<>=~;]", requirement)[0].lower()


def normal(name: str) -> str:
    """The name of a distribution as requirements write it."""
    return name.lower().replace("_", "-")


# Each call reads the metadata of every distribution that is installed.
owners_of_modules = cache(packages_distributions)


@cache
def source(folder: str) -> str:
    paths = [path for path in (REPOSITORY / folder).rglob("*") if path.suffix in (".py", "") and path.is_file()]
    return "".join(path.read_text() for path in paths)


@pytest.mark.parametrize("requirement", NEEDED)
def test_every_package_is_used(requirement: str) -> None:
    name = bare(requirement)
    modules = [module for module, owners in owners_of_modules().items() if name in map(normal, owners)]
    assert modules, f"{name} is not installed"
    folders = [ELSEWHERE[name]] if name in ELSEWHERE else ["apps", "config"]
    text = "".join(source(folder) for folder in folders)
    used = [each for each in modules if re.search(rf'(?:\bimport |\bfrom |["\']){re.escape(each)}\b', text)]
    assert used, f"nothing in {folders} names {modules}"


@pytest.mark.parametrize("lock", ["base.lock", "dev.lock"])
def test_the_locks_hold_hashes_and_name_no_index(lock: str) -> None:
    text = (REPOSITORY / "requirements" / lock).read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text[text.index("\n", text.index("uv pip compile")) + 1 :])
    assert len(entries) > 40
    for entry in entries:
        assert "--hash=sha256:" in entry, entry.split()[0]
    assert not re.search(r"https?://|--(?:extra-)?index-url [^\\]*\.", text)


def test_what_the_image_installs_is_what_was_tested() -> None:
    """The smaller lock holds versions of the larger one, and each package that the project needs."""

    def pins(name: str) -> set[str]:
        return set(
            re.findall(r"^[a-z0-9.-]+==[^ \\;]+", (REPOSITORY / "requirements" / name).read_text(), re.MULTILINE)
        )

    assert pins("base.lock") <= pins("dev.lock")
    assert {bare(each) for each in NEEDED} <= {each.partition("==")[0] for each in pins("base.lock")}
