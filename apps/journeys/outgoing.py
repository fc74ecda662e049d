"""Messages of journeys: frozen at activation, queued by `effects.send_mail`, written when delivery claims them.

Delivery asks again at the moment of sending (`JourneySource.drafts`): a run that left, a date that passed or an
appointment that was cancelled after the step was decided stops its message here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from apps.contacts.person import search_values
from apps.contacts.person import selectors as contacts
from apps.contacts.person.records import PersonRecord
from apps.content import facts as content_facts
from apps.content import selectors as content
from apps.content import services as content_services
from apps.content.blocks import BadTemplate
from apps.content.compiling import compile_message
from apps.core import zones
from apps.core.actors import Actor
from apps.core.levels import Level
from apps.delivery import services as delivery
from apps.delivery.models import OutboxMessage
from apps.delivery.models.outbox import MessageKind
from apps.delivery.policy.routing import Held, Refusal
from apps.delivery.send.sources import Claimed, Draft, LeftOut
from apps.journeys import context, naming
from apps.journeys.definition import Definition, DefinitionBroken, Problem, mails
from apps.journeys.models import Journey, JourneyRun, JourneyStepVisit, RunState
from apps.journeys.parse import parse
from apps.journeys.protocol import Reason
from apps.journeys.vocabulary import APPOINTMENT_START, Key
from apps.mail.compiled import CompiledMessage, LinkFactory
from apps.tracking import links
from apps.tracking import services as tracking


@dataclass(frozen=True, repr=False)
class Frozen:
    """What a send step sends, as it was when the journey was activated. ``targets`` are link targets by address."""

    skeleton: int
    level: int
    template: int
    version: int
    targets: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """As the journey's version keeps it."""
        return {
            "skeleton": self.skeleton,
            "level": self.level,
            "template": self.template,
            "version": self.version,
            "targets": dict(self.targets),
        }


def freeze(*, actor: Actor, definition: Definition) -> dict[str, dict[str, Any]]:
    """The messages of every send step, compiled and kept; in the caller's transaction.

    Takes the published text of a template, or publishes the draft when there is none yet. Raises
    ``DefinitionBroken`` for a template that cannot be compiled.
    """
    frozen: dict[str, dict[str, Any]] = {}
    for place, mail in mails(naming.with_ids(definition)):
        step = place.step
        template = context.template_of(mail.template)
        if template is None:
            raise DefinitionBroken([Problem(step.id, f"Step {place.number}: its template is gone. Choose another.")])
        if template.published:
            version = template.versions.get(number=template.published)
        else:
            version = content_services.template_publish(actor=actor, template_id=template.pk)
        brand = context.brand_of(mail.sender) or template.brand
        try:
            compiled = compile_message(version.design, content.brand_facts(brand), automatic=True)
        except BadTemplate as error:
            raise DefinitionBroken(
                [Problem(step.id, f"Step {place.number}: “{template.name}” cannot be sent. {error}")]
            ) from None
        skeleton = content_services.skeleton_store(actor=actor, compiled=compiled)
        tracked = [url for url in compiled.all_links if url.startswith(("http://", "https://"))]
        frozen[step.id] = Frozen(
            skeleton=skeleton.pk,
            level=int(max(version.level, compiled.level)),
            template=template.pk,
            version=version.number,
            targets=tracking.targets_for(actor=actor, urls=tracked) if tracked else {},
        ).to_json()
    return frozen


def runs_of_messages(messages: Iterable[int]) -> dict[int, tuple[int, str, int]]:
    """(run, step, round) of journeys' messages, by message number; others are left out."""
    wanted = {message for message in messages if message}
    visits = dict(OutboxMessage.objects.filter(pk__in=wanted, kind=MessageKind.JOURNEY).values_list("pk", "visit"))
    found = {
        pk: (run, step, turn)
        for pk, run, step, turn in JourneyStepVisit.objects.filter(pk__in=visits.values()).values_list(
            "pk", "run_id", "step", "round"
        )
    }
    return {message: found[visit] for message, visit in visits.items() if visit in found}


