"""Pages of the trail for whoever watches over it: lines of equal entries, one entry opened. Looking is on the trail."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, F, Q, QuerySet, Value, When

from apps.audit import changes, folding, marks, sentences
from apps.audit.actions import Action
from apps.audit.filters import TrailFilter
from apps.audit.models import AuditEntry
from apps.audit.selectors import TrailRow, chain_numbers, entries, rows, steady
from apps.audit.services import record_read
from apps.core import pages
from apps.core.actors import Actor

LINES = 50
"""Lines of a page of the trail."""
SCANNED = 2_000
"""Entries that one page may hold in its lines."""


@dataclass(frozen=True, repr=False)
class TrailLine:
    """A line of the list: an entry, or several equal ones that follow each other with the newest in front.

    ``count`` is how many there are, ``since`` the time of the oldest, ``run`` the filter's words that show each.
    """

    row: TrailRow
    what: str
    people: int
    count: int = 1
    since: datetime | None = None
    run: str = ""


def trail(*, actor: Actor, wanted: TrailFilter, cursor: str = "") -> tuple[list[TrailLine], pages.Page[AuditEntry]]:
    """A page of the trail, newest first; the look itself is written down before anything is shown.

    Runs of equal entries are one line, unless ``wanted`` names the entries of one. A page has as many entries as
    make ``LINES`` lines, and looks at no more than ``SCANNED``.
    """
    people = [wanted.person] if wanted.person is not None else []
    record_read(actor=actor, action=Action.TRAIL_VIEW, kind="trail", people=people, codes=wanted.codes())
    if wanted.entries is not None:
        plain = pages.keyset(entries(wanted), cursor)
        return [TrailLine(row, row.what, row.people) for row in rows(plain.items)], plain
    page = pages.keyset(_outlined(wanted), cursor, size=SCANNED, fitting=_fitting)
    runs = folding.runs([_outline(entry) for entry in page.items])
    whole = {entry.pk: entry for entry in AuditEntry.objects.filter(pk__in=[run.newest for run in runs])}
    heads = {row.id: row for row in rows([whole[run.newest] for run in runs])}
    begun = {entry.pk: entry.at for entry in page.items}
    return [_line(run, heads[run.newest], whole[run.newest], begun[run.oldest]) for run in runs], page


def _outlined(wanted: TrailFilter) -> QuerySet[AuditEntry]:
    # Lists of tokens are long for bulk acts, so the token is read for entries about one person only; and of what is
    # sealed only whether it is there.
    return (
        entries(wanted)
        .annotate(
            alone=Q(reason__isnull=False) | Q(change__isnull=False) | Q(people_count__gt=1),
            person=Case(When(people_count=1, then=F("people__0")), default=Value(0)),
        )
        .only("at", "actor_kind", "actor_id", "action", "purpose", "kind", "subject", "codes", "fields")
    )


def _outline(entry: Any) -> folding.Outline:
    return folding.Outline(
        id=entry.pk,
        at=entry.at,
        actor=(entry.actor_kind, entry.actor_id),
        action=entry.action,
        purpose=entry.purpose,
        subject=f"{entry.kind} {entry.subject}",
        person=entry.person or 0,
        details=json.dumps([steady(entry.codes), entry.fields], sort_keys=True),
        alone=entry.alone,
    )


def _fitting(found: Sequence[AuditEntry]) -> int:
    return folding.fitting([_outline(entry) for entry in found], LINES)


def _line(run: folding.Run, head: TrailRow, entry: AuditEntry, since: datetime) -> TrailLine:
    if len(run.ids) == 1:
        return TrailLine(head, head.what, head.people)
    words = head.what
    if not run.one_subject:
        words = sentences.action_label(entry.action)
        words += sentences.purpose_words(entry.purpose)
    return TrailLine(head, words, run.people, len(run.ids), since, f"{run.oldest}-{run.newest}")


@dataclass(frozen=True, repr=False)
class OpenedEntry:
    """One entry whole: its sentence, the reason that was given, and the numbers of the people it is about."""

    row: TrailRow
    entry: AuditEntry
    reason: str
    people: list[int]
    link: str
    changes: list[tuple[str, str, str]]


def entry_open(*, actor: Actor, entry_id: int) -> OpenedEntry | None:
    """One entry with its sealed parts opened, which goes on the trail like any other look at people."""
    entry = AuditEntry.objects.filter(pk=entry_id).first()
    if entry is None:
        return None
    people = marks.open_ids(bytes(entry.people_sealed)) if entry.people_sealed else []
    record_read(actor=actor, action=Action.TRAIL_VIEW, kind="trail", subject=entry_id, people=people)
    link = chain_numbers([entry.pk]).get(entry.pk, (None, b""))[1]
    return OpenedEntry(
        row=rows([entry])[0],
        entry=entry,
        reason=marks.open_text(bytes(entry.reason)) if entry.reason else "",
        people=people,
        link=link.hex(),
        changes=[
            (name.replace("_", " ").replace(".", ", ").capitalize(), before, after)
            for name, before, after in (changes.open_change(bytes(entry.change)) if entry.change else [])
        ],
    )
