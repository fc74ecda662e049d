"""Contracts of imports that import-linter has no type for; `.importlinter` names them, `make lint-layers` keeps them.

Imports inside functions and under TYPE_CHECKING count like any other: what is needed late is needed all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.application import contract_utils
from importlinter.application.contract_utils import AlertLevel


class NoCircles(Contract):
    """No module reaches itself over imports, however long the way.

    Options: ``ignore_imports`` (left out of the look; one that is not there is an error, so that the list shrinks).
    """

    type_name = "no_circles"

    ignore_imports = fields.SetField(subfield=fields.ImportExpressionField(), required=False)
    unmatched_ignore_imports_alerting = fields.EnumField(AlertLevel, default=AlertLevel.ERROR)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Find every set of modules that import each other in a circle."""
        removed = _without_ignored(graph, self)
        circles = circles_in(graph.modules, graph.find_modules_directly_imported_by)
        edges = [
            [(a, b) for a in circle for b in circle if graph.direct_import_exists(importer=a, imported=b)]
            for circle in circles
        ]
        return ContractCheck(
            kept=not circles,
            warnings=list(removed.warnings),
            ignored_import_count=removed.ignored_import_count,
            metadata={"circles": edges},
        )

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the imports of each circle."""
        for edges in check.metadata["circles"]:
            output.print_error("These modules import each other in a circle:", bold=True)
            for importer, imported in edges:
                output.print_error(f"- {importer} -> {imported}")
            output.new_line()


class Roles(Contract):
    """Inside each child of the containers, modules with a role import only roles of their own row or below.

    A role is a word of ``layers`` that a part of the module's name is, or ends with behind "_" (`person.views.people`
    and `breach_views` are views); the last such part counts. A module without a role is neutral, and a way through
    neutral modules counts as an import. Options: ``containers``, ``layers`` (top row first, "|" within a row),
    ``ignore_imports`` as in ``NoCircles``.
    """

    type_name = "roles"

    containers = fields.ListField(subfield=fields.StringField())
    layers = fields.ListField(subfield=fields.StringField())
    ignore_imports = fields.SetField(subfield=fields.ImportExpressionField(), required=False)
    unmatched_ignore_imports_alerting = fields.EnumField(AlertLevel, default=AlertLevel.ERROR)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Find every way from a role up to a higher one, within one app."""
        removed = _without_ignored(graph, self)
        rows: list[str] = self.layers  # type: ignore[assignment]
        ranks = {role.strip(): -number for number, row in enumerate(rows) for role in row.split("|")}
        ways: list[tuple[str, ...]] = []
        for container in self.containers:  # type: ignore[attr-defined]
            for app in sorted(graph.find_children(container)):
                ways += climbs(graph, app, ranks)
        return ContractCheck(
            kept=not ways,
            warnings=list(removed.warnings),
            ignored_import_count=removed.ignored_import_count,
            metadata={"ways": ways},
        )

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each way that leads up."""
        for way in check.metadata["ways"]:
            output.print_error(f"- {' -> '.join(way)}")
        output.new_line()


def role_of(module: str, app: str, roles: Iterable[str]) -> str:
    """The role of a module of an app: the last part of its name that is one, or ends with one; "" for a neutral one."""
    wanted = set(roles)
    for part in reversed(module.removeprefix(app).split(".")):
        word = part.rpartition("_")[2]
        if word in wanted:
            return word
    return ""


def climbs(graph: ImportGraph, app: str, ranks: dict[str, int]) -> list[tuple[str, ...]]:
    """Shortest ways from a module with a role over neutral ones to a module of a higher role, inside ``app``."""
    inside = graph.find_descendants(app)
    roles = {module: role_of(module, app, ranks) for module in inside}
    found = []
    for start in sorted(module for module in inside if roles[module]):
        seen, waiting = {start}, [(start,)]
        for way in waiting:
            for module in sorted(graph.find_modules_directly_imported_by(way[-1]) & inside - seen):
                seen.add(module)
                if not roles[module]:
                    waiting.append((*way, module))
                elif ranks[roles[module]] > ranks[roles[start]]:
                    found.append((*way, module))
    return found


def circles_in(modules: Iterable[str], imported_by: Callable[[str], set[str]]) -> list[list[str]]:
    """Sets of modules of which each reaches every other (Tarjan's strongly connected components), sorted."""
    place: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        place[module] = low[module] = len(place)
        stack.append(module)
        for other in sorted(imported_by(module)):
            if other not in place:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], place[other])
        if low[module] == place[module]:
            at = stack.index(module)
            circle, stack[at:] = stack[at:], []
            if len(circle) > 1:
                found.append(sorted(circle))

    for module in sorted(modules):
        if module not in place:
            visit(module)
    return sorted(found)


def _without_ignored(graph: ImportGraph, contract: Any) -> Any:
    """Take the ignored imports out of the graph; says which of them are not there."""
    return contract_utils.remove_ignored_imports_and_report(
        graph=graph,
        ignore_imports=contract.ignore_imports,
        unmatched_alerting=contract.unmatched_ignore_imports_alerting,
    )
