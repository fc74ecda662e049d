"""Preparing a campaign: save, submit, approve, reject. An approval holds for exactly what was submitted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.approvals import selectors as approvals
from apps.approvals import services as approval_services
from apps.approvals import two_people
from apps.approvals.fingerprints import fingerprint, is_same
from apps.approvals.models import ApprovalEntry
from apps.approvals.two_people import Part
from apps.audit.actions import Action
from apps.audit.services import record
from apps.campaigns import naming, selectors
from apps.campaigns import spec as specs
from apps.campaigns.audience import Audience, audience_of
from apps.campaigns.models import CHANGEABLE, WITH_APPROVAL, Campaign, CampaignSegment, State
from apps.campaigns.selectors import KIND, TABLE, Opened, name_token
from apps.campaigns.spec import Spec
from apps.content import authors as content_authors
from apps.content import lint
from apps.content import selectors as content
from apps.content import services as content_services
from apps.content.compiling import compile_message
from apps.content.models import Brand, Template
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.core.permissions import Permission
from apps.references import selectors as who_uses
from apps.references import services as references
from apps.references.models import Noun
from apps.segments import authors as segment_authors
from apps.segments import services as segment_services
from apps.tracking.services import targets_for
from apps.vault import sealing

Decision = ApprovalEntry.Decision


class NotComplete(Refused):
    """The campaign cannot go to review; ``problems`` are (step, sentence)."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        self.problems = problems
        super().__init__("campaign.incomplete", " ".join(sentence for _, sentence in problems))


class WouldVoid(Refused):
    """Saving this change would void what was approved or asked for; nothing was saved."""

    def __init__(self) -> None:
        super().__init__("campaign.would_void", "This change would void the approval. Nothing was saved yet.")


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
        raise Refused("campaign.name_length", f"Give the campaign a name of at most {specs.LONGEST_NAME} characters.")
    wanted = naming.with_ids(specs.parse(spec))
    token = name_token(name)
    if Campaign.objects.filter(name_token=token).exclude(pk=campaign_id or 0).exists():
        raise Refused("campaign.name_taken", "Another campaign has this name. Choose a different one.")
    now = clock.now()
    if campaign_id is None:
        campaign = Campaign(id=next_ids(TABLE, 1)[0], owner=str(actor), created_at=now, version=0, state=State.DRAFT)
    else:
        campaign = locked(campaign_id)
        if version is not None and version != campaign.version:
            raise Refused(
                "campaign.changed", "Somebody else changed this campaign meanwhile. Open it anew to see their version."
            )
        if campaign.state not in CHANGEABLE:
            raise Refused("campaign.not_changeable", _WHY_NOT[State(campaign.state)])
        if campaign.state in WITH_APPROVAL:
            before = selectors.opened(campaign)
            if (name, wanted) == (before.name, before.stored) and (keep_approval or not selectors.newer_text(before)):
                return campaign
            if keep_approval:
                raise WouldVoid
        if campaign.state != State.DRAFT:
            void(actor, campaign)
    audience = audience_of(wanted) if wanted.segment or wanted.everybody else None
    campaign.template_version = _template_version(actor, wanted)
    if wanted.brand:
        selectors.brand_chosen(wanted)
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
    references.references_write(user_kind=Noun.CAMPAIGN, user_id=campaign.pk, uses=naming.uses(wanted))
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
    campaign = locked(campaign_id)
    if campaign.state not in (State.DRAFT, State.REJECTED):
        raise Refused("approval.asked_already", "This campaign waits for approval already, or has passed it.")
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
            campaign = locked(campaign_id)
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
    campaign = locked(campaign_id)
    if campaign.state in (*WITH_APPROVAL, State.SCHEDULED) and has_moved(selectors.opened(campaign)):
        void(actor, campaign, str(Changed()))
        campaign.save()
        record(actor=actor, action=Action.CAMPAIGN_WITHDRAW, kind="campaign", subject=campaign.pk, codes={"void": 1})


class Changed(Refused):
    """What was submitted is not what is there now: a segment, the template or the brand changed."""

    def __init__(self) -> None:
        super().__init__(
            "approval.outdated",
            "A segment, the sender or its brand changed since this was submitted. "
            "Look at the plan and submit it again.",
        )


