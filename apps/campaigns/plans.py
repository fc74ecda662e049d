"""The plan of a campaign as it stands, and measuring the mail servers it meets for the first time."""

from __future__ import annotations

from apps.contacts import selectors as contacts
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery import selectors as delivery
from apps.delivery.services.measuring import measure

from . import planning
from .audience import Audience, audience_of
from .selectors import Opened, compiled_draft

SAMPLE = 200
ROUNDS = 3


def parts(campaign: Opened) -> tuple[Audience, Purpose, Level]:
    """Audience, purpose and floor of a campaign. Raises Refused while audience or purpose is missing."""
    if not campaign.spec.purpose:
        raise Refused("Choose the purpose first: the plan depends on it.")
    audience = audience_of(campaign.spec)
    floor = max(Level(campaign.row.level), audience.level)
    if campaign.spec.template:
        floor = max(floor, Level(compiled_draft(campaign).highest_level()))
    return audience, Purpose(campaign.spec.purpose), floor


def plan_of(*, actor: Actor, campaign: Opened) -> planning.Plan:
    """Draw the plan now."""
    audience, purpose, floor = parts(campaign)
    return planning.plan(actor=actor, audience=audience, purpose=purpose, floor=floor)


def people_of(
    *, actor: Actor, campaign: Opened, route: str = "", held: str = "", after: int = 0, size: int = 50
) -> list[int]:
    """Ids behind one number of the plan."""
    audience, purpose, floor = parts(campaign)
    return planning.people_of(
        actor=actor, audience=audience, purpose=purpose, floor=floor, route=route, held=held, after=after, size=size
    )


def measure_unknown(*, actor: Actor, campaign: Opened) -> int:
    """Measure mail servers of the audience that nobody measured yet; returns how many domains.

    Domains stand in the sealed address only, so a sample of the people concerned is opened (audited), a few
    rounds: audiences have thousands of people but few providers.
    """
    audience, purpose, _ = parts(campaign)
    measured = 0
    for _ in range(ROUNDS):
        ids = planning.unmeasured_people(actor=actor, audience=audience, purpose=purpose, size=SAMPLE)
        people = contacts.open_people(actor=actor, purpose="plan: mail servers", ids=ids, with_consents=False)
        domains = {delivery.domain_of(record.email) for record in people.values() if record.email} - {""}
        found = measure(actor=actor, domains=domains) if domains else {}
        if not any(tls is not None for tls in found.values()):
            break
        measured += len(found)
    return measured
