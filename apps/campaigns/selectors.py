"""Reading campaigns: opened names and specs, their message and sender, their reviews."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from apps.approvals import selectors as approvals
from apps.approvals.selectors import Review
from apps.campaigns import naming
from apps.campaigns import spec as specs
from apps.campaigns.models import WITH_APPROVAL, Campaign, State
from apps.campaigns.spec import Spec
from apps.content import blocks, variants
from apps.content import selectors as content
from apps.content.blocks import LANGUAGES
from apps.content.compiling import compile_message
from apps.content.models import Brand, TemplateVersion
from apps.core.errors import Refused
from apps.mail.compiled import CompiledMessage
from apps.references.models import Noun
from apps.references.owners import Shown
from apps.vault import sealing
from apps.vault.tokens import normalize, token128

TABLE = "campaigns_campaign"
KIND = "campaign"  # of what an approval is
LIVING = (State.DRAFT, State.IN_REVIEW, State.APPROVED, State.REJECTED, State.SCHEDULED, State.SENDING, State.PAUSED)


@dataclass(frozen=True, repr=False)
class Opened:
    """A campaign with its name and spec in clear; ``stored`` is the spec as it is stored, with ids."""

    id: int
    name: str
    stored: Spec
    row: Campaign

    @cached_property
    def spec(self) -> Spec:
        """The spec as people read and write it, with names; looked up when it is first asked for."""
        return naming.with_names(self.stored)

    @property
    def state(self) -> str:
        return self.row.state

    @property
    def level(self) -> int:
        return self.row.level

    @property
    def previews(self) -> list[tuple[str, str]]:
        """The languages to look at, name and code; one nameless pair for a message in one language."""
        codes = languages(self)
        return [(LANGUAGES.get(code, code), code) for code in codes] if len(codes) > 1 else [("", "")]


def name_token(name: str) -> bytes:
    """The keyed look-up of a campaign's name."""
    return token128("campaign.name", normalize(name))


def opened(campaign: Campaign) -> Opened:
    """Open one row."""
    data = sealing.open_service(campaign.sealed, table=TABLE, row=campaign.pk, version=campaign.version)
    return Opened(campaign.pk, str(data["name"]), specs.parse(data["spec"]), campaign)


def by_id(campaign_id: int) -> Opened | None:
    """The campaign, or None."""
    row = Campaign.objects.filter(pk=campaign_id).first()
    return opened(row) if row is not None else None


def by_name(name: str) -> Opened:
    """The campaign of that name. Raises Refused when there is none."""
    row = Campaign.objects.filter(name_token=name_token(name)).first()
    if row is None:
        raise Refused("campaign.unknown", "There is no campaign of that name.")
    return opened(row)


def everyone() -> list[Opened]:
    """All campaigns, the last changed first."""
    return [opened(row) for row in Campaign.objects.order_by("-changed_at", "-pk")]


def planned(ids: Iterable[int]) -> dict[int, int]:
    """How many people the plan had that was asked for or approved, by campaign, where that still holds."""
    holding = Campaign.objects.filter(pk__in=list(ids), state__in=(*WITH_APPROVAL, State.SCHEDULED))
    return approvals.planned(KIND, holding.values_list("pk", flat=True))


def ids_by_name(names: Collection[str]) -> dict[str, int]:
    """Ids of the campaigns of these names, by name as given; names that nothing has are left out. One query."""
    by_token: dict[bytes, list[str]] = {}
    for name in names:
        by_token.setdefault(name_token(name), []).append(name)
    rows = Campaign.objects.filter(name_token__in=by_token).values_list("name_token", "pk")
    return {name: pk for token, pk in rows for name in by_token[bytes(token)]}


def every_name() -> list[str]:
    """Names of all campaigns."""
    return [each.name for each in everyone()]


def names_by_id(ids: Iterable[int]) -> dict[int, str]:
    """Names of some campaigns, for lists of what they sent."""
    return {row.pk: opened(row).name for row in Campaign.objects.filter(pk__in=list(ids))}


def submission(campaign: Campaign) -> int:
    """Which submission or decision is the latest: the id of its row, 0 when there is none."""
    return approvals.submission(KIND, campaign.pk)


