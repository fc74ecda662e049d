"""Writing segments. Names and rules are sealed; the graph of segments that look at segments stays acyclic."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.tags import definitions as tags
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.references import selectors as references
from apps.references import services as reference_services
from apps.references.models import Noun
from apps.segments import authors, counting, naming, rules, selectors
from apps.segments.models import Segment, SegmentCount, SegmentUse
from apps.segments.selectors import TABLE, name_token
from apps.vault import sealing

LONGEST_NAME = 120
LONGEST_DESCRIPTION = 500
_GRAPH_LOCK = 0x7365676D  # two saves at once could each see no cycle and make one together


class NameRefused(Refused):
    """The name of a segment is missing, too long or taken; the builder says it beside the name."""


class InUse(Refused):
    """The segment is used elsewhere; ``usages`` says where."""

    def __init__(self, found: list[references.Use]) -> None:
        self.usages = found
        places = "one place" if len(found) == 1 else f"{len(found)} places"
        super().__init__(
            "segment.in_use", f"This segment is used in {places}. Take it out there first, then delete it."
        )


@transaction.atomic
def segment_save(
    *,
    actor: Actor,
    name: str,
    rule: object,
    description: str = "",
    segment_id: int | None = None,
    version: int | None = None,
    copy_of: int | None = None,
) -> Segment:
    """Create a segment, or change the one with ``segment_id``.

    ``rule`` is the JSON of ``rules.parse``; ``version`` the version the editor started from (a change made
    meanwhile by somebody else is refused); ``copy_of`` the segment a new one was made from. Raises Refused with a
    sentence, RuleError for a node of the rule.
    """
    name, description = " ".join(name.split()), description.strip()
    if not name:
        raise NameRefused("segment.name_missing", "Give the segment a name.")
    if len(name) > LONGEST_NAME:
        raise NameRefused("segment.name_too_long", f"A name has at most {LONGEST_NAME} characters.")
    if len(description) > LONGEST_DESCRIPTION:
        raise Refused("segment.description_too_long", f"A description has at most {LONGEST_DESCRIPTION} characters.")
    parsed = selectors.parse(rule)
    _lock_graph()
    token = name_token(name)
    if Segment.objects.filter(name_token=token).exclude(pk=segment_id or 0).exists():
        raise NameRefused("segment.name_taken", "Another segment has this name. Choose a different one.")
    used = _used(parsed, segment_id)
    now = clock.now()
    same_rule = False
    if segment_id is None:
        level = rules.level(parsed, selectors.names_for(parsed))
        segment = Segment(name_token=token, level=level, owner=str(actor), created_at=now, changed_at=now, sealed=b"")
        segment.save(force_insert=True)
        action = Action.SEGMENT_CREATE
    else:
        segment = _locked(segment_id)
        if version is not None and version != segment.version:
            raise Refused(
                "segment.changed", "Somebody else changed this segment meanwhile. Open it anew to see their version."
            )
        same_rule = selectors.opened(segment).rule == parsed
        # Another name changes nothing for whoever refers to it, and nothing that it refers to is opened.
        level = Level(segment.level) if same_rule else rules.level(parsed, selectors.names_for(parsed))
        action = Action.SEGMENT_CHANGE
        segment.version += 1
        segment.name_token, segment.level, segment.changed_at = token, level, now
        segment.count = segment.count_ms = segment.counted_at = None
    _seal(segment, {"name": name, "description": description, "rule": parsed.to_document()})
    segment.save()
    SegmentUse.objects.filter(user=segment).delete()
    SegmentUse.objects.bulk_create(SegmentUse(user=segment, used_id=used_id) for used_id in used)
    reference_services.references_write(user_kind=Noun.SEGMENT, user_id=segment.pk, uses=selectors.rule_uses(parsed))
    if segment_id is not None and not same_rule:
        _levels_follow(segment)
    codes = {"version": segment.version, "level": level.value}
    if copy_of is not None:
        codes["copy_of"] = copy_of
    record(actor=actor, action=action, kind="segment", subject=segment.pk, codes=codes)
    return segment


@transaction.atomic
def segment_delete(*, actor: Actor, segment_id: int) -> None:
    """Delete a segment nobody uses. Raises InUse with the places otherwise."""
    _lock_graph()
    segment = _locked(segment_id)
    found = selectors.where_used(segment.pk)
    if found:
        raise InUse(found)
    record(actor=actor, action=Action.SEGMENT_DELETE, kind="segment", subject=segment.pk)
    reference_services.references_delete(kind=Noun.SEGMENT, ids=[segment.pk])
    segment.delete()


@transaction.atomic
def segment_duplicate(*, actor: Actor, segment_id: int) -> Segment:
    """A copy under the next free name ("Name (copy)", "Name (copy 2)")."""
    original = selectors.opened(_locked(segment_id))
    for number in range(1, 100):
        suffix = " (copy)" if number == 1 else f" (copy {number})"
        name = original.name[: LONGEST_NAME - len(suffix)] + suffix
        if not Segment.objects.filter(name_token=name_token(name)).exists():
            return segment_save(
                actor=actor,
                name=name,
                rule=original.rule.to_document(),
                description=original.description,
                copy_of=segment_id,
            )
    raise Refused(
        "segment.too_many_copies", "There are a hundred copies of this segment already. Rename or delete some."
    )


def segments_approve(*, ids: Iterable[int]) -> None:
    """Note that a second person approves these segments, and all that they lead to, as they are now.

    Part of approving what uses them, in its transaction and on the trail with it; until that ends nobody changes a
    segment, so the caller looks at them after this.
    """
    _lock_graph()
    Segment.objects.filter(pk__in=authors.whole(ids)).update(approved_version=F("version"))


def segment_count(*, actor: Actor, segment_id: int) -> counting.Counted:
    """Count a saved segment now and remember its size. Raises Refused when it takes too long."""
    segment = Segment.objects.filter(pk=segment_id).first()
    if segment is None:
        raise Refused("segment.unknown", "This segment no longer exists.")
    found = counting.count(selectors.opened(segment).rule)
    with transaction.atomic():
        now = clock.now()
        Segment.objects.filter(pk=segment.pk, version=segment.version).update(
            count=found.count, count_ms=found.ms, counted_at=now
        )
        SegmentCount.objects.filter(
            segment=segment, version=segment.version, at__gte=clock.clinic_midnight(now)
        ).delete()
        SegmentCount.objects.create(segment=segment, version=segment.version, at=now, count=found.count, ms=found.ms)
        record(
            actor=actor,
            action=Action.SEGMENT_COUNT,
            kind="segment",
            subject=segment.pk,
            codes={"version": segment.version, "count": found.count},
        )
    return found


def _lock_graph() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_GRAPH_LOCK])


def _locked(segment_id: int) -> Segment:
    segment = Segment.objects.select_for_update().filter(pk=segment_id).first()
    if segment is None:
        raise Refused("segment.unknown", "This segment no longer exists.")
    return segment


def _seal(segment: Segment, data: dict[str, Any]) -> None:
    segment.sealed = sealing.seal_service(data, table=TABLE, row=segment.pk, version=segment.version)


def _used(parsed: rules.Rule, segment_id: int | None) -> set[int]:
    """Ids of the segments the rule looks at. Raises Refused for an unknown one or a way back to itself."""
    asked = rules.mentioned_segments(parsed)
    found = set(Segment.objects.filter(pk__in=[of for of in asked if isinstance(of, int)]).values_list("pk", flat=True))
    if gone := [of for of in asked if of not in found]:
        raise Refused("segment.unknown", f"There is no segment “{gone[0]}”. Choose one of the list.")
    asked = rules.mentioned_campaigns(parsed)
    known = naming.campaign_ids(asked) if asked else {}
    if gone := [of for of in asked if of not in known]:
        raise Refused("campaign.unknown", f"There is no campaign “{gone[0]}”. Choose one of the list.")
    asked = rules.mentioned_tags(parsed)
    there = tags.by_ids([of for of in asked if isinstance(of, int)]) if asked else {}
    if gone := [of for of in asked if of not in there]:
        raise Refused("tag.unknown", f"There is no tag “{gone[0]}”. Choose one of the list.")
    if segment_id is not None and segment_id in found | selectors.reachable(found):
        raise Refused("segment.looks_at_itself", "A segment cannot look at itself, not even through other segments.")
    return found


def _levels_follow(segment: Segment) -> None:
    """Bring the segments that look at this one up to date: its level in theirs. What they counted is old."""
    for user in Segment.objects.select_for_update().filter(uses__used=segment).order_by("pk"):
        rule = selectors.opened(user).rule
        level = rules.level(rule, selectors.names_for(rule))
        changed = level != user.level
        user.level = level
        user.count = user.count_ms = user.counted_at = None
        user.save(update_fields=["level", "count", "count_ms", "counted_at"])
        if changed:
            _levels_follow(user)
