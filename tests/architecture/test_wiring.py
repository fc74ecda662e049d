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


READS = re.compile(r'(?:env\(|environ\.(?:get|setdefault)\(|environ\[)\s*"([A-Z_]+)"')
GIVEN_BY_THE_SYSTEM = {"PATH", "DJANGO_SETTINGS_MODULE"}


def read_by(*folders: str) -> set[str]:
    """Variables of the environment that the Python of these folders reads by name."""
    source = "".join(path.read_text() for folder in folders for path in (REPOSITORY / folder).rglob("*.py"))
    return set(READS.findall(source))


def read_by_containers() -> set[str]:
    """Variables that the compose file and the scripts of the containers want."""
    paths = [REPOSITORY / "docker" / "compose.yaml", *(REPOSITORY / "docker").rglob("*.sh")]
    return {name for path in paths for name in re.findall(r"\$\{?([A-Z_]+)\b", path.read_text())}


def settings_page() -> str:
    return (REPOSITORY / "docs" / "settings.md").read_text()


def in_tables(text: str) -> set[str]:
    return set(re.findall(r"^\| `([A-Z_]+)`", text, re.MULTILINE))


def test_every_setting_of_the_environment_is_described() -> None:
    source = "".join(path.read_text() for folder in ("config", "apps") for path in (REPOSITORY / folder).rglob("*.py"))
    named = read_by("config", "apps") | set(re.findall(r'"(DATABASE_[A-Z]+_URL|DATABASE_URL)"', source))
    product, _, containers = settings_page().partition("## Containers")
    assert in_tables(product) == named - GIVEN_BY_THE_SYSTEM - {"DATABASE_URL_FILE"}
    assert "CARELANE_BOUNCE_DOMAIN" in read_by_containers()
    described = set(re.findall(r"`([A-Z_]+)`", containers)) | in_tables(product)
    assert read_by_containers() <= described


def test_every_variable_of_tests_benchmarks_and_the_front_end_is_described() -> None:
    described = set(re.findall(r"`([A-Z_]+)`", settings_page()))
    assert read_by("tests", "benchmarks", "frontend") - {"PATH"} <= described


def test_the_example_of_an_environment_has_every_variable_of_an_installation() -> None:
    installation, _, _ = settings_page().partition("## Working on the code")
    example = re.findall(r"^#?([A-Z_]+)=", (REPOSITORY / ".env.example").read_text(), re.MULTILINE)
    assert len(example) == len(set(example))
    assert set(example) == in_tables(installation)
