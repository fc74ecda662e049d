"""Reading the trail: filtered, in sentences, counted. Showing it to people is `apps.audit.reading`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auditlog.models import LogEntry
from django.contrib.auth import get_user_model
from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import Substr

from apps.audit import marks, people, sentences, sequencer
from apps.audit.actions import Action
from apps.audit.exports import ExportRow
from apps.audit.filters import READING_VERBS, TrailFilter
from apps.audit.models import AuditChain, AuditEntry, AuditReview
from apps.core import pages
from apps.core.actors import Actor
from apps.core.permissions import Role

CHUNK = 2_000
LENGTHS = ("characters",)
"""Lengths of a text that is being written: no reason for a line each."""
REVIEW_EVERY_DAYS = 31


def acted(
    *,
    actor: Actor,
    actions: Sequence[Action],
    kind: str,
    subject: str | int,
    after: datetime | None = None,
    until: datetime | None = None,
    beyond: int = 0,
    field: str = "",
) -> bool:
    """Whether ``actor`` did one of ``actions`` to this object: at any time, or after one and up to another.

    ``beyond``: only acts that made a version with a higher number; ``field``: only acts that name this field. Of a
    copy (code ``copy_of``) what was done to the original until then counts too: pressing a button writes nothing.
    """
    found = AuditEntry.objects.filter(kind=kind, subject=str(subject), action__in=[each.value for each in actions])
    if after is not None:
        found = found.filter(at__gt=after)
    if until is not None:
        found = found.filter(at__lte=until)
    if beyond:
        found = found.filter(codes__version__gt=beyond)
    if field:
        found = found.filter(fields__contains=[field])
    if found.filter(actor_kind=actor.kind, actor_id=actor.id).exists():
        return True
    copied = found.filter(codes__has_key="copy_of").order_by("id").values_list("codes", "at").first()
    if copied is None:
        return False
    codes, at = copied
    return acted(actor=actor, actions=actions, kind=kind, subject=codes["copy_of"], until=at)


def entries(wanted: TrailFilter) -> QuerySet[AuditEntry]:
    """The entries a filter asks for. "Who saw this person?" is one look-up of a token."""
    rows = AuditEntry.objects.all()
    if wanted.actor:
        kind, _, name = wanted.actor.partition(":")
        rows = rows.filter(actor_kind=kind)
        if name:
            rows = rows.filter(actor_id=name)
    if wanted.action in ("reads", "writes"):
        reading = Q()
        for verb in READING_VERBS:
            reading |= Q(action__endswith=f".{verb}")
        rows = rows.filter(reading) if wanted.action == "reads" else rows.exclude(reading)
    elif wanted.action.endswith("."):
        rows = rows.filter(action__startswith=wanted.action)
    elif wanted.action:
        rows = rows.filter(action=wanted.action)
    if wanted.person is not None:
        tokens = [marks.person_token(number) for number in people.records(wanted.person)]
        rows = rows.filter(people__overlap=tokens) if len(tokens) > 1 else rows.filter(people__contains=tokens)
    if wanted.entries is not None:
        rows = _like(rows.filter(pk__range=wanted.entries), wanted.entries[1])
    if wanted.since is not None:
        rows = rows.filter(at__gte=wanted.since)
    if wanted.until is not None:
        rows = rows.filter(at__lt=wanted.until)
    return rows


def has_met(person_id: int) -> bool:
    """Whether any entry is about the person of that number, erased or not."""
    return entries(TrailFilter(person=person_id)).exists()


def _like(rows: QuerySet[AuditEntry], newest: int) -> QuerySet[AuditEntry]:
    """Those of ``rows`` that stand in one line with the entry ``newest``; see ``folding``."""
    head = AuditEntry.objects.filter(pk=newest).first()
    if head is None:
        return rows.none()
    same = {name: getattr(head, name) for name in ("actor_kind", "actor_id", "action", "purpose", "fields")}
    codes = steady(head.codes)
    return rows.filter(**same, codes__contains=codes, reason__isnull=True, change__isnull=True, people_count__lte=1)


def steady(codes: dict[str, Any]) -> dict[str, Any]:
    """An entry's codes without lengths of text, which differ between acts that are the same otherwise."""
    return {name: value for name, value in codes.items() if name not in LENGTHS}


@dataclass(frozen=True, repr=False)
class TrailRow:
    """One entry for a reader. ``number`` is its place in the chain, None until the sequencer came by."""

    id: int
    number: int | None
    at: datetime
    who: str
    role: str
    what: str
    details: str
    action: str
    is_reading: bool
    people: int
    has_reason: bool


