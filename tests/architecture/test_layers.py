"""Contracts of imports: a breach of each is planted in a copy of the product and seen; the page shows them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import global_settings

from tests.architecture import draw, rules

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product's modules, its contracts and their types, in a folder of their own."""
    place = tmp_path_factory.mktemp("house")
    for folder in ("apps", "config", "tests/architecture"):
        shutil.copytree(REPOSITORY / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__", "*.html"))
    shutil.copy(REPOSITORY / ".importlinter", place)
    return place


def lint(place: Path) -> tuple[bool, str]:
    """Whether the contracts are kept there, and what import-linter says."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as go; go()", "--no-cache"]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(place), "COLUMNS": "300"}
    done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, timeout=120)
    return done.returncode == 0, done.stdout


def test_the_product_keeps_its_contracts(copy: Path) -> None:
    kept, said = lint(copy)
    assert kept, said


@pytest.mark.parametrize(
    ("module", "lines", "named"),
    [
        (
            "apps/vault/keys.py",
            "def late():\n    from apps.contacts import values\n",
            "apps.vault is not allowed to import apps.contacts",
        ),
        (
            "apps/tracking/links.py",
            "from apps.imports import models\n",
            "apps.tracking is not allowed to import apps.imports",
        ),
        ("apps/quality/__init__.py", "", "quality"),
        ("apps/core/files.py", "from config import celery\n", "apps is not allowed to import config"),
        (
            "apps/contacts/consent/opt_outs.py",
            "if TYPE_CHECKING:\n    from apps.contacts.consent import services\n",
            "apps.contacts.consent.opt_outs -> apps.contacts.consent.services",
        ),
        (
            "apps/portal/selectors.py",
            "from apps.portal.services import sessions\n",
            "apps.portal.selectors -> apps.portal.services.sessions",
        ),
        (
            "apps/portal/documents.py",
            "def late():\n    from apps.portal import forms\n",
            "apps.portal.services.messages -> apps.portal.documents -> apps.portal.forms",
        ),
    ],
    ids=["up", "beside", "new app", "config", "circle", "role", "role by way of another"],
)
def test_a_breach_is_seen(copy: Path, module: str, lines: str, named: str) -> None:
    path = copy / module
    before = path.read_text() if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_text((before or "") + lines)
    try:
        kept, said = lint(copy)
    finally:
        if before is None:
            shutil.rmtree(path.parent)
        else:
            path.write_text(before)
    assert not kept
    assert named in said


def test_the_page_shows_the_layers() -> None:
    page = draw.PAGE.read_text()
    assert draw.drawn(page) == draw.picture(), "python -m tests.architecture.draw"
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", page, re.MULTILINE)
    told = {int(number): set(re.findall(r"(?:^|· )`(\w+)`", words)) for number, words in rows}
    assert told == {number: set(row) for number, row in enumerate(reversed(draw.layers()))}


def test_a_layer_more_changes_the_picture() -> None:
    text = (REPOSITORY / ".importlinter").read_text()
    assert draw.picture(text.replace("    vault\n    audit\n", "    vault | audit\n")) != draw.picture(text)


def test_the_page_tells_what_points_upwards() -> None:
    page = draw.PAGE.read_text().partition("## What points upwards")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+?) \| ([a-z, ]+) \|", page, re.MULTILINE)
    told = {(name, who) for names, apps in rows for name in re.findall(r"`(.+?)`", names) for who in apps.split(", ")}
    assert told == hooks(dict(rules.modules("apps")), (REPOSITORY / "config" / "settings.py").read_text())


def test_a_hook_more_is_seen() -> None:
    text = "from apps.audit import people\ndef ready():\n    people.register(None)\n"
    assert hooks({"apps.portal.apps": text}, "") == {("audit.people.register", "portal")}
    used = {"apps.core.commands": "for path in settings.AFTER_LUNCH:\n    import_string(path)()\n"}
    assert hooks(used, 'AFTER_LUNCH = ["apps.audit.sequencer.pin"]') == {("AFTER_LUNCH", "audit")}


def hooks(modules: dict[str, str], settings: str) -> set[tuple[str, str]]:
    """(place, app that comes): registrations with other apps, and settings of ours or of Django that name an app."""
    found = {
        (name.removeprefix("apps."), module.split(".")[1])
        for module, text in modules.items()
        for name in rules.registrations(module, text)
    }
    read = set(re.findall(r"\bsettings\.([A-Z_]+)", "".join(modules.values())))
    for name, paths in rules.settings_that_name_apps(settings).items():
        # What else Django is told (middleware, storage, sessions) is configuration.
        ours = name in read and not hasattr(global_settings, name)
        if ours or name in ("AUTH_USER_MODEL", "EMAIL_BACKEND"):
            found |= {(name, path.split(".")[1]) for path in paths}
    return found
