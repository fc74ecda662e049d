"""Reading journeys: names opened, people listed masked and with a trace."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import Http404
from django.urls import reverse

from apps.audit.actions import Action
from apps.contacts.person import selectors as contacts
from apps.content.blocks import LANGUAGES
from apps.content.models import Template
from apps.core import pages
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.journeys import approvals, context, describe, naming, outgoing, render
from apps.journeys.definition import Definition, Problem, walk
from apps.journeys.models import (
    Journey,
    JourneyCount,
    JourneyRun,
    JourneyState,
    JourneyStepVisit,
    JourneyVersion,
    RunState,
)
from apps.journeys.parse import parse
from apps.journeys.protocol import Reason
from apps.references.models import Noun
from apps.references.owners import Shown
from apps.vault import tokens

PREVIEW_LIMIT = 2_000


@dataclass(frozen=True, repr=False)
class OpenedJourney:
    """A journey with its name and description in clear.

    ``stored`` and ``running`` are its draft and its active definition as they are stored, with ids; ``draft`` and
    ``active`` the same as people read and write them. ``calling`` looks the names up when they are first asked for.
    """

    row: Journey
    name: str
    about: str
    stored: Definition
    running: Definition | None
    can_undo: bool
    calling: Callable[[], naming.Calling]

    @property
    def id(self) -> int:
        """The row's number."""
        return self.row.pk

    @property
    def state(self) -> str:
        """draft, active or paused."""
        return self.row.state

    @property
    def changed(self) -> bool:
        """Whether the draft differs from the active version."""
        return self.running is not None and self.running != self.stored

    @cached_property
    def draft(self) -> Definition:
        """The draft with names."""
        return self.calling().definition(self.stored)

    @cached_property
    def active(self) -> Definition | None:
        """The definition new people walk, with names, or None before the first activation."""
        return self.calling().definition(self.running) if self.running is not None else None


def opened(row: Journey) -> OpenedJourney:
    """Open one row."""
    return opened_all([row])[0]


def opened_all(rows: Iterable[Journey]) -> list[OpenedJourney]:
    """Open these rows; what they refer to is looked up once for all of them."""
    given = [(row, row.opened(), parse(row.version.opened()) if row.version is not None else None) for row in rows]
    read = [(row, data, parse(data["draft"]), running) for row, data, running in given]
    calling = cache(
        lambda: naming.names_of([each for _, _, draft, running in read for each in (draft, running) if each])
    )
    return [
        OpenedJourney(
            row=row,
            name=str(data["name"]),
            about=str(data.get("about", "")),
            stored=draft,
            running=running,
            can_undo=bool(data.get("undo")),
            calling=calling,
        )
        for row, data, draft, running in read
    ]


def name_token(name: str) -> bytes:
    """The keyed look-up of a journey's name; case, accents and spaces do not count."""
    return tokens.token128("journey.name", tokens.normalize(name))


def by_id(journey_id: int) -> OpenedJourney:
    """The journey, or a 404."""
    row = Journey.objects.select_related("version").filter(pk=journey_id).first()
    if row is None:
        raise Http404
    return opened(row)


def names_by_id(ids: Iterable[int]) -> dict[int, str]:
    """Names of some journeys, for lists of what they sent."""
    return {row.pk: str(row.opened()["name"]) for row in Journey.objects.filter(pk__in=list(ids))}


def names_of_users(ids: Collection[int], used: Noun) -> Mapping[int, Shown]:
    """What these journeys are called, where they use something."""
    return {pk: Shown(name, reverse("journeys:flow", args=[pk])) for pk, name in names_by_id(ids).items()}


def by_name(name: str) -> OpenedJourney:
    """The journey of that name. Raises ``Refused`` when there is none."""
    row = Journey.objects.select_related("version").filter(name_token=name_token(name)).first()
    if row is None:
        raise Refused("journey.unknown", f"There is no journey called {name}.")
    return opened(row)


@dataclass(frozen=True)
class ListRow:
    """One row of the list."""

    journey: OpenedJourney
    trigger: str
    waiting: int
    entered: int
    sent: int
    failed: int
    badge: str


# Of a draft, where it stands with its second person tells more than that it is one.
_DRAFT_BADGES = {"waiting": "in_review", "approved": "approved", "rejected": "rejected"}


