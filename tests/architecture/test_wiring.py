"""Queues, schedule, migrations: everything that is named exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

from config.celery import QUEUES, SCHEDULE, app

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", SCHEDULE)
def test_every_beat_entry_names_a_real_task(name: str) -> None:
    app.loader.import_default_modules()
    app.autodiscover_tasks(force=True)
    assert SCHEDULE[name]["task"] in app.tasks


def woken() -> Iterator[tuple[str, str | None]]:
    """Every place that wakes a worker, and the task that it names (None: not as a text)."""
    for path in (REPOSITORY / "apps").rglob("*.py"):
        source = path.read_text()
        if "waking." not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "waking"
            ):
                name = node.args[0]
                where = f"{path.relative_to(REPOSITORY)}:{node.lineno}"
                yield where, name.value if isinstance(name, ast.Constant) else None


def test_every_worker_is_woken_for_a_task_that_is_registered() -> None:
    app.loader.import_default_modules()
    app.autodiscover_tasks(force=True)
    named = dict(woken())
    assert len(named) > 8, "the search finds nothing any more"
    assert {where: name for where, name in named.items() if name not in app.tasks} == {}


def test_workers_are_woken_in_one_way_only() -> None:
    """With its one rule for a broker that is away: nobody else hands anything to a broker."""
    pattern = re.compile(r"\.(delay|apply_async|send_task)\(|import wake\b|import wake_now\b")
    offenders = [
        f"{path.relative_to(REPOSITORY)}:{number}"
        for path in (REPOSITORY / "apps").rglob("*.py")
        if path.name != "waking.py"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    assert offenders == []


def test_every_route_leads_to_a_queue_that_is_declared() -> None:
    assert {route["queue"] for route in app.conf.task_routes.values()} <= set(QUEUES)


@pytest.mark.parametrize("config", [c for c in apps.get_app_configs() if c.name.startswith("apps.")], ids=str)
def test_migrations_are_one_line(config) -> None:
    folder = Path(config.path) / "migrations"
    numbers = sorted(path.name[:4] for path in folder.glob("[0-9]*.py"))
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


def test_no_view_or_model_saves_on_its_own() -> None:
    """Writes live in services (and in management of the embedded servers and of sessions)."""
    pattern = re.compile(r"\.(save|bulk_create|bulk_update)\(|\.objects\.(create|update_or_create|get_or_create)\(")
    offenders = [
        f"{path.relative_to(REPOSITORY)}:{number}"
        for path in (REPOSITORY / "apps").rglob("*.py")
        if path.name in ("views.py", "forms.py", "tasks.py", "selectors.py", "policy.py") or "/views/" in str(path)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    assert offenders == []


def test_every_setting_of_the_environment_is_described() -> None:
    source = "".join(path.read_text() for folder in ("config", "apps") for path in (REPOSITORY / folder).rglob("*.py"))
    named = set(re.findall(r'(?:env\(|environ\.get\(|environ\[)\s*"([A-Z_]+)"', source))
    named |= set(re.findall(r'"(DATABASE_[A-Z]+_URL|DATABASE_URL)"', source))
    named -= {"PATH", "DJANGO_SETTINGS_MODULE", "DATABASE_URL_FILE"}
    described = set(re.findall(r"^\| `([A-Z_]+)`", (REPOSITORY / "docs" / "settings.md").read_text(), re.MULTILINE))
    assert described == named