def languages_sent(journey_id: int) -> dict[str, dict[str, int]]:
    """Of the messages that left: send step to language code to how many. One statement."""
    rows = (
        OutboxMessage.objects.filter(
            kind=MessageKind.JOURNEY, source_id=journey_id, state__in=("sent", "bounced"), skeleton_id__isnull=False
        )
        .values_list("node", "skeleton_id")
        .annotate(number=Count("id"))
        .order_by()
    )
    found: dict[str, dict[str, int]] = {}
    for node, skeleton_id, number in rows:
        step = found.setdefault(node, {})
        code = content.skeleton(skeleton_id).language
        step[code] = step.get(code, 0) + number
    return found


NOT_LEFT = "none"
"""Stands for the language of messages that left in none: held back, refused before they left, or stopped."""
_STAYED = ("held", "failed", "stopped")


def not_left(journey_id: int) -> dict[str, int]:
    """Of the messages handed to delivery: send step to how many did not leave and do not wait. One statement."""
    rows = OutboxMessage.objects.filter(kind=MessageKind.JOURNEY, source_id=journey_id, state__in=_STAYED)
    return dict(rows.values_list("node").annotate(number=Count("id")).order_by())


def visits_in(journey_id: int, step: str, language: str) -> QuerySet[OutboxMessage, int]:
    """The visits of a send step whose message left in a language (or did not: ``NOT_LEFT``), as a subquery."""
    messages = OutboxMessage.objects.filter(kind=MessageKind.JOURNEY, source_id=journey_id, node=step)
    if language == NOT_LEFT:
        return messages.filter(state__in=_STAYED).values_list("visit", flat=True)
    rows = messages.filter(state__in=("sent", "bounced"))
    wanted = [
        pk
        for pk in rows.order_by().values_list("skeleton_id", flat=True).distinct()
        if pk is not None and content.skeleton(pk).language == language
    ]
    return rows.filter(skeleton_id__in=wanted).values_list("visit", flat=True)


def messages_of(visits: Iterable[int]) -> dict[int, OutboxMessage]:
    """The messages of these visits by visit, without their content."""
    rows = OutboxMessage.objects.filter(kind=MessageKind.JOURNEY, visit__in=list(visits))
    return {row.visit: row for row in rows.defer("content", "record", "evidence")}


def languages_of(definition: Definition, messages: Mapping[str, Any] | None = None) -> dict[str, str]:
    """For each send step, which languages its text speaks, as a sentence without a period.

    ``messages``: those of an active version, as frozen; without them the template as it would be frozen now.
    """
    found: dict[str, str] = {}
    for place, mail in mails(naming.with_ids(definition)):
        if not mail.template:
            continue
        step_id = place.step.id
        frozen = (messages or {}).get(step_id)
        if frozen is not None:
            found[step_id] = content.languages_words(content.skeleton(frozen["skeleton"]).languages)
        elif messages is None and (template := context.template_of(mail.template)) is not None:
            found[step_id] = content.languages_words(content.languages_of(template))
    return found


def pause(*, actor: Actor, journey: Journey) -> None:
    """Nothing of this journey leaves: what waits in the outbox waits on."""
    delivery.source_pause(actor=actor, kind=MessageKind.JOURNEY, source_id=journey.pk)


def resume(*, actor: Actor, journey: Journey) -> None:
    """What waits in the outbox may leave again."""
    delivery.source_resume(actor=actor, kind=MessageKind.JOURNEY, source_id=journey.pk)


def kept_back(person_id: int) -> list[LeftOut]:
    """What this person is not told while a visit is in doubt: journeys that stand before a message about it."""
    runs = JourneyRun.objects.filter(
        person_id=person_id, state=RunState.WAITING, reason=Reason.VISIT_IN_DOUBT.value
    ).select_related("journey")
    return [LeftOut(run.changed_at, str(run.journey.opened()["name"]), Held.VISIT_IN_DOUBT.value) for run in runs]


