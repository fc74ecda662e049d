"""Preparing a campaign: save, submit, approve, reject. An approval holds for exactly what was submitted."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.audit import selectors as trail
from apps.audit.actions import Action
from apps.audit.services import record
from apps.campaigns import selectors
from apps.campaigns import spec as specs
from apps.campaigns.audience import Audience, audience_of
from apps.campaigns.models import CHANGEABLE, WITH_APPROVAL, Campaign, CampaignReview, CampaignSegment, State
from apps.campaigns.selectors import REVIEW_TABLE, TABLE, Opened, name_token
from apps.campaigns.spec import Spec
from apps.content import authors as content_authors
from apps.content import lint
from apps.content import selectors as content
from apps.content import services as content_services
from apps.content.compiling import compile_message
from apps.content.models import Brand
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.core.permissions import Permission, allows
from apps.segments import authors as segment_authors
from apps.segments import services as segment_services
from apps.tracking.services import targets_for
from apps.vault import sealing
from apps.vault.tokens import token128

Decision = CampaignReview.Decision


class NotComplete(Refused):
    """The campaign cannot go to review; ``problems`` are (step, sentence)."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        self.problems = problems
        super().__init__(" ".join(sentence for _, sentence in problems))


class WouldVoid(Refused):
    """Saving this change would void what was approved or asked for; nothing was saved."""

    def __init__(self) -> None:
        super().__init__("This change would void the approval. Nothing was saved yet.")


@transaction.atomic
def campaign_save(
    *,
    actor: Actor,
    name: str,
    spec: object,
    campaign_id: int | None = None,
    version: int | None = None,
    keep_approval: bool = False,
    copy_of: int | None = None,
) -> Campaign:
    """Create a campaign, or change one that has not started. A change voids a review or an approval.

    ``spec`` is the JSON of ``campaigns.spec``; ``version`` the one the editor started from. Choosing a template
    freezes its present draft as a version. Saving what is there already voids nothing. ``keep_approval``: raise
    WouldVoid instead of voiding, and leave the text that was approved even when the template has a newer one.
    ``copy_of`` is the campaign a new one was made from. Raises Refused with a sentence.
    """
    name = " ".join(name.split())
    if not name or len(name) > specs.LONGEST_NAME:
        raise Refused(f"Give the campaign a name of at most {specs.LONGEST_NAME} characters.")
    wanted = specs.parse(spec)
    token = name_token(name)
    if Campaign.objects.filter(name_token=token).exclude(pk=campaign_id or 0).exists():
        raise Refused("Another campaign has this name. Choose a different one.")
    now = clock.now()
    if campaign_id is None:
        campaign = Campaign(id=next_ids(TABLE, 1)[0], owner=str(actor), created_at=now, version=0, state=State.DRAFT)
    else:
        campaign = _locked(campaign_id)
        if version is not None and version != campaign.version:
            raise Refused("Somebody else changed this campaign meanwhile. Open it anew to see their version.")
        if campaign.state not in CHANGEABLE:
            raise Refused(_WHY_NOT[State(campaign.state)])
        if campaign.state in WITH_APPROVAL:
            before = selectors.opened(campaign)
            if (name, wanted) == (before.name, before.spec) and (keep_approval or not selectors.newer_text(before)):
                return campaign
            if keep_approval:
                raise WouldVoid
        if campaign.state != State.DRAFT:
            _void(actor, campaign)
    audience = audience_of(wanted) if wanted.segment or wanted.everybody else None
    campaign.template_version = _template_version(actor, wanted)
    if wanted.brand:
        selectors.brand_named(wanted.brand)
    campaign.name_token, campaign.purpose = token, wanted.purpose
    campaign.level = _level(audience, campaign.template_version)
    campaign.version += 1
    campaign.changed_by, campaign.changed_at = str(actor), now
    campaign.sealed = sealing.seal_service(
        {"name": name, "spec": wanted.as_json()}, table=TABLE, row=campaign.pk, version=campaign.version
    )
    campaign.save(force_insert=campaign_id is None)
    CampaignSegment.objects.filter(campaign=campaign).delete()
    if audience is not None:
        rows = [(audience.included, False)] if audience.included is not None else []
        rows += [(number, True) for number in audience.excluded]
        CampaignSegment.objects.bulk_create(
            CampaignSegment(campaign=campaign, segment_id=number, excluded=out) for number, out in rows
        )
    codes = {"version": campaign.version, "purpose": wanted.purpose, "level": int(campaign.level)}
    if copy_of is not None:
        codes["copy_of"] = copy_of
    action = Action.CAMPAIGN_CREATE if campaign_id is None else Action.CAMPAIGN_CHANGE
    record(actor=actor, action=action, kind="campaign", subject=campaign.pk, codes=codes)
    return campaign


