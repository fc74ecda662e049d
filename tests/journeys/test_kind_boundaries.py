"""A kind is known in its own file alone, and what decides is pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.journeys import conditions, effects, steps

HOME = Path(steps.__file__).parents[1]
KIND_CLASSES = {kind.__name__ for kind in (*steps.KINDS.values(), *conditions.KINDS.values())}
WORDS = {*steps.KINDS, *effects.KINDS} - {"wait", "send", "condition", "exit"}
PURE = [
    "vocabulary",
    "protocol",
    "fields",
    "definition",
    "parse",
    "checks",
    "engine",
    "editing",
    "describe",
    "simulate",
]
IMPURE = ("django.db", "django.conf", "django.core", "apps.core.clock")


def product() -> Iterator[Path]:
    """Every module of journeys outside the folders of kinds."""
    for path in sorted(HOME.rglob("*.py")):
        if path.relative_to(HOME).parts[0] not in ("steps", "conditions", "effects", "migrations"):
            yield path


def names_in(path: Path) -> set[str]:
    """Classes it imports or names, and strings it holds."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Name(id=name) | ast.Constant(value=str() as name) | ast.Attribute(attr=name):
                found.add(name)
            case ast.ImportFrom(names=names):
                found.update(alias.name for alias in names)
    return found


def test_no_kind_is_known_by_name_outside_its_file():
    # The presets are journeys, written in the words of the JSON.
    known = {str(path.relative_to(HOME)): names_in(path) & (KIND_CLASSES | WORDS) for path in product()}
    assert {path: names for path, names in known.items() if names and path != "presets.py"} == {}


def pure_modules() -> list[Path]:
    inside = [path for folder in ("steps", "conditions") for path in sorted((HOME / folder).glob("*.py"))]
    return [HOME / f"{name}.py" for name in PURE] + inside


def imports_of(tree: ast.AST) -> set[str]:
    """Modules, and what is taken out of them as if it were one."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str() as module, names=names):
                found |= {module, *(f"{module}.{alias.name}" for alias in names)}
            case ast.Import(names=names):
                found |= {alias.name for alias in names}
    return found


@pytest.mark.parametrize("path", pure_modules(), ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_what_decides_asks_neither_database_nor_settings_nor_clock(path):
    imported = imports_of(ast.parse(path.read_text()))
    assert not [name for name in imported if name.startswith((*IMPURE, "apps.journeys.effects"))]


def test_no_import_hides_in_a_function():
    hidden = [
        f"{path.name}:{function.name}"
        for path in sorted(HOME.rglob("*.py"))
        for function in ast.walk(ast.parse(path.read_text()))
        # Django allows models only once every app is there.
        if isinstance(function, ast.FunctionDef) and function.name != "ready" and imports_of(function)
    ]
    assert hidden == []
