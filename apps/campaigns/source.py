"""What delivery asks at the moment of sending: still approved? does the opened record still fit? what to merge?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.campaigns import selectors
from apps.campaigns.audience import Audience, audience_of
from apps.campaigns.models import Campaign, State
from apps.contacts.person import search_values
from apps.contacts.person import selectors as contacts
from apps.contacts.person.records import PersonRecord
from apps.content import selectors as content
from apps.content.facts import person_facts
from apps.core import actors
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery.policy.routing import Held, Refusal
from apps.delivery.send.sources import Claimed, Draft
from apps.organizations import selectors as organizations
from apps.tracking import links
from apps.tracking.services import targets_for

SENDER = actors.system("campaigns")


@dataclass(frozen=True, repr=False)
class Ready:
    """A campaign as one claim needs it, read once."""

    id: int
    purpose: Purpose
    level: Level
    audience: Audience
    skeleton_id: int
    targets: Mapping[str, int]
    needs_visits: bool
    needs_results: bool


class CampaignSource:
    """Answers for messages of kind "campaign"."""

    def drafts(
        self, *, claimed: Sequence[Claimed], people: Mapping[int, PersonRecord], now: datetime
    ) -> Mapping[int, Draft | Refusal]:
        """For each claimed message its draft, or why it must not leave."""
        ready = {number: _ready(number) for number in {item.source_id for item in claimed if item.source_id}}
        visits = {
            item.person_id: people[item.person_id]
            for item in claimed
            if item.person_id is not None and (found := ready.get(item.source_id or 0)) and found.needs_visits
        }
        if visits:
            contacts.load_appointments(visits)
        measured = {
            item.person_id: people[item.person_id]
            for item in claimed
            if item.person_id is not None and (found := ready.get(item.source_id or 0)) and found.needs_results
        }
        if measured:
            contacts.load_results(measured)
        guardians = contacts.guardian_mailboxes(people)
        zone = organizations.current().zone
        portal = selectors.portal_url()
        answers: dict[int, Draft | Refusal] = {}
        for item in claimed:
            campaign = ready.get(item.source_id or 0)
            if campaign is None or item.person_id is None:
                answers[item.id] = Refusal(Held.STOPPED, "The campaign is not approved any more.")
                continue
            answers[item.id] = _draft(campaign, item, people[item.person_id], now, zone, portal, guardians)
        return answers


def _ready(campaign_id: int) -> Ready | None:
    """None unless the campaign may send now: approved, begun, not stopped, and its segments are still there."""
    row = Campaign.objects.filter(pk=campaign_id, state__in=(State.SENDING, State.PAUSED)).first()
    if row is None or row.skeleton_id is None or row.approved_at is None:
        return None
    try:
        audience = audience_of(selectors.opened(row).stored)
    except Refused:
        return None
    compiled = content.skeleton(row.skeleton_id)
    return Ready(
        id=row.pk,
        purpose=Purpose(row.purpose),
        level=Level(row.level),
        audience=audience,
        skeleton_id=row.skeleton_id,
        targets=targets_for(actor=SENDER, urls=selectors.trackable(compiled)),
        needs_visits=any(path[0] in ("appointment", "appointments") for path, _ in compiled.fields()),
        needs_results=content.merges_results(compiled),
    )


def _draft(
    campaign: Ready,
    item: Claimed,
    person: PersonRecord,
    now: datetime,
    zone: str,
    portal: str,
    guardians: Mapping[int, bytes],
) -> Draft | Refusal:
    if campaign.audience.misses(person, now):
        return Refusal(Held.RULE_MISMATCH, "The opened record does not match the segment's rule.")
    if campaign.purpose is Purpose.B2B and person.relation != "b2b":
        return Refusal(Held.NO_CONSENT, "Business mail goes to business contacts only.")

    def link(number: int, target: str) -> str:
        known = campaign.targets.get(target)
        if known is None:
            return target
        return links.click_url(message=item.id, person=person.id, target=known, sent=now, campaign=campaign.id)

    skeleton_id, compiled = content.skeleton_for(campaign.skeleton_id, person.language)
    # Always there: a treatment message offers it too (to stop reminders), and a template may print it.
    mailbox = search_values.mailbox(person.email) if person.email else guardians.get(person.id)
    unsubscribe = None
    if mailbox is not None:
        unsubscribe = links.unsubscribe_url(
            mailbox=mailbox,
            person=person.id,
            message=item.id,
            language=compiled.language,
            campaign=campaign.id,
        )
    return Draft(
        compiled=compiled,
        facts=person_facts(person.profile, appointments=person.appointments or (), results=person.results, now=now),
        level=campaign.level,
        skeleton_id=skeleton_id,
        zone=zone,
        list_unsubscribe_url=unsubscribe,
        portal_url=portal,
        link=link,
        groups=(f"campaign:{campaign.id}",),
    )
