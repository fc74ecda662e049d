"""Reading campaigns: opened names and specs, the report, lists of the people behind a number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.urls import NoReverseMatch, reverse

from apps.audit import selectors as audit
from apps.audit.actions import Action
from apps.audit.services import record, record_read
from apps.contacts.person import selectors as contacts
from apps.content import selectors as content
from apps.content import usage
from apps.content.blocks import LANGUAGES
from apps.content.compiling import compile_message
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.mail.compiled import CompiledMessage
from apps.mail.tls import TlsClass
from apps.segments import usages
from apps.vault import sealing
from apps.vault.tokens import normalize, token128

from . import spec as specs
from .models import WITH_APPROVAL, Campaign, CampaignRecipient, CampaignReview, CampaignSegment, State
from .spec import Spec

TABLE = "campaigns_campaign"
REVIEW_TABLE = "campaigns_campaignreview"
LIVING = (State.DRAFT, State.IN_REVIEW, State.APPROVED, State.REJECTED, State.SCHEDULED, State.SENDING, State.PAUSED)


@dataclass(frozen=True, repr=False)
class Opened:
    """A campaign with its name and spec in clear."""

    id: int
    name: str
    spec: Spec
    row: Campaign

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


@dataclass(frozen=True, repr=False)
class Review:
    """One entry of the approval's history."""

    at: datetime
    who: str
    decision: str
    comment: str
    audience: int | None

    @property
    def title(self) -> str:
        """ "Approved by Rita Vargas"."""
        return f"{self.decision} by {self.who}" if self.who else self.decision


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
        raise Refused("There is no campaign of that name.")
    return opened(row)


def everyone() -> list[Opened]:
    """All campaigns, the last changed first."""
    return [opened(row) for row in Campaign.objects.order_by("-changed_at", "-pk")]


def planned(ids: Iterable[int]) -> dict[int, int]:
    """How many people the plan had that was asked for or approved, by campaign, where that still holds."""
    rows = CampaignReview.objects.filter(
        campaign__in=list(ids),
        campaign__state__in=(*WITH_APPROVAL, State.SCHEDULED),
        decision=CampaignReview.Decision.SUBMITTED,
        audience__isnull=False,
    )
    return {row.campaign_id: row.audience or 0 for row in rows.order_by("pk")}


def ids_by_name() -> dict[str, int]:
    """Ids of all campaigns by name, for conditions about engagement."""
    return {each.name: each.id for each in everyone()}


def names_by_id(ids: Iterable[int]) -> dict[int, str]:
    """Names of some campaigns, for lists of what they sent."""
    return {row.pk: opened(row).name for row in Campaign.objects.filter(pk__in=list(ids))}


def submission(campaign: Campaign) -> int:
    """Which submission or decision is the latest: the id of its row, 0 when there is none."""
    latest = CampaignReview.objects.filter(campaign=campaign).order_by("-pk").values_list("pk", flat=True).first()
    return latest or 0


def reviews(campaign: Campaign) -> list[Review]:
    """The history of approvals, newest first."""
    return _read(list(CampaignReview.objects.filter(campaign=campaign).order_by("-pk")))


def _read(rows: list[CampaignReview]) -> list[Review]:
    found = []
    names = audit.actors_in_words(row.actor for row in rows)
    for row in rows:
        comment = ""
        if row.sealed is not None:
            comment = sealing.open_service(row.sealed, table=REVIEW_TABLE, row=row.pk)["comment"]
        found.append(Review(row.at, names[row.actor], row.get_decision_display(), comment, row.audience))
    return found


def voided(campaign: Campaign) -> Review | None:
    """Why a draft lost what it was asked for or approved with, when that was not its author's own change."""
    last = _last_review(campaign) if campaign.state == State.DRAFT else None
    if last is None or last.decision != CampaignReview.Decision.VOIDED or last.sealed is None:
        return None
    return _read([last])[0]


def standing(campaign: Campaign) -> Review | None:
    """Who asked for or gave the approval that a change would void, and when; None when there is none."""
    last = _last_review(campaign) if campaign.state in WITH_APPROVAL else None
    return _read([last])[0] if last is not None else None