def list_rows() -> list[ListRow]:
    """All journeys by name, with their numbers; journeys are counted in dozens."""
    waiting = dict(
        JourneyRun.objects.filter(state=RunState.WAITING).values_list("journey").annotate(number=Count("id"))
    )
    failed = dict(JourneyRun.objects.filter(state=RunState.FAILED).values_list("journey").annotate(number=Count("id")))
    totals: dict[tuple[int, str], int] = {}
    for count in JourneyCount.objects.filter(Q(step="", outcome="entered") | Q(outcome="sent")):
        key = (count.journey_id, count.outcome)
        totals[key] = totals.get(key, 0) + count.count
    rows = []
    for journey in opened_all(Journey.objects.select_related("version")):
        row = journey.row
        rows.append(
            ListRow(
                journey=journey,
                trigger=describe.trigger((journey.active or journey.draft).trigger),
                waiting=waiting.get(row.pk, 0),
                entered=totals.get((row.pk, "entered"), 0),
                sent=totals.get((row.pk, "sent"), 0),
                failed=failed.get(row.pk, 0),
                badge=_badge(journey),
            )
        )
    return sorted(rows, key=lambda each: tokens.normalize(each.journey.name))


def _badge(journey: OpenedJourney) -> str:
    if journey.state != JourneyState.DRAFT:
        return journey.state
    return _DRAFT_BADGES.get(approvals.standing(journey.row, journey.stored).state, journey.state)


@dataclass(frozen=True)
class Figures:
    """The numbers of a journey: where people are, what steps came to, how runs ended."""

    waiting: Mapping[str, int]
    counts: Mapping[tuple[str, str, str], int]
    ended: list[tuple[str, str, int]] = field(default_factory=list)  # state, reason, number
    languages: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # step, language, messages that left
    not_left: Mapping[str, int] = field(default_factory=dict)  # step, messages that stayed here
    in_doubt: int = 0  # runs that stand before a message because their visit is in doubt

    @property
    def on_the_way(self) -> int:
        """Runs that wait somewhere."""
        return sum(self.waiting.values())

    @property
    def entered(self) -> int:
        """Runs that ever began."""
        return self.counts.get(("", "entered", ""), 0)

    @property
    def sent(self) -> int:
        """Messages that left, as the lists of delivery count them."""
        return sum(number for step in self.languages.values() for number in step.values())

    def total(self, state: str) -> int:
        """How often runs ended in a state."""
        return sum(number for found, _, number in self.ended if found == state)


def figures(row: Journey) -> Figures:
    """The numbers of one journey, in five queries."""
    waiting = dict(
        JourneyRun.objects.filter(journey=row, state=RunState.WAITING).values_list("step").annotate(number=Count("id"))
    )
    counts = {
        (count.step, count.outcome, count.reason): count.count for count in JourneyCount.objects.filter(journey=row)
    }
    ended = [
        (outcome, reason, number)
        for (step, outcome, reason), number in sorted(counts.items(), key=lambda pair: -pair[1])
        if step == "" and outcome != "entered"
    ]
    on_the_way = {str(step): number for step, number in waiting.items()}
    in_doubt = JourneyRun.objects.filter(
        journey=row, state=RunState.WAITING, reason=Reason.VISIT_IN_DOUBT.value
    ).count()
    return Figures(on_the_way, counts, ended, outgoing.languages_sent(row.pk), outgoing.not_left(row.pk), in_doubt)


def nodes(
    definition: Definition,
    numbers: Figures | None = None,
    problems: tuple[Problem, ...] = (),
    messages: Mapping[str, Any] | None = None,
) -> tuple[render.Node, ...]:
    """The tree as the page draws it. ``messages``: those of an active version; without them, of the templates now."""
    return render.build(
        definition,
        problems=problems,
        waiting=numbers.waiting if numbers else None,
        counts=numbers.counts if numbers else None,
        labels=context.labels(definition),
        languages=outgoing.languages_of(definition, messages),
        sent_in=numbers.languages if numbers else None,
        not_left=numbers.not_left if numbers else None,
    )


def problems(definition: Definition) -> tuple[Problem, ...]:
    """What a draft still needs."""
    return context.problems(definition)


@dataclass(frozen=True, repr=False)
class Walking:
    """One row of a list of people: masked name, where and why."""

    run: int
    person: int
    name: str
    state: str
    step: str
    due_at: datetime | None
    reason: str
    at: datetime
    version: int
    round: int


def mask_name(name: str) -> str:
    """ "Dana Öberg" as "D••• Ö•••": enough to tell people on one page apart."""
    return " ".join(f"{word[:1]}•••" for word in name.split()) or "•••"


