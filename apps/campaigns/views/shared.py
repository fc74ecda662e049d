"""What the pages share: opening a campaign, the wizard's frame, masked people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest
from django.urls import reverse

from apps.audit.actions import Action
from apps.campaigns import plans, selectors, services
from apps.campaigns.models import CHANGEABLE
from apps.campaigns.selectors import Opened
from apps.contacts.person import selectors as contacts
from apps.contacts.person.masking import Eyes, age_words
from apps.core import clock
from apps.core.actors import actor_of
from apps.core.permissions import Permission, allows, role_of
from apps.core.purposes import Purpose
from apps.organizations import selectors as organizations

STEPS = (
    ("audience", "Audience"),
    ("message", "Message"),
    ("purpose", "Purpose"),
    ("plan", "Plan"),
    ("approval", "Approval"),
)


@dataclass(frozen=True, repr=False)
class Shown:
    """One person of a list, as far as the reader may see."""

    id: int
    name: str
    age: str


def campaign_or_404(campaign_id: int) -> Opened:
    """The opened campaign. Raises Http404."""
    found = selectors.by_id(campaign_id)
    if found is None:
        raise Http404
    return found


def frame(request: HttpRequest, campaign: Opened | None, step: str) -> dict[str, Any]:
    """What every page of the wizard needs: steps, what was decided so far, who may do what."""
    number = [name for name, _ in STEPS].index(step) + 1
    steps: list[Any] = [label for _, label in STEPS]
    changeable = campaign is None or campaign.row.state in CHANGEABLE
    problems = (
        services.problems_of(campaign) if campaign is not None and campaign.state in ("draft", "rejected") else []
    )
    if campaign is not None:
        lacking = {name for name, _ in problems} | ({"plan"} if problems else set())
        steps = [(label, reverse(f"campaigns:{name}", args=[campaign.id]), name in lacking) for name, label in STEPS]
    role = role_of(request)
    return {
        "campaign": campaign,
        "steps": steps,
        "step": number,
        "decided": decided(campaign),
        "audience_note": audience_note(campaign),
        "may_edit": allows(role, Permission.CAMPAIGN_EDIT),
        "may_approve": allows(role, Permission.CAMPAIGN_APPROVE),
        "may_send": allows(role, Permission.CAMPAIGN_SEND),
        "changeable": changeable,
        "level": plans.list_levels([campaign])[0] if campaign is not None else None,
        "standing": selectors.standing(campaign.row) if campaign is not None else None,
        "newer_text": campaign is not None and changeable and selectors.newer_text(campaign),
        "problems": problems,
    }


def audience_note(campaign: Opened | None) -> str:
    """What the first figure of a plan counts: after leaving out, it is smaller than the segment's own number."""
    who = "Everybody on record" if campaign is not None and campaign.stored.everybody else "Everybody the segment finds"
    return f"{who}, without those left out." if campaign is not None and campaign.stored.exclude else f"{who}."


def decided(campaign: Opened | None) -> list[tuple[str, str]]:
    """What was chosen so far, as label and words."""
    if campaign is None:
        return []
    spec = campaign.spec
    who = "Everybody" if spec.everybody else str(spec.segment)
    if spec.exclude:
        who += f", without {', '.join(map(str, spec.exclude))}"
    return [
        ("Audience", who or "—"),
        ("Template", str(spec.template) or "—"),
        ("Sender", str(spec.brand) or "As in the template"),
        ("Purpose", Purpose(spec.purpose).word if spec.purpose else "—"),
        ("Paid for", _PAID.get(spec.remuneration, "—")),
    ]


_PAID = {"none": "No", "paid": "Yes", "refill_cost": "Cost of a refill reminder"}


def facts_of_list(name: str, total: int | None) -> list[str]:
    """What stands under the title of a list of people: of which campaign, and how many they are where that is known."""
    return [name] if not total else [name, f"{total:,} {'person' if total == 1 else 'people'}"]


def shown_people(request: HttpRequest, ids: list[int], purpose: str) -> list[Shown]:
    """Open and mask people for a list; on the trail before anything is shown."""
    found = contacts.open_followed(actor=actor_of(request), purpose=purpose, ids=ids, action=Action.CAMPAIGN_LIST)
    eyes = Eyes(role_of(request))
    today = clock.now().astimezone(organizations.current().timezone).date()
    shown = [
        Shown(record.id, eyes.name(record), age_words(record, record.age(today)))
        for number in ids
        if (record := found.get(number)) is not None
    ]
    gone = [Shown(number, "Erased person", "") for number in ids if number not in found]
    return shown + gone
