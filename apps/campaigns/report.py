"""The report of a campaign: its figures, the people behind each of them, and both as rows of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet

from apps.audit.actions import Action
from apps.audit.services import record, record_read
from apps.campaigns.models import Campaign, CampaignRecipient
from apps.contacts import sql as contacts_sql
from apps.contacts.person import selectors as contacts
from apps.content import selectors as content
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.delivery import sql as delivery_sql
from apps.delivery.models import OutboxMessage
from apps.mail.tls import TlsClass
from apps.vault.tokens import token63


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


def report_of(campaign: Campaign) -> Report:
    """Count everything that happened; five statements, whatever the size."""
    number = campaign.pk
    states: dict[str, int] = {}
    routes: dict[str, int] = {"tls": 0, "pgp": 0, "smime": 0, "portal": 0}
    held: dict[str, int] = {}
    failures: dict[str, int] = {}
    secured = 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT state, route, reason, {SECURED} AS secured, count(*) FROM {delivery_sql.messages()} "  # noqa: S608
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
            f"SELECT skeleton_id, count(*) FROM {delivery_sql.messages()} WHERE kind = 'campaign' AND source_id = %s "  # noqa: S608
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
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT t.person_id FROM {contacts_sql.timeline_summary()} WHERE t."group" = %s ORDER BY t.person_id',  # noqa: S608
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
    raise Refused("campaign.list_unknown", "There is no such list.")


def outcomes(campaign: Campaign) -> list[tuple[int, str, str, str]]:
    """(person, state, route, reason) of the whole frozen audience, for the export."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.person, CASE WHEN r.held <> '' THEN 'held' ELSE coalesce(m.state, 'waiting') END, "  # noqa: S608
            "coalesce(m.route, ''), CASE WHEN r.held <> '' THEN r.held ELSE coalesce(m.reason, '') END "
            f"FROM campaigns_campaignrecipient r LEFT JOIN {delivery_sql.messages('m')} "
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