def _last_review(campaign: Campaign) -> CampaignReview | None:
    return CampaignReview.objects.filter(campaign=campaign).order_by("-pk").first()


def uses_of_segment(segment_id: int) -> Iterable[usages.Usage]:
    """Where campaigns use a segment. Finished ones too: their report says whom they were for."""
    for row in CampaignSegment.objects.filter(segment_id=segment_id).select_related("campaign"):
        yield usages.Usage("Campaign", opened(row.campaign).name, reverse("campaigns:detail", args=[row.campaign_id]))


def uses_of_template(template_id: int) -> Iterable[usage.Use]:
    """Campaigns that still need a template as it is."""
    versions = content_versions(template_id)
    for row in Campaign.objects.filter(template_version__in=versions, state__in=LIVING):
        yield usage.Use("Campaign", opened(row).name, reverse("campaigns:detail", args=[row.pk]))


def content_versions(template_id: int) -> list[int]:
    """Ids of all frozen versions of a template."""
    from apps.content.models import TemplateVersion

    return list(TemplateVersion.objects.filter(template_id=template_id).values_list("pk", flat=True))


def trackable(compiled: CompiledMessage) -> list[str]:
    """The links that are followed by way of our own address: absolute ones without a merge field."""
    return [
        link for link in compiled.all_links if link.lower().startswith(("http://", "https://")) and "{{" not in link
    ]


def compiled_draft(campaign: Opened) -> CompiledMessage:
    """The message as it stands, submitted or not. Raises Refused when no template was chosen."""
    from .services import brand_of, template_version

    if campaign.row.skeleton_id is not None:
        return content.skeleton(campaign.row.skeleton_id)
    version = template_version(campaign.row.template_version)
    if version is None:
        raise Refused("Choose a template first.")
    return compile_message(version.design, content.brand_facts(brand_of(campaign)))


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


# -- The report ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Report:
    """The numbers of a campaign; every one of them opens its list by the same name."""

    audience: int
    queued: int
    sent: int
    delivered: int
    bounced: int
    failed: int
    doubtful: int
    stopped: int
    waiting: int
    clicked: int
    read: int
    unsubscribed: int
    routes: dict[str, int]
    held: dict[str, int]
    failures: dict[str, int]
    secured: int
    languages: dict[str, int] = field(default_factory=dict)

    @property
    def lost(self) -> int:
        """What left or tried to, and did not arrive: the same states as on the pages of delivery."""
        return self.failed + self.bounced

    def as_json(self) -> dict[str, int]:
        """``queued, sent, failed, doubtful`` as the command prints them."""
        return {"queued": self.waiting, "sent": self.sent, "failed": self.failed, "doubtful": self.doubtful}


# Protected: sealed for the person, read in the portal, or over a connection that was verified. Policy lets health
# information leave over nothing less; what says little about anybody leaves over other connections too
# (`delivery.policy`), and then counts by what its connection was measured to be.
SECURED = (
    f"(route <> '' AND (route <> 'tls' OR level >= {int(Level.HEALTH)} "
    f"OR coalesce(tls_class, 0) >= {int(TlsClass.WEBPKI)}))"
)


