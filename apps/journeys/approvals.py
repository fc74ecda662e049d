"""Whether a journey's draft was approved: by a second person, and exactly as it is now.

A journey that sends mail to people writes health information or marketing to somebody sooner or later (being a
patient is health information), so whatever sends is looked at by two people, as a campaign is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.approvals import fingerprints, two_people
from apps.approvals import selectors as entries
from apps.approvals.selectors import Decision
from apps.approvals.two_people import Part
from apps.audit.actions import Action
from apps.content import authors
from apps.content import selectors as content
from apps.content.models import Brand, Template, TemplateVersion
from apps.core.actors import Actor
from apps.journeys import context
from apps.journeys.definition import Definition, mails, to_json, walk
from apps.journeys.models import Journey
from apps.journeys.parse import parse
from apps.journeys.vocabulary import TriggerKind
from apps.organizations import selectors as organizations
from apps.segments import authors as segment_authors
from apps.segments import rules
from apps.segments import selectors as segments
from apps.segments.conditions.segment import SegmentCondition

KIND = "journey"
_PREPARING = (Action.JOURNEY_CREATE, Action.JOURNEY_CHANGE, Action.JOURNEY_SUBMIT)


@dataclass(frozen=True)
class Standing:
    """Where a draft stands. ``state``: free (sends nothing), none, waiting, approved, rejected, changed."""

    state: str
    by: str = ""
    at: datetime | None = None
    comment: str = ""

    @property
    def may_run(self) -> bool:
        """Whether it may be switched on."""
        return self.state in ("free", "approved")


def is_needed(definition: Definition) -> bool:
    """Whether a second person has to look: the journey sends something."""
    return next(mails(definition), None) is not None


def fingerprint(journey: Journey, definition: Definition) -> bytes:
    """The keyed hash of definition, published texts, senders with their postal addresses, and every segment's rule.

    Reads only. A text that was never published counts as its draft, which activation would publish.
    """
    whole = {
        "journey": journey.pk,
        "definition": to_json(definition),
        "texts": [text.as_json() for text in texts(definition)],
        "segments": segments_of(definition),
    }
    return fingerprints.fingerprint(KIND, whole)


def segments_of(definition: Definition) -> dict[str, Any]:
    """Name to rule JSON of every segment that a definition looks at, through all that they lead to, as it is now."""
    return {name: rule.to_document() for name, rule in sorted(_segments(definition).items())}


def moved_segments(journey: Journey) -> list[str]:
    """Names of segments that are not any more what the active version goes by."""
    version = journey.version
    if version is None:
        return []
    now = segments_of(parse(version.opened()))
    return sorted(name for name, rule in version.segments().items() if now.get(name) != rule)


def standing(journey: Journey, definition: Definition | None = None) -> Standing:
    """How the journey's draft stands now."""
    draft = definition if definition is not None else parse(journey.opened()["draft"])
    if not is_needed(draft):
        return Standing("free")
    latest = entries.latest(KIND, journey.pk)
    if latest is None:
        return Standing("none")
    if not fingerprints.is_same(latest.fingerprint, fingerprint(journey, draft)):
        return Standing("rejected" if latest.decision == Decision.REJECTED else "changed", comment=latest.comment)
    state = {Decision.SUBMITTED: "waiting", Decision.APPROVED: "approved", Decision.REJECTED: "rejected"}
    return Standing(state[Decision(latest.decision)], latest.actor, latest.at, latest.comment)


def at_stake(journey: Journey, definition: Definition | None = None) -> Standing | None:
    """What an edit of the draft would void: an approval that was asked for or given and is not switched on yet.

    A version that runs already keeps running whatever happens to the draft, so its approval is not at stake.
    """
    draft = definition if definition is not None else parse(journey.opened()["draft"])
    found = standing(journey, draft)
    if found.state not in ("waiting", "approved"):
        return None
    if journey.version is not None and parse(journey.version.opened()) == draft:
        return None
    return found


def submission(journey: Journey) -> int:
    """Which submission or decision is the latest: the id of its row, 0 when there is none."""
    return entries.submission(KIND, journey.pk)


def why_not(actor: Actor, journey: Journey, definition: Definition) -> str:
    """Why this person must leave the decision to somebody else, or "".

    They prepared it, or edited a text, a sender or a segment of it since somebody else approved that.
    """
    return two_people.why_not(actor, _parts(actor, journey, definition))


def _parts(actor: Actor, journey: Journey, definition: Definition) -> Iterator[Part]:
    why = "You prepared this journey, so somebody else has to decide about it."
    yield Part(KIND, journey.pk, _PREPARING, lambda: why)
    for text in texts(definition):
        yield from authors.parts(actor, text.version, text.brand)
    yield from segment_authors.parts(segment_ids(definition))


@dataclass(frozen=True, repr=False)
class Text:
    """What a send step would send now: its template, the published version of it, and the sender."""

    step: str
    template: Template | None
    version: TemplateVersion | None
    brand: Brand | None

    def as_json(self) -> list[Any]:
        """What an approval holds for. What the brand does not say itself, the mail takes from the organization."""
        template, brand = self.template, self.brand
        own = brand.opened if brand is not None else {}
        clinic = organizations.current()
        sender: list[Any] = [brand.pk, brand.version] if brand is not None else []
        sender += [getattr(clinic, name) for name in ("name", "postal_address", "phone") if not own.get(name)]
        return [
            self.step,
            template.pk if template is not None else None,
            template.published if template is not None else 0,
            None if template is None or template.published else template.revision,
            sender,
        ]


def texts(definition: Definition) -> list[Text]:
    """The text and sender of every step that sends, as they are now."""
    found = []
    default = authors.default_brand()
    for place, mail in mails(definition):
        template = content.template_named(mail.template)
        version = template.versions.filter(number=template.published).first() if template is not None else None
        brand = context.brand_named(mail.sender) or (template.brand if template is not None else None)
        found.append(Text(place.step.id, template, version, brand or default))
    return found


def segment_ids(definition: Definition) -> list[int]:
    """Ids of every segment that a definition looks at."""
    return [segments.by_name(name).id for name in sorted(_segments(definition))]


def _segments(definition: Definition) -> dict[str, rules.Rule]:
    """Every segment that decides who comes in or which way they go, through all that they lead to."""
    found: dict[str, rules.Rule] = {}
    parts: list[rules.Rule] = []
    if definition.trigger.kind is TriggerKind.SEGMENT and definition.trigger.segment:
        parts.append(rules.Group("all", (SegmentCondition(definition.trigger.segment),)))
    for place in walk(definition):
        if rule := place.step.rule:
            try:
                parts.append(segments.parse(rule))
            except rules.RuleError:
                continue  # the check of the draft says so, and keeps it from being activated
    for part in parts:
        found.update(segments.names_for(part).segments)
    return found