@dataclass(frozen=True)
class PeopleQuery:
    """What a count on the tree asks for: a step with an outcome and reason, or runs by state."""

    step: str = ""
    outcome: str = ""
    reason: str = ""
    state: str = ""
    language: str = ""

    def words(self, definition: Definition) -> str:
        """The question as a title: "Step 2, sent"."""
        numbers = {place.step.id: place.number for place in walk(definition)}
        if self.step:
            where = (
                f"Step {numbers[self.step]}" if self.step in numbers else f"A step of an older version ({self.step})"
            )
            what = describe.outcome(self.outcome)
            what += f" in {LANGUAGES[self.language]}" if self.language in LANGUAGES else ""
            what = "did not leave" if self.language == outgoing.NOT_LEFT else what
            return f"{where}: {what}" + (f", {describe.reason(self.reason).lower()}" if self.reason else "")
        words = {
            "waiting": "On the way",
            "finished": "Reached an end",
            "left": "Left before the end",
            "failed": "Stopped by an error",
        }
        title = words.get(self.state, "Everybody")
        return f"{title}: {describe.reason(self.reason).lower()}" if self.reason else title


def people(
    *, actor: Actor, journey: OpenedJourney, query: PeopleQuery, cursor: str = ""
) -> tuple[list[Walking], pages.Page[Any]]:
    """A page of runs, masked. The trail notes who looked at whom before anything is shown."""
    if query.step and query.outcome and query.outcome != RunState.WAITING:
        visits: QuerySet[Any] = JourneyStepVisit.objects.filter(
            run__journey=journey.row, step=query.step, outcome=query.outcome
        ).select_related("run", "run__version")
        if query.reason:
            visits = visits.filter(reason=query.reason)
        if query.language:
            visits = visits.filter(pk__in=outgoing.visits_in(journey.id, query.step, query.language))
        page = pages.keyset(visits, cursor)
        pairs = [(visit.run, visit.at, visit.reason) for visit in page.items]
    else:
        runs: QuerySet[Any] = JourneyRun.objects.filter(journey=journey.row).select_related("version")
        if query.step:
            runs = runs.filter(step=query.step, state=RunState.WAITING)
        elif query.state:
            runs = runs.filter(state=query.state)
        if query.reason:
            runs = runs.filter(reason=query.reason)
        page = pages.keyset(runs, cursor)
        pairs = [(run, run.changed_at, run.reason) for run in page.items]
    records = contacts.open_people(
        actor=actor,
        purpose="journey",
        ids=[run.person_id for run, _, _ in pairs],
        action=Action.JOURNEY_LIST,
        with_consents=False,
    )
    rows = []
    for run, at, reason in pairs:
        record = records.get(run.person_id)
        rows.append(
            Walking(
                run=run.pk,
                person=run.person_id,
                name=mask_name(record.name) if record else "Erased person",
                state=run.state,
                step=run.step or "",
                due_at=run.due_at,
                reason=reason,
                at=at,
                version=run.version.number,
                round=run.round,
            )
        )
    return rows, page


def trail(run: JourneyRun) -> list[JourneyStepVisit]:
    """Everything a run came by, newest last."""
    return list(JourneyStepVisit.objects.filter(run=run).order_by("id"))


def stale_templates(row: Journey) -> list[str]:
    """Templates of the active version whose published text is newer than what the journey sends."""
    if row.version is None:
        return []
    frozen = {message["template"]: message["version"] for message in row.version.messages().values()}
    return sorted(
        (
            template.name
            for template in Template.objects.filter(pk__in=frozen)
            if template.published != frozen[template.pk]
        ),
        key=tokens.normalize,
    )


def versions(row: Journey) -> list[tuple[JourneyVersion, int]]:
    """Versions, newest first, with how many people are on the way in each."""
    return [
        (version, version.on_the_way)
        for version in JourneyVersion.objects.filter(journey=row)
        .annotate(on_the_way=Count("runs", filter=Q(runs__state=RunState.WAITING)))
        .order_by("-number")
    ]


def masked_person(*, actor: Actor, person_id: int) -> str:
    """The masked name of one person, with a trace of who looked."""
    records = contacts.open_people(
        actor=actor, purpose="journey", ids=[person_id], action=Action.JOURNEY_LIST, with_consents=False
    )
    record = records.get(person_id)
    return mask_name(record.name) if record else "Erased person"