def report(campaign: Campaign) -> Report:
    """Count everything that happened; five statements, whatever the size."""
    number = campaign.pk
    states: dict[str, int] = {}
    routes: dict[str, int] = {"tls": 0, "pgp": 0, "smime": 0, "portal": 0}
    held: dict[str, int] = {}
    failures: dict[str, int] = {}
    secured = 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT state, route, reason, {SECURED} AS secured, count(*) FROM delivery_outboxmessage "  # noqa: S608
            "WHERE kind = 'campaign' AND source_id = %s GROUP BY 1, 2, 3, 4",
            [number],
        )
        for state, route, reason, protected, count in cursor.fetchall():
            states[state] = states.get(state, 0) + count
            if state in ("sent", "bounced") and route:
                routes[route] = routes.get(route, 0) + count
                secured += count if protected else 0
            if state == "held":
                held[reason] = held.get(reason, 0) + count
            elif state in ("failed", "bounced"):
                failures[reason] = failures.get(reason, 0) + count
        cursor.execute(
            "SELECT skeleton_id, count(*) FROM delivery_outboxmessage WHERE kind = 'campaign' AND source_id = %s "
            "AND state IN ('sent', 'bounced') AND skeleton_id IS NOT NULL GROUP BY 1",
            [number],
        )
        languages: dict[str, int] = {}
        for skeleton_id, count in cursor.fetchall():
            code = content.skeleton(skeleton_id).language
            languages[code] = languages.get(code, 0) + count
        cursor.execute(
            "SELECT held, count(*) FROM campaigns_campaignrecipient WHERE campaign_id = %s AND held <> '' GROUP BY 1",
            [number],
        )
        for reason, count in cursor.fetchall():
            held[reason] = held.get(reason, 0) + count
    engaged = {kind: len(_engaged(number, kind)) for kind in _ENGAGED}
    sent = states.get("sent", 0) + states.get("bounced", 0)
    return Report(
        audience=campaign.audience or 0,
        queued=sum(states.values()),
        sent=sent,
        delivered=states.get("sent", 0),
        bounced=states.get("bounced", 0),
        failed=states.get("failed", 0),
        doubtful=states.get("doubtful", 0),
        stopped=states.get("stopped", 0),
        waiting=states.get("queued", 0),
        routes=routes,
        secured=secured,
        held=dict(sorted(held.items(), key=lambda item: -item[1])),
        failures=dict(sorted(failures.items(), key=lambda item: -item[1])),
        languages=dict(sorted(languages.items(), key=lambda item: -item[1])),
        **engaged,
    )


def _engaged(campaign_id: int, kind: str) -> list[int]:
    """Ids of people who clicked, read or unsubscribed: from the summary of the timeline, by keyed group."""
    from apps.vault.tokens import token63

    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT t.person_id FROM contacts_timelinesummary t WHERE t."group" = %s ORDER BY t.person_id',
            [token63("group", f"message.{kind}:campaign:{campaign_id}")],
        )
        return [row[0] for row in cursor.fetchall()]


_ENGAGED = ("clicked", "read", "unsubscribed")
WHAT = {
    "audience": "Everybody in the audience",
    "queued": "Queued",
    "sent": "Sent",
    "delivered": "Delivered",
    "bounced": "Bounced",
    "failed": "Failed",
    "lost": "Did not arrive",
    "secured": "Left protected",
    "doubtful": "Doubtful",
    "stopped": "Stopped",
    "waiting": "Waiting",
    "clicked": "Clicked",
    "read": "Read in the portal",
    "unsubscribed": "Unsubscribed",
}
_STATES = {
    "sent": ("sent", "bounced"),
    "delivered": ("sent",),
    "bounced": ("bounced",),
    "failed": ("failed",),
    "lost": ("failed", "bounced"),
    "doubtful": ("doubtful",),
    "stopped": ("stopped",),
    "waiting": ("queued",),
    "queued": ("sent", "bounced", "failed", "doubtful", "stopped", "queued", "held"),
}


def people_behind(campaign: Campaign, what: str, *, after: int = 0, size: int = 50) -> list[int]:
    """Ids of the people behind one number of the report: a word of ``WHAT``, ``route:tls``, ``held:minor``,
    ``language:es``. Raises Refused for any other word.
    """
    if what in _ENGAGED:
        return [person for person in _engaged(campaign.pk, what) if person > after][:size]
    found: set[int] = set()
    for rows in _rows_behind(campaign, what):
        found.update(rows.filter(who__gt=after).order_by("who").values_list("who", flat=True)[:size])
    return sorted(found)[:size]


def number_behind(campaign: Campaign, what: str) -> int:
    """How many people stand in the whole list of ``people_behind``. Raises Refused as it does."""
    if what in _ENGAGED:
        return len(_engaged(campaign.pk, what))
    return sum(rows.count() for rows in _rows_behind(campaign, what))


