"""The plan of a campaign as it stands, and measuring the mail servers it meets for the first time."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from django.core.cache import cache

from apps.campaigns import planning
from apps.campaigns.audience import Audience, audience_of
from apps.campaigns.selectors import Opened, compiled_draft
from apps.campaigns.spec import Spec
from apps.contacts.person import selectors as contacts
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery import selectors as delivery
from apps.delivery.settings.measuring import measure
from apps.jobs import waking
from apps.segments import rules
from apps.vault.tokens import token128

SAMPLE = 200
ROUNDS = 3
MANY = 50_000  # people on record from which a plan is drawn in the background: it could take longer than two seconds
PATIENCE = 600  # seconds for which a page waits for a worker to draw a plan
DRAWN_FOR = 180  # seconds for which a plan of so many people is shown again
MEASURING_FOR = 180  # seconds after which a worker that fell silent counts as gone
MEASURED_FOR = 900  # seconds during which servers that did not answer are not asked again by themselves


def parts(campaign: Opened) -> tuple[Audience, Purpose, Level]:
    """Audience, purpose and floor of a campaign. Raises Refused while audience or purpose is missing."""
    if not campaign.stored.purpose:
        raise Refused("campaign.without_purpose", "Choose the purpose first: the plan depends on it.")
    audience = audience_of(campaign.stored)
    floor = max(Level(campaign.row.level), audience.level)
    if campaign.stored.template:
        floor = max(floor, Level(compiled_draft(campaign).highest_level()))
    return audience, Purpose(campaign.stored.purpose), floor


def list_levels(campaigns: Sequence[Opened]) -> list[Level]:
    """The level a list shows for each: that of the plan, as far as it can be told without drawing one.

    Whoever writes to patients writes health information, whatever the text says; B2B mail goes to nobody else.
    """
    reaches: dict[tuple[object, ...], bool] = {}

    def patients(spec: Spec) -> bool:
        key = (spec.everybody, spec.segment, tuple(spec.exclude))
        if key not in reaches:
            try:
                audience = audience_of(spec)
                reaches[key] = rules.may_reach_patients(audience.rule, audience.names)
            except Refused:  # no audience yet, or a segment that is gone: the row's level is all there is
                reaches[key] = False
        return reaches[key]

    return [
        max(Level(each.row.level), Level.HEALTH)
        if each.stored.purpose != Purpose.B2B and patients(each.stored)
        else Level(each.row.level)
        for each in campaigns
    ]


def plan_of(*, actor: Actor, campaign: Opened) -> planning.Plan:
    """Draw the plan now."""
    audience, purpose, floor = parts(campaign)
    return planning.plan(actor=actor, audience=audience, purpose=purpose, floor=floor)


def plan_at_hand(*, actor: Actor, campaign: Opened) -> planning.Plan | None:
    """The plan for a page: drawn at once, or None while a worker draws it because there are very many people.

    Such a plan is kept for a few minutes (numbers only) and shown with the time it is of; another rule, text,
    purpose or delivery policy is another plan. Without a broker it is drawn at once however long it takes.
    Raises Refused.
    """
    parts(campaign)
    if contacts.about_how_many() < MANY:
        return plan_of(actor=actor, campaign=campaign)
    key, shape = _plan_key(campaign.id), _shape(campaign)
    of, found = cache.get(key) or (shape, None)
    if of != shape:
        cache.delete(key)
        found = None
    if isinstance(found, dict):
        return planning.Plan.of_kept(found)
    if isinstance(found, list):
        cache.delete(key)
        code, sentence = found
        raise Refused(code, sentence)
    if found is None and cache.add(key, (shape, ""), PATIENCE) and not _wake_to_draw(campaign.id, actor):
        cache.delete(key)
        return plan_of(actor=actor, campaign=campaign)
    return None


def _wake_to_draw(campaign_id: int, actor: Actor) -> bool:
    # Not with the senders: they have no minutes to spare.
    return waking.wake_now("apps.campaigns.tasks.draw", campaign_id, *_asker(actor), expires=PATIENCE, queue="default")


def _asker(actor: Actor) -> tuple[int, ...]:
    """People are opened for a plan: the trail names the member of staff who asked for it, not the worker."""
    return (int(actor.id),) if actor.kind == "staff" else ()


def draw_in_background(*, actor: Actor, campaign: Opened) -> None:
    """What the worker does: draw the plan, and keep it (or the reason why there is none) for the page that waits."""
    key, shape = _plan_key(campaign.id), _shape(campaign)
    try:
        cache.set(key, (shape, plan_of(actor=actor, campaign=campaign).kept()), DRAWN_FOR)
    except Refused as refusal:
        cache.set(key, (shape, [refusal.code, str(refusal)]), DRAWN_FOR)
    except Exception:
        said = ["plan.not_drawn", "The plan could not be drawn. Load the page again to try once more."]
        cache.set(key, (shape, said), DRAWN_FOR)
        raise


def forget_plan(campaign_id: int) -> None:
    """Draw it anew the next time: something that the plan depends on was just measured."""
    cache.delete(_plan_key(campaign_id))


def _plan_key(campaign_id: int) -> str:
    return f"campaign-plan:{campaign_id}"


def _shape(campaign: Opened) -> str:
    """A plan is of one state of the campaign, of the segments it looks at, and of the policy that decides the ways."""
    rule = json.dumps(audience_of(campaign.stored).fingerprint(), sort_keys=True)
    return f"{campaign.row.version}:{token128('campaign.plan', f'{rule} {delivery.policy_table()!r}').hex()}"


def people_of(
    *, actor: Actor, campaign: Opened, route: str = "", held: str = "", after: int = 0, size: int = 50
) -> list[int]:
    """Ids behind one number of the plan."""
    audience, purpose, floor = parts(campaign)
    return planning.people_of(
        actor=actor, audience=audience, purpose=purpose, floor=floor, route=route, held=held, after=after, size=size
    )


def measuring(campaign_id: int) -> tuple[str, int] | None:
    """How the background measuring of a campaign's mail servers stands: ("running" or "done", domains); or None.

    Kept in the cache alone: when it is lost, the page simply measures again.
    """
    found = cache.get(_measuring_key(campaign_id))
    return (str(found[0]), int(found[1])) if found else None


def measure_begin(*, actor: Actor, campaign_id: int) -> bool:
    """Measure in the background, unless somebody does or just did; whether it is under way now."""
    if not cache.add(_measuring_key(campaign_id), ("running", 0), MEASURING_FOR):
        return measuring(campaign_id) is not None
    if not waking.wake_now("apps.campaigns.tasks.measure", campaign_id, *_asker(actor)):
        cache.delete(_measuring_key(campaign_id))
        return False
    return True


def measure_in_background(*, actor: Actor, campaign: Opened) -> None:
    """What the worker does: measure, and say after each round how many."""
    key = _measuring_key(campaign.id)
    try:
        found = measure_unknown(
            actor=actor, campaign=campaign, say=lambda number: cache.set(key, ("running", number), MEASURING_FOR)
        )
    except Refused:
        found = 0
    if found:
        forget_plan(campaign.id)
    cache.set(key, ("done", found), MEASURED_FOR)


def _measuring_key(campaign_id: int) -> str:
    return f"campaign-measuring:{campaign_id}"


def measure_unknown(*, actor: Actor, campaign: Opened, say: Callable[[int], None] | None = None) -> int:
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
        if say is not None:
            say(measured)
    return measured
