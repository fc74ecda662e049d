"""The journey as the page draws it: nested nodes with words, places and counts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from apps.content.blocks import LANGUAGES
from apps.journeys import asking, sentences
from apps.journeys.definition import (
    Condition,
    Definition,
    Problem,
    Step,
    WaitFor,
    type_of,
    walk,
)
from apps.journeys.sentences import RuleWords

# Icon of the sprite and accent of look.md for each kind of step.
DRESS: Mapping[str, tuple[str, str]] = {
    "send": ("send", "blue"),
    "wait": ("hourglass", "amber"),
    "wait_until": ("calendar-event", "amber"),
    "wait_for": ("mail-opened", "violet"),
    "condition": ("filter", "violet"),
    "exit": ("logout", "slate"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One count of a step that opens its list: a word, a number, and the query that lists the people."""

    label: str
    count: int
    outcome: str
    reason: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    """One path under a step."""

    label: str
    path: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """One step as drawn."""

    id: str
    type: str
    kind: str
    icon: str
    accent: str
    title: str
    line: str
    speaks: str
    number: int
    path: str
    index: int
    first: bool
    last: bool
    problems: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    branches: tuple[Branch, ...] = field(default=())


# (step, outcome, reason) to count, as stored; waiting runs are counted apart.
Counts = Mapping[tuple[str, str, str], int]

_ORDER = ("sent", "done", "yes", "no", "exit", "skipped")


def figures(
    step_id: str,
    waiting: Mapping[str, int],
    counts: Counts,
    labels: Mapping[str, str],
    sent: Mapping[str, int] | None = None,
    stayed: int = 0,
) -> tuple[Figure, ...]:
    """The counts of one step worth showing, in a fixed order; zero is not shown.

    ``sent``: messages that left, by language; ``stayed``: those that did not leave.
    """
    found = []
    if waiting.get(step_id):
        found.append(Figure("waiting", waiting[step_id], "waiting"))
    totals: dict[str, int] = {}
    reasons: list[tuple[str, str, int]] = []
    for (step, outcome, reason), count in sorted(counts.items()):
        if step == step_id and count:
            totals[outcome] = totals.get(outcome, 0) + count
            if outcome == "skipped":
                reasons.append((outcome, reason, count))
    for outcome in _ORDER:
        if outcome != "skipped" and totals.get(outcome):
            found.append(Figure(labels.get(outcome, outcome), totals[outcome], outcome))
        if outcome == "sent":
            for language, count in sorted((sent or {}).items()):
                found.append(Figure(f"left in {LANGUAGES.get(language, language)}", count, "sent", language=language))
            if stayed:
                found.append(Figure("did not leave", stayed, "sent", language="none"))
    for outcome, reason, count in reasons:
        found.append(Figure(f"skipped: {sentences.reason(reason).lower()}", count, outcome, reason))
    return tuple(found)


def build(
    definition: Definition,
    *,
    problems: Iterable[Problem] = (),
    waiting: Mapping[str, int] | None = None,
    counts: Counts | None = None,
    dates: Mapping[str, str] | None = None,
    rule_words: RuleWords | None = None,
    languages: Mapping[str, str] | None = None,
    sent_in: Mapping[str, Mapping[str, int]] | None = None,
    not_left: Mapping[str, int] | None = None,
) -> tuple[Node, ...]:
    """The nodes of the main path, with everything under them.

    ``languages``: what each send step speaks, in words; ``sent_in``: how many of its messages left in which language,
    ``not_left``: how many did not.
    """
    said: dict[str, list[str]] = {}
    for problem in problems:
        said.setdefault(problem.step, []).append(problem.text)
    sent = asking.messages(definition)
    numbers = {place.step.id: place.number for place in walk(definition)}

    def lay(steps: Sequence[Step], path: str) -> tuple[Node, ...]:
        return tuple(node(step, path, index, len(steps)) for index, step in enumerate(steps))

    def node(step: Step, path: str, index: int, length: int) -> Node:
        words = sentences.step(step, dates, rule_words, sent)
        icon, accent = DRESS[type_of(step)]
        labels = {"sent": "to send", "done": "went on", "exit": "left here"}
        branches: tuple[Branch, ...] = ()
        if isinstance(step, WaitFor | Condition):
            labels |= {"yes": words.yes.lower(), "no": words.no.lower()}
            branches = (
                Branch(words.yes, f"{step.id}.then", lay(step.then, f"{step.id}.then")),
                Branch(words.no, f"{step.id}.otherwise", lay(step.otherwise, f"{step.id}.otherwise")),
            )
        return Node(
            id=step.id,
            type=type_of(step),
            kind=words.kind,
            icon=icon,
            accent=accent,
            title=words.title,
            line=words.line,
            speaks=(languages or {}).get(step.id, ""),
            number=numbers[step.id],
            path=path,
            index=index,
            first=index == 0,
            last=index == length - 1,
            problems=tuple(said.get(step.id, ())),
            figures=figures(
                step.id,
                waiting or {},
                counts or {},
                labels,
                (sent_in or {}).get(step.id),
                (not_left or {}).get(step.id, 0),
            ),
            branches=branches,
        )

    return lay(definition.steps, "")