def _rows_behind(campaign: Campaign, what: str) -> list[QuerySet[Any]]:
    """One row a person, as ``who``; nobody is in two of the querysets: who was held early has no message."""
    from apps.delivery.models import OutboxMessage

    messages = OutboxMessage.objects.filter(kind="campaign", source_id=campaign.pk).annotate(who=F("person_id"))
    frozen = CampaignRecipient.objects.filter(campaign=campaign).annotate(who=F("person"))
    kind, _, detail = what.partition(":")
    if what == "audience":
        return [frozen]
    if kind == "held":
        return [frozen.filter(held=detail), messages.filter(state="held", reason=detail)]
    if kind == "route":
        return [messages.filter(route=detail, state__in=("sent", "bounced"))]
    if kind == "language":
        wanted = [
            pk
            for pk in messages.order_by().values_list("skeleton_id", flat=True).distinct()
            if pk is not None and content.skeleton(pk).language == detail
        ]
        return [messages.filter(skeleton_id__in=wanted, state__in=("sent", "bounced"))]
    if kind == "failure":
        return [messages.filter(reason=detail, state__in=("failed", "bounced"))]
    if what == "secured":
        verified = Q(level__gte=Level.HEALTH) | Q(tls_class__gte=TlsClass.WEBPKI)
        verified = ~Q(route__in=("", "tls")) | (Q(route="tls") & verified)
        return [messages.filter(verified, state__in=("sent", "bounced"))]
    if what in _STATES:
        return [messages.filter(state__in=_STATES[what])]
    raise Refused("There is no such list.")


def outcomes(campaign: Campaign) -> list[tuple[int, str, str, str]]:
    """(person, state, route, reason) of the whole frozen audience, for the export."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.person, CASE WHEN r.held <> '' THEN 'held' ELSE coalesce(m.state, 'waiting') END, "
            "coalesce(m.route, ''), CASE WHEN r.held <> '' THEN r.held ELSE coalesce(m.reason, '') END "
            "FROM campaigns_campaignrecipient r LEFT JOIN delivery_outboxmessage m "
            "ON m.kind = 'campaign' AND m.source_id = r.campaign_id AND m.person_id = r.person "
            "WHERE r.campaign_id = %s ORDER BY r.person",
            [campaign.pk],
        )
        return [(row[0], row[1], row[2], row[3]) for row in cursor.fetchall()]


def export_rows(*, actor: Actor, campaign: Campaign, named: bool) -> Iterable[list[str]]:
    """Rows of the CSV, header first. With ``named`` people are opened; either way it is on the trail first."""
    rows = outcomes(campaign)
    ids = [row[0] for row in rows]
    record_read(
        actor=actor,
        action=Action.CAMPAIGN_EXPORT,
        kind="campaign",
        subject=campaign.pk,
        people=ids,
        purpose="export",
        codes={"people": len(ids), "named": named},
    )
    clicked, read = set(_engaged(campaign.pk, "clicked")), set(_engaged(campaign.pk, "read"))
    gone = set(_engaged(campaign.pk, "unsubscribed"))
    names = ["name", "email"] if named else []
    yield ["person", *names, "outcome", "secured_by", "reason", "clicked", "read_in_portal", "unsubscribed"]
    for start in range(0, len(rows), 5_000):
        part = rows[start : start + 5_000]
        people: dict[int, Any] = {}
        if named:
            people = contacts.open_people(
                actor=actor,
                purpose="campaign export",
                ids=[row[0] for row in part],
                action=Action.CAMPAIGN_EXPORT,
                with_consents=False,
            )
        for person, state, route, reason in part:
            who = people.get(person)
            more = [who.name if who else "", who.email if who else ""] if named else []
            flags = ["yes" if person in found else "" for found in (clicked, read, gone)]
            yield [str(person), *more, state, route, reason, *flags]


def figures_rows(
    *, actor: Actor, campaign: Campaign, found: Report, words: Mapping[str, Callable[[str], str]]
) -> list[list[str]]:
    """Rows of the CSV of a report: section, figure, number. Nobody is named; still it is on the trail.

    ``words`` says for each section how the page calls what it counts.
    """
    codes = {"people": 0, "figures": 1}
    record(actor=actor, action=Action.CAMPAIGN_EXPORT, kind="campaign", subject=campaign.pk, codes=codes)
    reach = ("audience", "sent", "delivered", "clicked", "read", "bounced", "failed", "unsubscribed", "secured")
    rows = [["section", "figure", "number"], *(["reach", word, str(getattr(found, word))] for word in reach)]
    for section, word_of in words.items():
        rows += [[section, word_of(code), str(number)] for code, number in getattr(found, section).items()]
    return rows