_WHY_NOT = {
    State.SCHEDULED: "This campaign is scheduled. Cancel the schedule first, then change it.",
    State.SENDING: "This campaign is being sent, so it cannot be changed. Make a copy instead.",
    State.PAUSED: "This campaign was sent in part, so it cannot be changed. Make a copy instead.",
    State.DONE: "This campaign was sent, so it cannot be changed. Make a copy instead.",
    State.CANCELLED: "This campaign was canceled. Make a copy instead.",
}


@transaction.atomic
def campaign_submit(*, actor: Actor, campaign_id: int, planned: int | None = None) -> Campaign:
    """Ask for approval of exactly this content and audience. ``planned`` is the number of people of the plan.

    Raises NotComplete with everything that stands in the way.
    """
    campaign = _locked(campaign_id)
    if campaign.state not in (State.DRAFT, State.REJECTED):
        raise Refused("This campaign waits for approval already, or has passed it.")
    opened = selectors.opened(campaign)
    if problems := problems_of(opened):
        raise NotComplete(problems)
    campaign.skeleton_id = _skeleton(actor, opened)
    campaign.approval = approval_hash(opened, campaign.skeleton_id)
    campaign.state = State.IN_REVIEW
    campaign.save(update_fields=["skeleton_id", "approval", "state"])
    _review(actor, campaign, Decision.SUBMITTED, audience=planned)
    record(actor=actor, action=Action.CAMPAIGN_SUBMIT, kind="campaign", subject=campaign.pk)
    return campaign


def campaign_approve(*, actor: Actor, campaign_id: int, comment: str = "", looked_at: int | None = None) -> Campaign:
    """Approve exactly what was submitted, as somebody who wrote none of it (``why_not``).

    ``looked_at`` is the submission that was read (id of its row): a later one is not approved unread. Raises Refused;
    Changed voids the submission.
    """
    try:
        with transaction.atomic():
            campaign = _locked(campaign_id)
            _may_decide(actor, campaign, looked_at)
            opened = selectors.opened(campaign)
            if not has_moved(opened):
                segment_services.segments_approve(ids=campaign.segments.values_list("segment_id", flat=True))
                version = selectors.template_version(campaign.template_version)
                content_services.words_approve(version=version, brand=selectors.brand_of(opened))
            # Looked at again: the parts cannot move any more, and what moved is not noted as approved.
            if has_moved(opened):
                raise Changed
            campaign.state = State.APPROVED
            campaign.approved_by, campaign.approved_at = str(actor), clock.now()
            campaign.save(update_fields=["state", "approved_by", "approved_at"])
            _review(actor, campaign, Decision.APPROVED, comment=comment)
            record(actor=actor, action=Action.CAMPAIGN_APPROVE, kind="campaign", subject=campaign.pk)
            return campaign
    except Changed:
        void_moved(actor, campaign_id)
        raise


@transaction.atomic
def void_moved(actor: Actor, campaign_id: int) -> None:
    """Make a draft of a campaign whose content is not what was asked for or approved any more.

    For whoever met ``Changed``, after the transaction that it undid. Somebody may have been faster: what was
    submitted or approved anew meanwhile, or is sent by now, stays as it is.
    """
    campaign = _locked(campaign_id)
    if campaign.state in (*WITH_APPROVAL, State.SCHEDULED) and has_moved(selectors.opened(campaign)):
        _void(actor, campaign, str(Changed()))
        campaign.save()
        record(actor=actor, action=Action.CAMPAIGN_WITHDRAW, kind="campaign", subject=campaign.pk, codes={"void": 1})


class Changed(Refused):
    """What was submitted is not what is there now: a segment, the template or the brand changed."""

    def __init__(self) -> None:
        super().__init__(
            "A segment, the sender or its brand changed since this was submitted. Look at the plan and submit it again."
        )