@transaction.atomic
def campaign_reject(*, actor: Actor, campaign_id: int, comment: str, looked_at: int | None = None) -> Campaign:
    """Send it back with a comment that says what to change; see ``campaign_approve``."""
    approval_services.ensure_said(comment)
    campaign = locked(campaign_id)
    _may_decide(actor, campaign, looked_at)
    campaign.state, campaign.approval = State.REJECTED, None
    campaign.save(update_fields=["state", "approval"])
    _review(actor, campaign, Decision.REJECTED, comment=comment)
    record(actor=actor, action=Action.CAMPAIGN_REJECT, kind="campaign", subject=campaign.pk)
    return campaign


@transaction.atomic
def campaign_withdraw(*, actor: Actor, campaign_id: int) -> Campaign:
    """Take back what was asked for or approved, so that it is a draft again; its history says so."""
    campaign = locked(campaign_id)
    if campaign.state not in WITH_APPROVAL:
        raise Refused(
            "approval.none",
            "There is no approval to take back: this campaign is a draft, or it is scheduled or has begun.",
        )
    void(actor, campaign)
    campaign.save()
    # An act of its own: who takes an approval back wrote nothing, and may decide about it again.
    record(actor=actor, action=Action.CAMPAIGN_WITHDRAW, kind="campaign", subject=campaign.pk, codes={"void": 1})
    return campaign


@transaction.atomic
def campaign_duplicate(*, actor: Actor, campaign_id: int) -> Campaign:
    """A draft with the same content under the next free name."""
    opened = selectors.opened(locked(campaign_id))
    for number in range(1, 100):
        suffix = " (copy)" if number == 1 else f" (copy {number})"
        name = opened.name[: specs.LONGEST_NAME - len(suffix)] + suffix
        if not Campaign.objects.filter(name_token=name_token(name)).exists():
            return campaign_save(actor=actor, name=name, spec=opened.stored.as_json(), copy_of=campaign_id)
    raise Refused(
        "campaign.too_many_copies", "There are a hundred copies of this campaign already. Rename or delete some."
    )


@transaction.atomic
def campaign_delete(*, actor: Actor, campaign_id: int) -> None:
    """Delete a campaign from which nothing was ever sent and that nobody asks about. Raises Refused otherwise."""
    campaign = locked(campaign_id)
    if campaign.started_at is not None or campaign.state == State.SCHEDULED:
        raise Refused(
            "campaign.kept", "This campaign has begun or is scheduled, so its record is kept. Cancel it instead."
        )
    if used := who_uses.used_by(Noun.CAMPAIGN, campaign.pk):
        raise Refused(
            "campaign.in_use",
            f"{used[0].kind} “{used[0].name}” asks about this campaign. Take it out there first, then delete it.",
        )
    record(actor=actor, action=Action.CAMPAIGN_DELETE, kind="campaign", subject=campaign.pk)
    approval_services.entries_delete(kind=KIND, subject=campaign.pk)
    references.references_delete(kind=Noun.CAMPAIGN, ids=[campaign.pk])
    campaign.delete()


# -- What is approved ------------------------------------------------------------------------------------------


def approval_hash(opened: Opened, skeleton_id: int | None) -> bytes:
    """The keyed hash of content and audience: rules to the last nested one, the compiled message, the purpose."""
    spec = opened.stored
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
    return fingerprint(KIND, whole)


def has_moved(opened: Opened) -> bool:
    """Whether a segment, the template's choice or the brand is another than what was submitted."""
    try:
        return not is_same(opened.row.approval, approval_hash(opened, opened.row.skeleton_id))
    except Refused:  # a segment or the sender is gone
        return True


def problems_of(opened: Opened) -> list[tuple[str, str]]:
    """Everything that stands in the way of asking for approval, as (step, sentence)."""
    problems = specs.missing(opened.stored)
    version = selectors.template_version(opened.row.template_version)
    if version is not None and opened.stored.purpose:
        brand = selectors.brand_of(opened)
        findings = lint.check(version.design, content.brand_facts(brand), purpose=opened.stored.purpose)
        problems += [("message", finding.message) for finding in findings if finding.error]
    return problems


def _default_brand() -> list[int] | None:
    brand = Brand.objects.filter(is_default=True).values_list("pk", "version").first()
    return list(brand) if brand is not None else None


def _template_version(actor: Actor, wanted: Spec) -> int | None:
    if not wanted.template:
        return None
    template = Template.objects.living().filter(pk=wanted.template).first()
    if template is None:
        raise Refused("template.unknown", f"There is no template “{wanted.template}”. Choose one of the list.")
    return content_services.template_publish(actor=actor, template_id=template.pk).pk