class JourneySource:
    """Answers delivery for messages of journeys."""

    def drafts(
        self, *, claimed: Sequence[Claimed], people: Mapping[int, PersonRecord], now: datetime
    ) -> Mapping[int, Draft | Refusal]:
        """What to merge for each claimed message, or why it must not leave any more."""
        visits = {
            visit.pk: visit
            for visit in JourneyStepVisit.objects.filter(pk__in=[each.visit for each in claimed]).select_related(
                "run", "run__version"
            )
        }
        versions = {visit.run.version_id: visit.run.version for visit in visits.values()}
        plans = {pk: (parse(version.opened()), version.messages()) for pk, version in versions.items()}
        contacts.load_appointments({pk: record for pk, record in people.items() if record.appointments is None})
        measured = {
            visit.run.person_id: people[visit.run.person_id]
            for each in claimed
            if (visit := visits.get(each.visit)) is not None
            and visit.run.person_id in people
            and (frozen := plans[visit.run.version_id][1].get(each.node)) is not None
            and content.merges_results(content.skeleton(frozen["skeleton"]))
        }
        if measured:
            contacts.load_results(measured)
        zone = context.zone()
        guardians = contacts.guardian_mailboxes(people)
        found: dict[int, Draft | Refusal] = {}
        for each in claimed:
            visit = visits.get(each.visit)
            record = people.get(each.person_id or 0)
            if visit is None or record is None:
                continue
            definition, messages = plans[visit.run.version_id]
            mailbox = search_values.mailbox(record.email) if record.email else guardians.get(record.id)
            found[each.id] = _draft(each, visit.run, visit.round, definition, messages, record, mailbox, now, zone.key)
        return found


def _draft(
    claimed: Claimed,
    run: JourneyRun,
    turn: int,
    definition: Definition,
    messages: Mapping[str, Any],
    record: PersonRecord,
    mailbox: bytes | None,
    now: datetime,
    zone: str,
) -> Draft | Refusal:
    mail = next((mail for place, mail in mails(definition) if place.step.id == claimed.node), None)
    frozen = messages.get(claimed.node)
    if mail is None or frozen is None:
        return Refusal(Held.STOPPED, "The step is not in the version this person walks.")
    if run.state in (RunState.LEFT, RunState.FAILED) or run.round != turn:
        return Refusal(Held.STOPPED, "The person left the journey or began it again before this message could leave.")
    about = None
    if definition.key is Key.APPOINTMENT:
        about = next((each for each in record.appointments or () if each["id"] == run.subject), None)
        if about is None or about.get("state") == "cancelled":
            return Refusal(Held.STOPPED, "The appointment was canceled before this message could leave.")
        if "held" in about:
            return Refusal(Held.VISIT_IN_DOUBT, "An import is in doubt about the appointment, so nobody is told of it.")
        if mail.before == APPOINTMENT_START and now >= zones.visit_moment(about):
            return Refusal(Held.STOPPED, "The appointment has begun.")
    skeleton_id, compiled = content.skeleton_for(frozen["skeleton"], record.language)
    return Draft(
        compiled=compiled,
        facts=content_facts.person_facts(
            record.profile,
            appointment=about,
            appointments=record.appointments or (),
            results=record.results,
            now=now,
        ),
        level=Level(max(int(claimed.level), int(frozen["level"]))),
        skeleton_id=skeleton_id,
        zone=zone,
        list_unsubscribe_url=_unsubscribe(claimed, record, compiled, mailbox),
        portal_url=content.portal_url(),
        link=_tracked(claimed, record, frozen["targets"], now),
        groups=(f"journey:{claimed.source_id}",),
    )


def _unsubscribe(
    claimed: Claimed, record: PersonRecord, compiled: CompiledMessage, mailbox: bytes | None
) -> str | None:
    """For whose mailbox it is: a child's mail goes to the guardian, who may stop it."""
    if mailbox is None:
        return None
    return links.unsubscribe_url(
        mailbox=mailbox,
        person=record.id,
        message=claimed.id,
        language=compiled.language,
    )


def _tracked(claimed: Claimed, record: PersonRecord, targets: Mapping[str, int], now: datetime) -> LinkFactory:
    def link(_number: int, url: str) -> str:
        target = targets.get(url)
        if target is None:
            # A link made for this person alone leads straight there: its address is nobody else's business.
            return url
        return links.click_url(
            message=claimed.id,
            person=record.id,
            target=target,
            sent=now,
            journey=claimed.source_id or 0,
        )

    return link
