"""The rule while somebody builds it: read from the form, changed by a button, perhaps not complete yet.

Pure. A draft is the JSON of a rule, with the same shape but without promises: `rules.parse` decides whether it
can be counted and saved.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from apps.contacts.person.fields import FIELDS, FieldSpec
from apps.segments.conditions import kind_of
from apps.segments.conditions.base.controls import Posted
from apps.segments.conditions.base.documents import Path as Path
from apps.segments.rules.parsing import NEW_CONDITION as NEW_CONDITION

Draft = dict[str, Any]

EVERYBODY: Draft = {"match": "all", "rules": []}
LARGEST = 200


def key(path: Path) -> str:
    """The name of a node in the form: ``n`` for the root, ``n0-1`` for the second part of the first."""
    return "n" + "-".join(str(index) for index in path)


def path_of(text: str) -> Path:
    """The inverse of ``key``. Raises ValueError for anything else."""
    if not text.startswith("n"):
        raise ValueError(text)
    return tuple(int(part) for part in text[1:].split("-")) if text != "n" else ()


def read(form: Mapping[str, str], fields: Mapping[str, FieldSpec] = FIELDS) -> Draft:
    """The draft of a posted form: ``shape`` is nested lists (groups) of zeros (conditions).

    Without a shape that can be read nobody knows what was asked: one condition stands there that asks nothing yet, so
    that no rule becomes "everybody" by a form that did not arrive whole.
    """
    try:
        shape = json.loads(form.get("shape", ""))
    except (ValueError, RecursionError):
        shape = None
    if not isinstance(shape, list):
        shape = [0]
        form = {name: value for name, value in form.items() if name == "n.match"}
    return _read(form, shape, (), [LARGEST], fields)


def _read(
    form: Mapping[str, str], shape: object, path: Path, budget: list[int], fields: Mapping[str, FieldSpec]
) -> Draft:
    budget[0] -= 1
    if isinstance(shape, list):
        match = form.get(f"{key(path)}.match", "all")
        children = [
            _read(form, part, (*path, index), budget, fields)
            for index, part in enumerate(shape)
            if budget[0] > 0 and len(path) < 12
        ]
        return {"match": match, "rules": children}
    return _condition(form, key(path), fields)


def shape_of(draft: Draft) -> str:
    """The ``shape`` that ``read`` expects."""

    def shape(node: Draft) -> object:
        return [shape(child) for child in node["rules"]] if "match" in node else 0

    return json.dumps(shape(draft), separators=(",", ":"))


def _condition(form: Mapping[str, str], name: str, fields: Mapping[str, FieldSpec]) -> Draft:
    """What one row says: the picker names the kind, the kind reads the rest."""
    key_of_kind, _, detail = form.get(f"{name}.what", "").strip().partition(":")
    kind = kind_of({key_of_kind: detail}, fields) if (key_of_kind, detail) != ("field", "") else None
    if kind is None:
        return copy.deepcopy(NEW_CONDITION)
    prefix = f"{name}."
    controls = {part.removeprefix(prefix): value for part, value in form.items() if part.startswith(prefix)}
    return kind.from_form(Posted(detail, controls, fields))


def unchosen(draft: Draft, path: Path = ()) -> list[Path]:
    """Where conditions stand that look at nothing yet, in the order of the page."""
    if "match" not in draft:
        return [path] if draft == NEW_CONDITION else []
    return [found for index, child in enumerate(draft["rules"]) for found in unchosen(child, (*path, index))]


# -- Changes ---------------------------------------------------------------------------------------------------


def change(draft: Draft, action: str) -> tuple[Draft, Path]:
    """Apply ``add:KEY``, ``group:KEY``, ``remove:KEY``, ``up:KEY``, ``down:KEY`` or ``move:KEY:GROUP:INDEX``.

    Returns the new draft and the path where the focus belongs. An action that makes no sense changes nothing.
    """
    tree = copy.deepcopy(draft)
    verb, *rest = action.split(":")
    try:
        path = path_of(rest[0]) if rest else ()
        if verb in ("add", "group"):
            group = _node(tree, path)
            new = copy.deepcopy(NEW_CONDITION)
            group["rules"].append(new if verb == "add" else {"match": "any", "rules": [new]})
            return tree, (*path, len(group["rules"]) - 1)
        if verb == "remove" and path:
            _node(tree, path[:-1])["rules"].pop(path[-1])
            left = len(_node(tree, path[:-1])["rules"])
            return tree, (*path[:-1], min(path[-1], left - 1)) if left else path[:-1]
        if verb in ("up", "down") and path:
            return _step(tree, path, verb == "up")
        if verb == "move" and path:
            return _move(tree, path, path_of(rest[1]), int(rest[2]))
    except (ValueError, IndexError, KeyError, TypeError):
        pass
    return draft, ()


def _node(tree: Draft, path: Path) -> Draft:
    for index in path:
        tree = tree["rules"][index]
    return tree


def _step(tree: Draft, path: Path, up: bool) -> tuple[Draft, Path]:
    """One place up or down: into a neighboring group, past a condition, or out of its own group."""
    parent, at = path[:-1], path[-1]
    rows = _node(tree, parent)["rules"]
    to = at - 1 if up else at + 1
    if 0 <= to < len(rows):
        node = rows.pop(at)
        neighbor = rows[at - 1 if up else at]
        if "match" in neighbor:
            place = len(neighbor["rules"]) if up else 0
            neighbor["rules"].insert(place, node)
            return tree, (*parent, at - 1 if up else at, place)
        rows.insert(to, node)
        return tree, (*parent, to)
    if not parent:
        return tree, path
    node = rows.pop(at)
    outer, place = parent[:-1], parent[-1] + (0 if up else 1)
    _node(tree, outer)["rules"].insert(place, node)
    return tree, (*outer, place)


def _move(tree: Draft, path: Path, group: Path, index: int) -> tuple[Draft, Path]:
    """Drag and drop: the node at ``path`` to place ``index`` of ``group`` (both as they were before the drag)."""
    if group[: len(path)] == path:
        return tree, path
    target = _node(tree, group)["rules"]
    source = _node(tree, path[:-1])["rules"]
    node = source.pop(path[-1])
    target.insert(index, node)
    place = next(number for number, child in enumerate(target) if child is node)
    return tree, _path_to(tree, node) or (*group, place)


def _path_to(tree: Draft, wanted: Draft, path: Path = ()) -> Path | None:
    for number, child in enumerate(tree.get("rules", [])):
        if child is wanted:
            return (*path, number)
        found = _path_to(child, wanted, (*path, number))
        if found:
            return found
    return None


def undo_state(draft: Draft) -> str:
    """The draft as text, for the undo stack in the page and for "unsaved"."""
    return json.dumps(draft, sort_keys=True, separators=(",", ":"))


def restored(text: str) -> Draft | None:
    """A draft from ``undo_state``; None for anything else."""
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, dict) and isinstance(tree.get("rules"), list) else None
