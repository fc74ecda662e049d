"""Reading a definition from JSON: every problem is named with its step and what to do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from apps.journeys import steps
from apps.journeys.definition import (
    FORMAT,
    MAX_DEPTH,
    MAX_STEPS,
    STEP_ID,
    Definition,
    DefinitionBroken,
    Problem,
    Trigger,
)
from apps.journeys.fields import read_option, read_text
from apps.journeys.protocol import Branch, Step
from apps.journeys.vocabulary import RUN_EVENTS, Key, Reentry, TriggerKind


def parse(data: Any) -> Definition:
    """The definition in `data` (the JSON of a version or draft).

    Raises DefinitionBroken when the shape is wrong; blanks are allowed, see `checks.check`.
    """
    return _Reader().definition(data)


class _Reader:
    """Collects every problem of one reading instead of stopping at the first."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.ids: set[str] = set()
        self.count = 0

    def definition(self, data: Any) -> Definition:
        if not isinstance(data, dict):
            raise DefinitionBroken([Problem("", "The journey is not a JSON object. Export it again.")])
        if data.get("format", FORMAT) != FORMAT:
            raise DefinitionBroken(
                [Problem("", f"This journey has format {data.get('format')!r}; this version reads {FORMAT}.")]
            )
        trigger = self._trigger(data.get("trigger"))
        default_key = Key.APPOINTMENT if trigger.kind is TriggerKind.APPOINTMENT else Key.PERSON
        definition = Definition(
            trigger=trigger,
            key=self._choice(data.get("key", default_key), Key, "", "key") or default_key,
            reentry=self._choice(data.get("reentry", Reentry.AFTER_EXIT), Reentry, "", "re-entry")
            or Reentry.AFTER_EXIT,
            restart_on=self._events(data.get("restart_on", []), "restart"),
            exit_on=self._events(data.get("exit_on", []), "exit"),
            steps=self._steps(data.get("steps", []), "the main path", 0),
        )
        self._whole(definition)
        if self.problems:
            raise DefinitionBroken(self.problems)
        return definition

    def _whole(self, definition: Definition) -> None:
        if self.count > MAX_STEPS:
            self._say("", f"The journey has {self.count} steps; {MAX_STEPS} is the most. Split it in two.")
        if definition.key is Key.APPOINTMENT and definition.trigger.kind is not TriggerKind.APPOINTMENT:
            self._say("", "Only a journey that starts with an appointment can be kept per appointment.")
        if definition.key is Key.EVENT and definition.trigger.kind is not TriggerKind.EVENT:
            self._say("", "Only a journey that starts with an event can be kept per event.")
        both = sorted(set(definition.restart_on) & set(definition.exit_on))
        if both:
            self._say("", f"{both[0]!r} cannot both restart and end the journey. Choose one.")

    def _trigger(self, data: Any) -> Trigger:
        if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
            self._say("", "The journey has no trigger. Choose what lets a person in.")
            return Trigger(TriggerKind.MANUAL)
        kind = self._choice(data["kind"], TriggerKind, "", "trigger") or TriggerKind.MANUAL
        groups = data.get("groups", [])
        if not isinstance(groups, list) or not all(isinstance(each, str) for each in groups):
            self._say("", "The filters of the trigger are a list of words such as class:wellness.")
            groups = []
        return Trigger(
            kind=kind,
            segment=self._text(data.get("segment", ""), "", "segment"),
            event=self._text(data.get("event", ""), "", "event"),
            groups=tuple(groups),
        )

    def _events(self, data: Any, what: str) -> tuple[str, ...]:
        if not isinstance(data, list):
            self._say("", f"The {what} events are a list.")
            return ()
        for each in data:
            if each not in RUN_EVENTS:
                self._say("", f"{each!r} is no {what} event. Use one of: {', '.join(RUN_EVENTS)}.")
        return tuple(each for each in data if each in RUN_EVENTS)

    def _steps(self, data: Any, where: str, depth: int) -> tuple[Step, ...]:
        if not isinstance(data, list):
            self._say("", f"The steps of {where} are a list.")
            return ()
        if depth > MAX_DEPTH and data:
            self._say("", f"Branches are nested more than {MAX_DEPTH} deep. Split the journey in two.")
            return ()
        found = []
        for index, each in enumerate(data, start=1):
            self.count += 1
            step = self._step(each, f"step {index} of {where}", depth)
            if step is not None:
                found.append(step)
        return tuple(found)

    def _step(self, data: Any, where: str, depth: int) -> Step | None:
        if not isinstance(data, dict) or data.get("type") not in steps.KINDS:
            self._say("", f"{where.capitalize()} has no known type. Use one of: {', '.join(steps.KINDS)}.")
            return None
        step_id = data.get("id")
        if not isinstance(step_id, str) or not STEP_ID.fullmatch(step_id):
            self._say("", f"{where.capitalize()} needs an id of small letters and digits, such as s1.")
            return None
        if step_id in self.ids:
            self._say(step_id, f"Two steps are called {step_id}. Give {where} another id.")
            return None
        self.ids.add(step_id)
        kind = steps.KINDS[data["type"]]
        values = {field.name: field.parse(data, where, lambda text: self._say(step_id, text)) for field in kind.fields}
        return kind.make(step_id, values, self._branches(kind, data, step_id, depth))

    def _branches(self, kind: type[Step], data: Mapping[str, Any], step: str, depth: int) -> tuple[Branch, ...]:
        return tuple(
            Branch(
                branch.name,
                branch.outcome,
                self._steps(data.get(branch.name, []), f"the {branch.said or branch.name} path of {step}", depth + 1),
            )
            for branch in kind.branch_names(data)
        )

    def _choice(self, value: Any, options: type[StrEnum], step: str, what: str) -> Any:
        return read_option(value, options, what, lambda text: self._say(step, text))

    def _text(self, value: Any, step: str, what: str) -> str:
        return read_text(value, what, lambda text: self._say(step, text))

    def _say(self, step: str, text: str) -> None:
        self.problems.append(Problem(step, text))
