"""Edits of a draft: add, move, delete and change steps. Pure: definition in, new definition out.

A place is a path ("" for the main path, "s4.then", "s4.otherwise") and an index on it. Each edit
returns what was done in words, for the live region of the page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import time
from typing import Any

from apps.core.errors import Refused
from apps.journeys.checks import Known, date_fields
from apps.journeys.definition import (
    MAX_DEPTH,
    MAX_STEPS,
    STEP_TYPES,
    Condition,
    Definition,
    Located,
    Send,
    Step,
    Unit,
    Wait,
    WaitFor,
    WaitUntil,
    to_json,
    walk,
)
from apps.journeys.reading import parse

KIND_WORDS = {
    "send": "Send",
    "wait": "Wait",
    "wait_until": "Wait until",
    "wait_for": "Wait for an answer",
    "condition": "Condition",
    "exit": "Exit",
}


class EditRefused(Refused):
    """The edit cannot be made; the text says why."""


@dataclass(frozen=True, slots=True)
class Edit:
    """An edited definition, the step to focus, and the sentence that says what was done."""

    definition: Definition
    step: str
    said: str


def locate(definition: Definition, step_id: str) -> Located:
    """The step called `step_id` with its place. Raises EditRefused when it is gone."""
    for place in walk(definition):
        if place.step.id == step_id:
            return place
    raise EditRefused("That step is no longer in the journey. The page shows the newest state.")


def path_words(path: str) -> str:
    """ "the main path", "the yes path of step s4"."""
    if not path:
        return "the main path"
    _step, side = path.split(".", 1)
    return f"the {'yes' if side == 'then' else 'no'} path"


def steps_at(definition: Definition, path: str) -> tuple[Step, ...]:
    """The steps of one path."""
    if not path:
        return definition.steps
    step_id, _, side = path.partition(".")
    step = locate(definition, step_id).step
    if not isinstance(step, WaitFor | Condition) or side not in ("then", "otherwise"):
        raise EditRefused("That path is no longer in the journey. The page shows the newest state.")
    return step.then if side == "then" else step.otherwise


def add(definition: Definition, *, kind: str, path: str, index: int) -> Edit:
    """A new step of `kind` at a place, with sensible values."""
    if kind not in STEP_TYPES:
        raise EditRefused("There is no such kind of step.")
    places = list(walk(definition))
    if len(places) >= MAX_STEPS:
        raise EditRefused(f"A journey has at most {MAX_STEPS} steps. Split it in two.")
    taken = {place.step.id for place in places}
    step_id = next(name for number in range(1, MAX_STEPS * 20) if (name := f"s{number}") not in taken)
    step = _fresh(kind, step_id, definition)
    siblings = steps_at(definition, path)
    index = max(0, min(index, len(siblings)))
    changed = _put(definition, path, (*siblings[:index], step, *siblings[index:]))
    _within_depth(changed)
    words = f"Added {KIND_WORDS[kind]} at position {index + 1} of {len(siblings) + 1} on {path_words(path)}."
    return Edit(changed, step_id, words)


def delete(definition: Definition, *, step_id: str) -> Edit:
    """The definition without a step and everything under it; the focus goes to its neighbor."""
    place = locate(definition, step_id)
    siblings = steps_at(definition, place.path)
    rest = tuple(each for each in siblings if each.id != step_id)
    gone = {each.step.id for each in walk(replace(definition, steps=(place.step,)))}
    changed = _map(_put(definition, place.path, rest), lambda each: _forget(each, gone))
    neighbor = rest[min(place.index, len(rest) - 1)].id if rest else place.path.partition(".")[0]
    more = f" and {len(gone) - 1} under it" if len(gone) > 1 else ""
    return Edit(changed, neighbor, f"Deleted {KIND_WORDS[_type(place.step)]}{more}.")


def move(definition: Definition, *, step_id: str, path: str, index: int) -> Edit:
    """The step, with everything under it, at another place. `index` counts without the step itself."""
    place = locate(definition, step_id)
    inside = {each.step.id for each in walk(replace(definition, steps=(place.step,)))}
    if path.partition(".")[0] in inside and path:
        raise EditRefused("A step cannot move into its own path.")
    rest = tuple(each for each in steps_at(definition, place.path) if each.id != step_id)
    without = _put(definition, place.path, rest)
    siblings = steps_at(without, path)
    index = max(0, min(index, len(siblings)))
    changed = _put(without, path, (*siblings[:index], place.step, *siblings[index:]))
    _within_depth(changed)
    kind = KIND_WORDS[_type(place.step)]
    words = f"Moved {kind} to position {index + 1} of {len(siblings) + 1} on {path_words(path)}."
    return Edit(changed, step_id, words)


def shift(definition: Definition, *, step_id: str, by: int) -> Edit:
    """The step one place up (-1) or down (+1) on its own path."""
    place = locate(definition, step_id)
    index = place.index + (1 if by > 0 else -1)
    if not 0 <= index < len(steps_at(definition, place.path)):
        end = "first" if by < 0 else "last"
        raise EditRefused(f"This step is the {end} on {path_words(place.path)} already.")
    return move(definition, step_id=step_id, path=place.path, index=index)


def change(definition: Definition, *, step_id: str, values: dict[str, Any]) -> Edit:
    """The step with new values (JSON names); its type, id and branches stay. Raises DefinitionBroken."""
    place = locate(definition, step_id)
    data = to_json(definition)
    target = _find(data["steps"], step_id)
    target.update({name: value for name, value in values.items() if name in target or name == "before"})
    target.update({"id": step_id, "type": _type(place.step)})
    return Edit(parse(data), step_id, f"Saved step {place.number}.")


def settings(definition: Definition, *, values: dict[str, Any]) -> Edit:
    """The journey with a new trigger, key, re-entry, restart and exit events. Raises DefinitionBroken."""
    data = to_json(definition)
    allowed = ("trigger", "key", "reentry", "restart_on", "exit_on")
    data.update({name: values[name] for name in allowed if name in values})
    return Edit(parse(data), "", "Saved how people come in.")


def _fresh(kind: str, step_id: str, definition: Definition) -> Step:
    dates = list(date_fields(definition, Known()))
    date = dates[0] if dates else ""
    match kind:
        case "send":
            return Send(step_id, before=date if date.startswith("appointment") else "")
        case "wait":
            return Wait(step_id, 1, Unit.DAYS)
        case "wait_until":
            return WaitUntil(step_id, field=date, days=1, at=time(9, 0), late_hours=24)
        case "wait_for":
            return WaitFor(step_id, ("clicked", "read"), "", 24, Unit.HOURS)
    step: Step = STEP_TYPES[kind](step_id)
    return step


def _type(step: Step) -> str:
    return next(word for word, cls in STEP_TYPES.items() if isinstance(step, cls))


def _find(steps: list[dict[str, Any]], step_id: str) -> dict[str, Any]:
    for step in steps:
        if step["id"] == step_id:
            return step
        for side in ("then", "otherwise"):
            if side in step:
                found = _find(step[side], step_id)
                if found:
                    return found
    return {}


def _map(definition: Definition, turn: Callable[[Step], Step]) -> Definition:
    """The definition with every step turned, innermost first."""

    def path(steps: tuple[Step, ...]) -> tuple[Step, ...]:
        return tuple(turn(one(step)) for step in steps)

    def one(step: Step) -> Step:
        if isinstance(step, WaitFor | Condition):
            return replace(step, then=path(step.then), otherwise=path(step.otherwise))
        return step

    return replace(definition, steps=path(definition.steps))


def _put(definition: Definition, path: str, steps: tuple[Step, ...]) -> Definition:
    """The definition with the steps of one path replaced."""
    if not path:
        return replace(definition, steps=steps)
    step_id, _, side = path.partition(".")

    def turn(step: Step) -> Step:
        if step.id == step_id and isinstance(step, WaitFor | Condition):
            return replace(step, then=steps) if side == "then" else replace(step, otherwise=steps)
        return step

    return _map(definition, turn)


def _forget(step: Step, gone: set[str]) -> Step:
    """A wait for a deleted message waits for the nearest send instead."""
    return replace(step, of="") if isinstance(step, WaitFor) and step.of in gone else step


def _within_depth(definition: Definition) -> None:
    if any(place.depth > MAX_DEPTH for place in walk(definition)):
        raise EditRefused(f"Branches can be {MAX_DEPTH} deep. Put this step on an outer path.")
