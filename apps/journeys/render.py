"""The journey as the page draws it: nested nodes with words, places and counts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from apps.content.blocks import LANGUAGES
from apps.journeys import describe
from apps.journeys.definition import Definition, Problem, path_of, walk
from apps.journeys.protocol import Branch, Labels, Step, StepOutcome


@dataclass(frozen=True, slots=True)
class Figure:
    """One count of a step that opens its list: a word, a number, and the query that lists the people."""

    label: str
    count: int
    outcome: str
    reason: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class DrawnBranch:
    """One path under a step, as drawn."""

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
    branches: tuple[DrawnBranch, ...] = field(default=())


# (step, outcome, reason) to count, as stored; waiting runs are counted apart.
Counts = Mapping[tuple[str, str, str], int]

_LABELS = {"sent": "to send", "done": "went on", "exit": "left here"}


def figures(
    step_id: str,
    waiting: Mapping[str, int],
    counts: Counts,
    branches: Mapping[str, str],
    sent: Mapping[str, int] | None = None,
    stayed: int = 0,
) -> tuple[Figure, ...]:
    """The counts of one step worth showing, in a fixed order; zero is not shown.

    ``branches``: what its paths come to, with their labels, in order.
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
            if outcome == StepOutcome.SKIPPED:
                reasons.append((outcome, reason, count))
    labels = _LABELS | dict(branches)
    for outcome in ("sent", "done", *branches, "exit"):
        if totals.get(outcome):
            found.append(Figure(labels[outcome], totals[outcome], outcome))
        if outcome == "sent":
            for language, count in sorted((sent or {}).items()):
                found.append(Figure(f"left in {LANGUAGES.get(language, language)}", count, "sent", language=language))
            if stayed:
                found.append(Figure("did not leave", stayed, "sent", language="none"))
    for outcome, reason, count in reasons:
        found.append(Figure(f"skipped: {describe.reason(reason).lower()}", count, outcome, reason))
    return tuple(found)


def build(
    definition: Definition,
    *,
    problems: Iterable[Problem] = (),
    waiting: Mapping[str, int] | None = None,
    counts: Counts | None = None,
    labels: Labels | None = None,
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
    named = labels or Labels()
    numbers = {place.step.id: place.number for place in walk(definition)}

    def lay(steps: Sequence[Step], path: str) -> tuple[Node, ...]:
        return tuple(node(step, path, index, len(steps)) for index, step in enumerate(steps))

    def drawn(branch: Branch, label: str, path: str) -> DrawnBranch:
        return DrawnBranch(label, path, lay(branch.steps, path))

    def node(step: Step, path: str, index: int, length: int) -> Node:
        words = step.words(named)
        branches = tuple(
            drawn(branch, words.branches[branch.name], path_of(step, branch.name)) for branch in step.branches
        )
        outcomes = {branch.outcome: words.branches[branch.name].lower() for branch in step.branches}
        return Node(
            id=step.id,
            type=step.kind,
            kind=step.label,
            icon=step.icon,
            accent=step.accent,
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
                outcomes,
                (sent_in or {}).get(step.id),
                (not_left or {}).get(step.id, 0),
            ),
            branches=branches,
        )

    return lay(definition.steps, "")
