"""Edits of a draft: add, move, delete and change steps. Pure: definition in, new definition out.

A place is a path ("" for the main path, step and branch for another: "s4.then") and an index on it. Each edit
returns what was done in words, for the live region of the page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from apps.core.errors import Refused
from apps.journeys import steps
from apps.journeys.definition import MAX_DEPTH, MAX_STEPS, Definition, Located, date_fields, to_json, walk
from apps.journeys.parse import parse
from apps.journeys.protocol import Branch, Step, branch_steps


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
    raise EditRefused("step.unknown", "That step is no longer in the journey. The page shows the newest state.")


def path_words(definition: Definition, path: str) -> str:
    """ "the main path", "the yes path"."""
    if not path:
        return "the main path"
    step_id, _, name = path.partition(".")
    branch = next(each for each in locate(definition, step_id).step.branches if each.name == name)
    return f"the {branch.outcome} path"


def steps_at(definition: Definition, path: str) -> tuple[Step, ...]:
    """The steps of one path."""
    if not path:
        return definition.steps
    step_id, _, name = path.partition(".")
    found = branch_steps(locate(definition, step_id).step, name)
    if found is None:
        raise EditRefused(
            "step.path_unknown", "That path is no longer in the journey. The page shows the newest state."
        )
    return found


def add(definition: Definition, *, kind: str, path: str, index: int) -> Edit:
    """A new step of `kind` at a place, with sensible values."""
    if kind not in steps.KINDS:
        raise EditRefused("step.kind_unknown", "There is no such kind of step.")
    places = list(walk(definition))
    if len(places) >= MAX_STEPS:
        raise EditRefused("journey.too_many_steps", f"A journey has at most {MAX_STEPS} steps. Split it in two.")
    taken = {place.step.id for place in places}
    step_id = next(name for number in range(1, MAX_STEPS * 20) if (name := f"s{number}") not in taken)
    step = _fresh(kind, step_id, definition)
    siblings = steps_at(definition, path)
    index = max(0, min(index, len(siblings)))
    changed = _put(definition, path, (*siblings[:index], step, *siblings[index:]))
    _within_depth(changed)
    where = f"position {index + 1} of {len(siblings) + 1} on {path_words(definition, path)}"
    return Edit(changed, step_id, f"Added {step.label} at {where}.")


def delete(definition: Definition, *, step_id: str) -> Edit:
    """The definition without a step and everything under it; the focus goes to its neighbor."""
    place = locate(definition, step_id)
    siblings = steps_at(definition, place.path)
    rest = tuple(each for each in siblings if each.id != step_id)
    gone = {each.step.id for each in walk(replace(definition, steps=(place.step,)))}
    changed = _map(_put(definition, place.path, rest), lambda each: each.without_messages(gone))
    neighbor = rest[min(place.index, len(rest) - 1)].id if rest else place.path.partition(".")[0]
    more = f" and {len(gone) - 1} under it" if len(gone) > 1 else ""
    return Edit(changed, neighbor, f"Deleted {place.step.label}{more}.")


def move(definition: Definition, *, step_id: str, path: str, index: int) -> Edit:
    """The step, with everything under it, at another place. `index` counts without the step itself."""
    place = locate(definition, step_id)
    inside = {each.step.id for each in walk(replace(definition, steps=(place.step,)))}
    if path.partition(".")[0] in inside and path:
        raise EditRefused("step.into_itself", "A step cannot move into its own path.")
    rest = tuple(each for each in steps_at(definition, place.path) if each.id != step_id)
    without = _put(definition, place.path, rest)
    siblings = steps_at(without, path)
    index = max(0, min(index, len(siblings)))
    changed = _put(without, path, (*siblings[:index], place.step, *siblings[index:]))
    _within_depth(changed)
    where = f"position {index + 1} of {len(siblings) + 1} on {path_words(definition, path)}"
    return Edit(changed, step_id, f"Moved {place.step.label} to {where}.")


def shift(definition: Definition, *, step_id: str, by: int) -> Edit:
    """The step one place up (-1) or down (+1) on its own path."""
    place = locate(definition, step_id)
    index = place.index + (1 if by > 0 else -1)
    if not 0 <= index < len(steps_at(definition, place.path)):
        end = "first" if by < 0 else "last"
        raise EditRefused("step.at_the_end", f"This step is the {end} on {path_words(definition, place.path)} already.")
    return move(definition, step_id=step_id, path=place.path, index=index)


def change(definition: Definition, *, step_id: str, values: dict[str, Any]) -> Edit:
    """The step with new values (JSON names); its type, id and branches stay. Raises DefinitionBroken."""
    place = locate(definition, step_id)
    data = to_json(definition)
    target = _find(data["steps"], step_id, definition)
    names = {name for field in place.step.fields for name in (field.name, *field.dump(place.step))}
    target.update({name: value for name, value in values.items() if name in names})
    return Edit(parse(data), step_id, f"Saved step {place.number}.")


def settings(definition: Definition, *, values: dict[str, Any]) -> Edit:
    """The journey with a new trigger, key, re-entry, restart and exit events. Raises DefinitionBroken."""
    data = to_json(definition)
    allowed = ("trigger", "key", "reentry", "restart_on", "exit_on")
    data.update({name: values[name] for name in allowed if name in values})
    return Edit(parse(data), "", "Saved how people come in.")


def _fresh(kind: str, step_id: str, definition: Definition) -> Step:
    """A step of a kind as the builder adds it: read from the JSON that the kind proposes."""
    proposed = steps.KINDS[kind].fresh(list(date_fields(definition, {})))
    document = {"id": step_id, "type": kind, **proposed}
    return parse(to_json(replace(definition, steps=())) | {"steps": [document]}).steps[0]


def _find(found: list[dict[str, Any]], step_id: str, definition: Definition) -> dict[str, Any]:
    """The JSON of a step in that of a definition's steps."""
    place = locate(definition, step_id)
    outer, _, name = place.path.partition(".")
    siblings = _find(found, outer, definition)[name] if outer else found
    step: dict[str, Any] = siblings[place.index]
    return step


def _map(definition: Definition, turn: Callable[[Step], Step]) -> Definition:
    """The definition with every step turned, innermost first."""

    def path(found: tuple[Step, ...]) -> tuple[Step, ...]:
        return tuple(turn(one(step)) for step in found)

    def one(step: Step) -> Step:
        if not step.branches:
            return step
        return step.with_branches(tuple(replace(branch, steps=path(branch.steps)) for branch in step.branches))

    return replace(definition, steps=path(definition.steps))


def _put(definition: Definition, path: str, found: tuple[Step, ...]) -> Definition:
    """The definition with the steps of one path replaced."""
    if not path:
        return replace(definition, steps=found)
    step_id, _, name = path.partition(".")

    def put(branch: Branch) -> Branch:
        return replace(branch, steps=found) if branch.name == name else branch

    def turn(step: Step) -> Step:
        return step.with_branches(tuple(put(branch) for branch in step.branches)) if step.id == step_id else step

    return _map(definition, turn)


def _within_depth(definition: Definition) -> None:
    if any(place.depth > MAX_DEPTH for place in walk(definition)):
        raise EditRefused("journey.too_deep", f"Branches can be {MAX_DEPTH} deep. Put this step on an outer path.")