def rows(found: Sequence[AuditEntry]) -> list[TrailRow]:
    """Entries in sentences, with two queries for any number: names of staff, numbers of the chain."""
    names = staff_names({entry.actor_id for entry in found if entry.actor_kind == "staff"})
    numbers = chain_numbers(entry.pk for entry in found)
    return [
        TrailRow(
            id=entry.pk,
            number=numbers.get(entry.pk, (None, b""))[0],
            at=entry.at,
            who=actor_words(entry.actor_kind, entry.actor_id, names),
            role=role_word(entry.actor_role),
            what=sentences.sentence(entry),
            details=sentences.details(entry),
            action=entry.action,
            is_reading=entry.action.rpartition(".")[2] in READING_VERBS,
            people=entry.people_count,
            has_reason=entry.reason is not None,
        )
        for entry in found
    ]


def staff_names(ids: Iterable[str]) -> dict[str, str]:
    """Names of members of staff by number; a disabled one keeps theirs."""
    wanted = [int(each) for each in ids if each.isdigit()]
    if not wanted:
        return {}
    return {str(user.pk): str(getattr(user, "name", "")) for user in get_user_model().objects.filter(pk__in=wanted)}


# What the parts of the product that act by themselves, and the nouns of actions, are called outside the code.
PARTS = {"beat": "by schedule", "dispatcher": "sending", "receiver": "incoming mail", "worker": "a worker that started"}
NOUNS = {
    "asset": "Image",
    "baa": "Agreement",
    "attribute": "Own field",
    "event": "Health event",
    "hygiene": "List hygiene",
    "recipient_key": "Encryption key",
    "skeleton": "Compiled mail",
}


def actor_words(kind: str, name: str, names: dict[str, str]) -> str:
    """Who acted, in words."""
    match kind:
        case "staff":
            return names.get(name) or f"Staff {name}"
        case "patient":
            return f"Patient {name}"
        case "system":
            return f"The product ({PARTS.get(name, name)})" if name else "The product"
        case "command":
            return "Command line"
    return "Somebody not signed in"


def actors_in_words(written: Iterable[str]) -> dict[str, str]:
    """Who acted, in words, by the short form that rows of other apps keep (``str(actor)``: "staff:3")."""
    parts = {each: each.partition(":") for each in written}
    names = staff_names({name for kind, _, name in parts.values() if kind == "staff"})
    return {each: actor_words(kind, name, names) for each, (kind, _, name) in parts.items()}


def role_word(role: str) -> str:
    """The role as staff read it, or ""."""
    return Role(role).word if role in set(Role) else role


def chain_numbers(ids: Iterable[int]) -> dict[int, tuple[int | None, bytes]]:
    """(number, link) of entries that are in the chain already."""
    found = AuditChain.objects.filter(entry__in=list(ids)).values_list("entry", "sequence", "link")
    return {entry: (sequence, bytes(link)) for entry, sequence, link in found}


def actors() -> list[tuple[str, str]]:
    """Everybody to choose from in the filter: staff by name, then the other kinds."""
    staff = sorted((str(getattr(user, "name", "")), user.pk) for user in get_user_model().objects.all())
    others = [
        ("patient", "Patients"),
        ("system", "The product itself"),
        ("command", "Command line"),
        ("stranger", "People not signed in"),
    ]
    return [("staff", "All staff"), *((f"staff:{pk}", name) for name, pk in staff), *others]