def reviews(campaign: Campaign) -> list[Review]:
    """The history of approvals, newest first."""
    return approvals.in_words(list(approvals.entries(KIND, campaign.pk)))


def voided(campaign: Campaign) -> Review | None:
    """Why a draft lost what it was asked for or approved with, when that was not its author's own change."""
    last = approvals.latest(KIND, campaign.pk) if campaign.state == State.DRAFT else None
    if last is None or last.decision != approvals.Decision.VOIDED or last.sealed is None:
        return None
    return approvals.in_words([last])[0]


def standing(campaign: Campaign) -> Review | None:
    """Who asked for or gave the approval that a change would void, and when; None when there is none."""
    last = approvals.latest(KIND, campaign.pk) if campaign.state in WITH_APPROVAL else None
    return approvals.in_words([last])[0] if last is not None else None


def names_of_users(ids: Collection[int], used: Noun) -> Mapping[int, Shown]:
    """What these campaigns are called, where they use something.

    Finished ones use their segments too: their report says whom they were for. A template only those that still need
    it as it is.
    """
    rows = Campaign.objects.filter(pk__in=ids)
    if used in (Noun.TEMPLATE, Noun.BRAND):
        rows = rows.filter(state__in=LIVING)
    return {row.pk: Shown(opened(row).name, reverse("campaigns:detail", args=[row.pk])) for row in rows}


def template_version(number: int | None) -> TemplateVersion | None:
    """The frozen version a campaign points at, or None."""
    if number is None:
        return None
    return TemplateVersion.objects.select_related("template__brand").filter(pk=number).first()


def newer_text(campaign: Opened) -> bool:
    """Whether the template was changed since this campaign took its text."""
    version = template_version(campaign.row.template_version)
    return version is not None and content.draft_words(version.template) != version.design


def older_translations(campaign: Opened) -> list[tuple[str, int]]:
    """Languages whose words are older than the main text of this campaign, and in how many places."""
    version = template_version(campaign.row.template_version)
    if version is None:
        return []
    design, draft = version.design, blocks.parse(content.draft_data(version.template))
    found = [(code, len(variants.older_still(design, draft, code))) for code in variants.ready(design)]
    return [(code, places) for code, places in found if places]


def brand_of(campaign: Opened) -> Brand | None:
    """Who the message comes from: the sender that was chosen, or the template's; None for the default one."""
    if campaign.stored.brand:
        return brand_chosen(campaign.stored)
    version = template_version(campaign.row.template_version)
    return version.template.brand if version is not None else None


def brand_chosen(spec: Spec) -> Brand:
    """The sender of a stored spec. Raises Refused when it is not there any more."""
    brand = Brand.objects.filter(pk=spec.brand).first() if isinstance(spec.brand, int) else None
    if brand is None:
        raise Refused("sender.unknown", f"There is no sender “{spec.brand}”. Choose one of the list.")
    return brand


def trackable(compiled: CompiledMessage) -> list[str]:
    """The links that are followed by way of our own address: absolute ones without a merge field."""
    return [
        link for link in compiled.all_links if link.lower().startswith(("http://", "https://")) and "{{" not in link
    ]


def compiled_draft(campaign: Opened) -> CompiledMessage:
    """The message as it stands, submitted or not. Raises Refused when no template was chosen."""
    if campaign.row.skeleton_id is not None:
        return content.skeleton(campaign.row.skeleton_id)
    version = template_version(campaign.row.template_version)
    if version is None:
        raise Refused("campaign.without_template", "Choose a template first.")
    return compile_message(version.design, content.brand_facts(brand_of(campaign)), listed=True)


def languages(campaign: Opened) -> tuple[str, ...]:
    """The languages the message is written in, the main one first; empty while there is no template."""
    try:
        return compiled_draft(campaign).languages
    except Refused:
        return ()


def portal_url() -> str:
    """The address of the portal's front door."""
    try:
        return settings.PUBLIC_URL + reverse("portal:home")
    except NoReverseMatch:
        return f"{settings.PUBLIC_URL}/portal/"
