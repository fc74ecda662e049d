"""Watching over the trail: verifying it, reviewing it, exporting it. Each leaves an entry of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from django.db import transaction
from django.db.models import Max

from apps.audit import exports, marks, selectors, sequencer, verification
from apps.audit.actions import Action
from apps.audit.filters import TrailFilter
from apps.audit.models import AuditEntry, AuditReview
from apps.audit.services import record, record_read
from apps.audit.verification import Verdict
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Refused


def trail_verify(*, actor: Actor) -> Verdict:
    """Number what is open, check the whole trail and its checkpoints, and note the result on it."""
    sequencer.number_entries(limit=1000)
    found = verification.verify()
    codes = {"entries": found.entries, "ok": found.ok, "first_bad": found.first_bad}
    record(actor=actor, action=Action.TRAIL_VERIFY, kind="trail", codes=codes)
    return found


def trail_review(*, actor: Actor, first: date, last: date, outcome: str, note: str = "") -> AuditReview:
    """Record that somebody looked through the trail of some days. Raises ``Refused``."""
    if actor.kind != "staff":
        raise Refused("review.without_person", "A review is made by a person. Sign in, or name one with --as.")
    if first > last:
        raise Refused("period.backwards", "The last day lies before the first. Swap them.")
    zone = clock.clinic_zone()
    if last > clock.now().astimezone(zone).date():
        raise Refused(
            "review.too_early", "Days that have not ended cannot have been reviewed. Choose an earlier last day."
        )
    if outcome not in AuditReview.Outcome.values:
        raise Refused("review.without_finding", "Say what the review found.")
    if outcome != AuditReview.Outcome.NOTHING and not note.strip():
        raise Refused("review.without_follow_up", "Write down what is to be followed up.")
    state = selectors.state(clock.now())
    with transaction.atomic():
        review = AuditReview.objects.create(
            at=clock.now(),
            reviewer_kind=actor.kind,
            reviewer_id=actor.id,
            first_day=first,
            last_day=last,
            entries=selectors.entries(TrailFilter(first=first, last=last, zone=zone)).count(),
            trail_ok=state.verified_ok,
            outcome=outcome,
            note=marks.seal_text(note.strip()) if note.strip() else None,
        )
        record(
            actor=actor,
            action=Action.TRAIL_REVIEW,
            kind="trail",
            subject=review.pk,
            codes={"entries": review.entries, "from": first.isoformat(), "to": last.isoformat(), "outcome": outcome},
        )
    return review


def trail_export(*, actor: Actor, wanted: TrailFilter, format: str) -> tuple[int, Iterator[bytes]]:
    """(number of entries, the file line by line). The entry about it commits before the first byte is made."""
    if format not in exports.FORMATS:
        raise Refused("trail.format_unknown", f"The trail is exported as {' or '.join(exports.FORMATS)}.")
    below = AuditEntry.objects.aggregate(top=Max("pk"))["top"] or 0
    count = selectors.entries(wanted).filter(pk__lte=below).count()
    people = [wanted.person] if wanted.person is not None else []
    record_read(
        actor=actor,
        action=Action.TRAIL_EXPORT,
        kind="trail",
        people=people,
        codes={**wanted.codes(), "entries": count, "format": format},
    )
    return count, exports.lines(selectors.export_rows(wanted, below), format)