def actions() -> list[tuple[str, list[tuple[str, str]]]]:
    """Actions to choose from, grouped by noun."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for action in Action:
        noun, _, verb = action.value.partition(".")
        groups.setdefault(noun, []).append((action.value, sentences.verb_past(verb)))
    found = [
        (NOUNS.get(noun, noun.replace("_", " ").capitalize()), [(f"{noun}.", "Anything"), *choices])
        for noun, choices in groups.items()
    ]
    return sorted(found)


def export_rows(wanted: TrailFilter, below: int) -> Iterator[ExportRow]:
    """Every entry of a filter up to the id ``below``, oldest first, read in chunks."""
    last = 0
    while True:
        found = list(entries(wanted).filter(pk__gt=last, pk__lte=below).order_by("pk")[:CHUNK])
        if not found:
            return
        names = staff_names({entry.actor_id for entry in found if entry.actor_kind == "staff"})
        numbers = chain_numbers(entry.pk for entry in found)
        for entry in found:
            number, link = numbers.get(entry.pk, (None, b""))
            yield ExportRow(
                sequence=number,
                entry=entry.pk,
                at=entry.at,
                actor=actor_words(entry.actor_kind, entry.actor_id, names),
                role=entry.actor_role,
                action=entry.action,
                what=sentences.sentence(entry),
                kind=entry.kind,
                subject=entry.subject,
                purpose=entry.purpose,
                people=entry.people_count,
                fields=list(entry.fields),
                codes=dict(entry.codes),
                link=link.hex(),
            )
        last = found[-1].pk


@dataclass(frozen=True)
class TrailState:
    """How the trail stands: numbers, the last checkpoint outside the database, the last verification and review."""

    numbered: int
    waiting: int
    checkpoint_at: datetime | None
    checkpoint_number: int
    checkpoint_fault: str
    verified_at: datetime | None
    verified_ok: bool | None
    verified_entries: int
    first_bad: int | None
    reviewed_at: datetime | None
    review_due: bool


def state(now: datetime) -> TrailState:
    """How the trail stands at ``now``; a handful of queries."""
    numbered = AuditChain.objects.aggregate(top=Max("sequence"))["top"] or 0
    newest = AuditChain.objects.aggregate(top=Max("entry"))["top"] or 0
    waiting = AuditEntry.objects.filter(pk__gt=newest).count()
    fault, point = "", None
    try:
        point = sequencer.last_checkpoint()  # the nightly verification reads all of them
    except ValueError as error:
        fault = str(error)
    verified = AuditEntry.objects.filter(action=Action.TRAIL_VERIFY).order_by("-id").first()
    review = AuditReview.objects.order_by("-at").first()
    return TrailState(
        numbered=numbered,
        waiting=waiting,
        checkpoint_at=datetime.fromisoformat(point.at) if point else None,
        checkpoint_number=point.sequence if point else 0,
        checkpoint_fault=fault,
        verified_at=verified.at if verified else None,
        verified_ok=bool(verified.codes.get("ok")) if verified else None,
        verified_entries=int(verified.codes.get("entries") or 0) if verified else 0,
        first_bad=verified.codes.get("first_bad") if verified else None,
        reviewed_at=review.at if review else None,
        review_due=review is None or (now - review.at).days >= REVIEW_EVERY_DAYS,
    )


@dataclass(frozen=True)
class ConfigurationChange:
    """One value of the configuration before and after; a dash where there was or is none."""

    at: datetime
    who: str
    name: str
    before: str
    after: str


def configuration(cursor: str = "") -> tuple[list[ConfigurationChange], pages.Page[LogEntry]]:
    """A page of what django-auditlog recorded, newest first, with two queries for any number.

    For reading along: the evidence is the entry of the trail that each change has too.
    """
    page = pages.keyset(LogEntry.objects.only("timestamp", "changes", "additional_data"), cursor)
    facts = [entry.additional_data or {} for entry in page.items]
    who = actors_in_words({str(each.get("actor", "")) for each in facts})
    changes = [
        ConfigurationChange(
            entry.timestamp, who[str(each.get("actor", ""))], str(each.get("name", "")), *_values(values)
        )
        for entry, each in zip(page.items, facts, strict=True)
        for values in (entry.changes or {}).values()
    ]
    return changes, page


def _values(pair: Sequence[Any]) -> tuple[str, str]:
    before, after = (("" if value in (None, "None") else str(value)) or "—" for value in pair)
    return before, after


@dataclass(frozen=True, repr=False)
class ReviewRow:
    """A past review, with the reviewer's name and note."""

    review: AuditReview
    who: str
    note: str


def reviews() -> list[ReviewRow]:
    """All reviews, newest first; there is one a month."""
    found = list(AuditReview.objects.order_by("-at"))
    names = staff_names({row.reviewer_id for row in found if row.reviewer_kind == "staff"})
    return [
        ReviewRow(
            row,
            actor_words(row.reviewer_kind, row.reviewer_id, names),
            marks.open_text(bytes(row.note)) if row.note else "",
        )
        for row in found
    ]


def summary(wanted: TrailFilter) -> list[dict[str, Any]]:
    """How often each kind of act happened, most frequent first: what a reviewer looks at before the details."""
    counted = (
        entries(wanted)
        .annotate(name=Substr("action", 1, 40))
        .values("name")
        .annotate(number=Count("id"))
        .order_by("-number")[:12]
    )
    return [{"label": sentences.action_label(row["name"]), "value": row["number"]} for row in counted]