@transaction.atomic
def campaign_reject(*, actor: Actor, campaign_id: int, comment: str, looked_at: int | None = None) -> Campaign:
    """Send it back with a comment that says what to change; see ``campaign_approve``."""
    if not comment.strip():
        raise Refused("Say what has to change, so that the author can do it.")
    campaign = _locked(campaign_id)
    _may_decide(actor, campaign, looked_at)
    campaign.state, campaign.approval = State.REJECTED, None
    campaign.save(update_fields=["state", "approval"])
    _review(actor, campaign, Decision.REJECTED, comment=comment.strip()[:2000])
    record(actor=actor, action=Action.CAMPAIGN_REJECT, kind="campaign", subject=campaign.pk)
    return campaign


@transaction.atomic
def campaign_withdraw(*, actor: Actor, campaign_id: int) -> Campaign:
    """Take back what was asked for or approved, so that it is a draft again; its history says so."""
    campaign = _locked(campaign_id)
    if campaign.state not in WITH_APPROVAL:
        raise Refused("There is no approval to take back: this campaign is a draft, or it is scheduled or has begun.")
    _void(actor, campaign)
    campaign.save()
    # An act of its own: who takes an approval back wrote nothing, and may decide about it again.
    record(actor=actor, action=Action.CAMPAIGN_WITHDRAW, kind="campaign", subject=campaign.pk, codes={"void": 1})
    return campaign


@transaction.atomic
def campaign_duplicate(*, actor: Actor, campaign_id: int) -> Campaign:
    """A draft with the same content under the next free name."""
    opened = selectors.opened(_locked(campaign_id))
    for number in range(1, 100):
        suffix = " (copy)" if number == 1 else f" (copy {number})"
        name = opened.name[: specs.LONGEST_NAME - len(suffix)] + suffix
        if not Campaign.objects.filter(name_token=name_token(name)).exists():
            return campaign_save(actor=actor, name=name, spec=opened.spec.as_json(), copy_of=campaign_id)
    raise Refused("There are a hundred copies of this campaign already. Rename or delete some.")


@transaction.atomic
def campaign_delete(*, actor: Actor, campaign_id: int) -> None:
    """Delete a campaign from which nothing was ever sent."""
    campaign = _locked(campaign_id)
    if campaign.started_at is not None or campaign.state == State.SCHEDULED:
        raise Refused("This campaign has begun or is scheduled, so its record is kept. Cancel it instead.")
    record(actor=actor, action=Action.CAMPAIGN_DELETE, kind="campaign", subject=campaign.pk)
    campaign.delete()


# -- What is approved ------------------------------------------------------------------------------------------


def approval_hash(opened: Opened, skeleton_id: int | None) -> bytes:
    """The keyed hash of content and audience: rules to the last nested one, the compiled message, the purpose."""
    spec = opened.spec
    brand = selectors.brand_of(opened)
    content_part: dict[str, Any] = {
        "template": opened.row.template_version,
        "skeleton": skeleton_id,
        "brand": [brand.pk, brand.version] if brand is not None else _default_brand(),
    }
    why = {
        "purpose": spec.purpose,
        "remuneration": spec.remuneration,
        "drug": spec.drug,
        "cost_statement": spec.cost_statement,
    }
    whole = {"audience": audience_of(spec).fingerprint(), "content": content_part, "why": why, "campaign": opened.id}
    canonical = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    return token128("campaign.approval", hashlib.sha256(canonical.encode()).hexdigest())


def has_moved(opened: Opened) -> bool:
    """Whether a segment, the template's choice or the brand is another than what was submitted."""
    try:
        return approval_hash(opened, opened.row.skeleton_id) != bytes(opened.row.approval or b"")
    except Refused:  # a segment or the sender is gone
        return True


def problems_of(opened: Opened) -> list[tuple[str, str]]:
    """Everything that stands in the way of asking for approval, as (step, sentence)."""
    problems = specs.missing(opened.spec)
    version = selectors.template_version(opened.row.template_version)
    if version is not None and opened.spec.purpose:
        brand = selectors.brand_of(opened)
        findings = lint.check(version.design, content.brand_facts(brand), purpose=opened.spec.purpose)
        problems += [("message", finding.message) for finding in findings if finding.error]
    return problems


def _default_brand() -> list[int] | None:
    brand = Brand.objects.filter(is_default=True).values_list("pk", "version").first()
    return list(brand) if brand is not None else None


def _template_version(actor: Actor, wanted: Spec) -> int | None:
    if not wanted.template:
        return None
    template = content.template_named(wanted.template)
    if template is None:
        raise Refused(f"There is no template “{wanted.template}”. Choose one of the list.")
    return content_services.template_publish(actor=actor, template_id=template.pk).pk