def _level(audience: Audience | None, version: int | None) -> Level:
    """The highest of what the audience reveals and what the author declared; patients add theirs in the plan."""
    found = selectors.template_version(version)
    return Level(max(audience.level if audience else Level.PUBLIC, found.level if found else Level.PUBLIC))


def _skeleton(actor: Actor, opened: Opened) -> int:
    version = selectors.template_version(opened.row.template_version)
    if version is None:
        raise Refused("template.unknown", "The template is not there any more. Choose another.")
    brand = selectors.brand_of(opened)
    compiled = compile_message(version.design, content.brand_facts(brand), listed=True)
    targets_for(actor=actor, urls=selectors.trackable(compiled))
    return content_services.skeleton_store(actor=actor, compiled=compiled).pk


# -- Helpers ---------------------------------------------------------------------------------------------------


def locked(campaign_id: int) -> Campaign:
    """The campaign, locked until the transaction ends. Raises Refused when it is gone."""
    campaign = Campaign.objects.select_for_update().filter(pk=campaign_id).first()
    if campaign is None:
        raise Refused("campaign.unknown", "This campaign no longer exists.")
    return campaign


def void(actor: Actor, campaign: Campaign, why: str = "") -> None:
    """Back to a draft; what was approved or asked for does not hold any more. ``why`` is for the author to read."""
    if campaign.state in (State.IN_REVIEW, State.APPROVED, State.SCHEDULED):
        _review(actor, campaign, Decision.VOIDED, comment=why)
    campaign.state = State.DRAFT
    campaign.approval, campaign.approved_by, campaign.approved_at = None, "", None
    campaign.skeleton_id, campaign.send_at = None, None


def _may_decide(actor: Actor, campaign: Campaign, looked_at: int | None) -> None:
    if campaign.state != State.IN_REVIEW:
        raise Refused("approval.not_asked", "This campaign does not wait for approval.")
    approval_services.ensure_read(kind=KIND, subject=campaign.pk, looked_at=looked_at)
    two_people.ensure_may_decide(actor, Permission.CAMPAIGN_APPROVE)
    if why := why_not(actor, campaign):
        raise Refused("approval.own_work", why)


def why_not(actor: Actor, campaign: Campaign) -> str:
    """Why this person must leave the decision to somebody else, or "".

    They prepared it, or edited its text, its sender or a segment that chooses who gets it since somebody approved that.
    """
    submitted = approvals.entries(KIND, campaign.pk).filter(decision=Decision.SUBMITTED).first()
    if str(actor) in (campaign.owner, campaign.changed_by, submitted.actor if submitted else ""):
        return _PREPARED
    return two_people.why_not(actor, _parts(actor, campaign))


_PREPARED = "You prepared this campaign, so somebody else has to decide about it."
_PREPARING = (Action.CAMPAIGN_CREATE, Action.CAMPAIGN_CHANGE, Action.CAMPAIGN_SUBMIT)


def _parts(actor: Actor, campaign: Campaign) -> Iterator[Part]:
    # At any time: a colleague's last small change does not make somebody a stranger to their own work.
    yield Part(KIND, campaign.pk, _PREPARING, lambda: _PREPARED)
    try:
        brand = selectors.brand_of(selectors.opened(campaign))
    except Refused:  # the sender is gone, so nobody approves it
        brand = None
    yield from content_authors.parts(actor, selectors.template_version(campaign.template_version), brand)
    yield from segment_authors.parts(campaign.segments.values_list("segment_id", flat=True))


def _review(
    actor: Actor, campaign: Campaign, decision: Decision, *, comment: str = "", audience: int | None = None
) -> None:
    approval_services.entry_add(
        actor=actor,
        kind=KIND,
        subject=campaign.pk,
        decision=decision,
        fingerprint=campaign.approval,
        comment=comment,
        audience=audience,
    )


def ensure_time(at: datetime, now: datetime) -> None:
    """Raise Refused unless ``at`` lies ahead, but not years ahead."""
    if at <= now:
        raise Refused("campaign.time_past", "Choose a time that is still to come, or send now.")
    if (at - now).days > 366:
        raise Refused("campaign.time_too_far", "Choose a time within the next year.")


def lock_feeding(campaign_id: int) -> bool:
    """One feeder at a time for each campaign; the lock ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [0x63616D70, campaign_id % 2**31])
        return bool(cursor.fetchone()[0])