def _level(audience: Audience | None, version: int | None) -> Level:
    """The highest of what the audience reveals and what the author declared; patients add theirs in the plan."""
    found = selectors.template_version(version)
    return Level(max(audience.level if audience else Level.PUBLIC, found.level if found else Level.PUBLIC))


def _skeleton(actor: Actor, opened: Opened) -> int:
    version = selectors.template_version(opened.row.template_version)
    if version is None:
        raise Refused("The template is not there any more. Choose another.")
    brand = selectors.brand_of(opened)
    compiled = compile_message(version.design, content.brand_facts(brand))
    targets_for(actor=actor, urls=selectors.trackable(compiled))
    return content_services.skeleton_store(actor=actor, compiled=compiled).pk


# -- Helpers ---------------------------------------------------------------------------------------------------


def _locked(campaign_id: int) -> Campaign:
    campaign = Campaign.objects.select_for_update().filter(pk=campaign_id).first()
    if campaign is None:
        raise Refused("This campaign no longer exists.")
    return campaign


def _void(actor: Actor, campaign: Campaign, why: str = "") -> None:
    """Back to a draft; what was approved or asked for does not hold any more. ``why`` is for the author to read."""
    if campaign.state in (State.IN_REVIEW, State.APPROVED, State.SCHEDULED):
        _review(actor, campaign, Decision.VOIDED, comment=why)
    campaign.state = State.DRAFT
    campaign.approval, campaign.approved_by, campaign.approved_at = None, "", None
    campaign.skeleton_id, campaign.send_at = None, None


def _may_decide(actor: Actor, campaign: Campaign, looked_at: int | None) -> None:
    if campaign.state != State.IN_REVIEW:
        raise Refused("This campaign does not wait for approval.")
    if looked_at is not None and selectors.submission(campaign) != looked_at:
        raise Refused("It was changed and submitted again while you looked at it. Read what is there now.")
    if actor.kind != "staff" or not allows(actor.role, Permission.CAMPAIGN_APPROVE):
        raise Refused("Only a reviewer or an administrator who is signed in by name may decide.")
    if why := why_not(actor, campaign):
        raise Refused(why)


def why_not(actor: Actor, campaign: Campaign) -> str:
    """Why this person must leave the decision to somebody else, or "".

    They prepared it, or edited its text, its sender or a segment that chooses who gets it since somebody approved that.
    """
    if prepared_by(actor, campaign):
        return "You prepared this campaign, so somebody else has to decide about it."
    try:
        brand = selectors.brand_of(selectors.opened(campaign))
    except Refused:  # the sender is gone, so nobody approves it
        brand = None
    return content_authors.why_not(
        actor, selectors.template_version(campaign.template_version), brand
    ) or segment_authors.why_not(actor, campaign.segments.values_list("segment_id", flat=True))


def prepared_by(actor: Actor, campaign: Campaign) -> bool:
    """Whether ``actor`` made, changed or submitted it at any time.

    A colleague's last small change does not make somebody a stranger to their own work.
    """
    submitted = campaign.reviews.filter(decision=Decision.SUBMITTED).order_by("-pk").first()
    if str(actor) in (campaign.owner, campaign.changed_by, submitted.actor if submitted else ""):
        return True
    return trail.acted(actor=actor, actions=_PREPARING, kind="campaign", subject=campaign.pk)


_PREPARING = (Action.CAMPAIGN_CREATE, Action.CAMPAIGN_CHANGE, Action.CAMPAIGN_SUBMIT)


def _review(actor: Actor, campaign: Campaign, decision: str, *, comment: str = "", audience: int | None = None) -> None:
    number = next_ids(REVIEW_TABLE, 1)[0]
    sealed = None
    if comment:
        sealed = sealing.seal_service({"comment": comment}, table=REVIEW_TABLE, row=number)
    CampaignReview.objects.create(
        id=number,
        campaign=campaign,
        at=clock.now(),
        actor=str(actor),
        decision=decision,
        approval=campaign.approval,
        audience=audience,
        sealed=sealed,
    )


def ensure_time(at: datetime, now: datetime) -> None:
    """Raise Refused unless ``at`` lies ahead, but not years ahead."""
    if at <= now:
        raise Refused("Choose a time that is still to come, or send now.")
    if (at - now).days > 366:
        raise Refused("Choose a time within the next year.")


def lock_feeding(campaign_id: int) -> bool:
    """One feeder at a time for each campaign; the lock ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [0x63616D70, campaign_id % 2**31])
        return bool(cursor.fetchone()[0])
