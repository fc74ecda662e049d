"""Reading delivery: settings, capabilities, messages with their evidence."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Count, Min, Q, QuerySet

from apps.audit.actions import Action
from apps.audit.services import record_read
from apps.compliance.selectors import baa_in_force
from apps.contacts.person.records import PersonRecord
from apps.contacts.person.selectors import record_keys
from apps.core import bulk, clock
from apps.core.actors import Actor
from apps.core.levels import Level
from apps.delivery import routes
from apps.delivery.hygiene.rules import Rules
from apps.delivery.models import (
    Attempt,
    DeliverySettings,
    DkimKey,
    InboundMail,
    InboundTally,
    MailDomain,
    OutboxMessage,
    ReadyMessage,
    RecipientKey,
)
from apps.delivery.models.capability import KEY_TABLE
from apps.delivery.models.inbound import INBOUND_TABLE, RAW_PLACE
from apps.delivery.models.outbox import CONTENT_PLACE, EVIDENCE_PLACE, PAUSED_UNTIL, RECORD_PLACE, State
from apps.delivery.models.setup import DKIM_TABLE, SETTINGS_TABLE
from apps.delivery.policy.routing import Capability, PolicyTable, RouteName
from apps.delivery.returns import destinations
from apps.delivery.send.recipients import Recipient
from apps.delivery.settings.setup import Setup
from apps.mail import dkim, mx, reading, reply_text
from apps.mail.envelopes import CheckedKey
from apps.mail.smtp import Dialogue, Login
from apps.mail.tls import TlsClass, Trust
from apps.organizations import selectors as organizations
from apps.vault import keys, sealing

# A good measure is believed for a day, a bad one for less: servers mend, and every sending measures anew.
GOOD_FOR = timedelta(hours=24)
BAD_FOR = timedelta(hours=6)


def setup() -> Setup:
    """How the installation sends; before anybody changed it, direct and under the name of its address."""
    row = DeliverySettings.objects.filter(pk=1).first()
    if row is None:
        host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
        return Setup(helo=host, sending_domain="" if host.replace(".", "").isdigit() else host)
    return Setup.from_json(sealing.open_service(row.sealed, table=SETTINGS_TABLE, row=1, version=row.version))


def policy_table(chosen: Setup | None = None) -> PolicyTable:
    """The organization's policy with what the BAA register says about the relay's vendor."""
    now = chosen or setup()
    vendor = now.relay.vendor if now.relay is not None else None
    return now.table(baa_in_force=has_agreement(vendor))


def has_agreement(vendor: int | None) -> bool:
    """Whether the BAA register has an agreement in force with a vendor; no vendor, no agreement."""
    return vendor is not None and baa_in_force(vendor)


def dialogue(chosen: Setup) -> Dialogue:
    """How we speak to mail servers: name, trust, pins, and the relay's account."""
    pins = {name.lower(): frozenset(found) for name, found in chosen.pins.items()}
    trust = Trust(extra_roots=settings.MAIL_ROOTS if _exists(settings.MAIL_ROOTS) else "", pins=pins)
    login = None
    implicit = False
    if chosen.mode == "relay" and chosen.relay is not None:
        implicit = chosen.relay.implicit_tls
        if chosen.relay.username:
            login = Login(chosen.relay.username, chosen.relay.password)
    return Dialogue(
        chosen.helo, trust, login=login, implicit_tls=implicit, per_connection=settings.MESSAGES_PER_CONNECTION
    )


def _exists(path: str) -> bool:
    return bool(path) and Path(path).is_file()


def transport() -> dict[str, mx.Host]:
    """The static transport map of the settings."""
    return mx.parse_map(settings.TRANSPORT_MAP)


def resolver() -> mx.Resolver | None:
    """What finds mail servers beyond the transport map: the DNS (None), or nothing, in the demo."""
    return None if settings.MAIL_DNS else mx.NoResolver()


def signers(domain: str) -> list[dkim.Signer]:
    """The keys that sign for a domain now; RSA first."""
    rows = DkimKey.objects.filter(domain=domain, state=DkimKey.KeyState.ACTIVE).order_by("-kind", "id")
    return [
        dkim.Signer.load(
            row.domain,
            row.selector,
            sealing.open_service(row.sealed, table=DKIM_TABLE, row=row.pk)["pem"].encode("ascii"),
        )
        for row in rows
    ]


def measured_classes(domains: Iterable[str], now: datetime) -> dict[str, TlsClass]:
    """The measured class of mail domains whose measure is still believed."""
    found = {}
    for row in MailDomain.objects.filter(domain__in=set(domains)):
        if row.tls_class is None:
            continue
        tls = TlsClass(row.tls_class)
        if now - row.measured_at < (GOOD_FOR if tls >= TlsClass.WEBPKI else BAD_FOR):
            found[row.domain] = tls
    return found


def recipient_keys(people: Mapping[int, PersonRecord], now: datetime) -> dict[int, dict[str, CheckedKey]]:
    """The keys that still serve, by person and kind."""
    found: dict[int, dict[str, CheckedKey]] = {}
    wanted = bulk.run(
        "SELECT id FROM delivery_recipientkey WHERE person_id = ANY(%s::int8[]) AND state = 'active'", [list(people)]
    )
    # Few people have a key: most claims end here.
    for row in RecipientKey.objects.filter(pk__in=[pk for (pk,) in wanted]):
        if row.expires is None or row.expires > now:
            found.setdefault(row.person_id, {})[row.kind] = open_key(row, people[row.person_id].profile_key)
    return found


def capabilities(
    people: Mapping[int, PersonRecord], addresses: Mapping[int, str], level: Level, now: datetime
) -> dict[int, Capability]:
    """What each opened person can take, for the plan of a campaign; three queries, whatever the number.

    `addresses` says by person id where the message would go (a guardian's mailbox for a minor). A server
    without a fresh measure has class None, which the policy takes for none: measure first.
    """
    keys = recipient_keys(people, now)
    domains = {pid: domain_of(address) for pid, address in addresses.items()}
    classes = measured_classes(domains.values(), now)
    found = {}
    for person_id, person in people.items():
        recipient = Recipient(
            message_id=0,
            address=addresses.get(person_id, ""),
            level=level,
            now=now,
            name=person.name,
            language=person.language,
            record=person,
            keys=keys.get(person_id, {}),
        )
        found[person_id] = Capability(
            tls=classes.get(domains.get(person_id, "")),
            pgp=routes.can_carry(RouteName.PGP, recipient),
            smime=routes.can_carry(RouteName.SMIME, recipient),
            portal=routes.can_carry(RouteName.PORTAL, recipient),
            unproven=person.unproven if addresses.get(person_id) == person.email else "",
        )
    return found


def open_key(row: RecipientKey, profile_key: bytes) -> CheckedKey:
    """A stored key of a person that was opened already."""
    data = sealing.open_sealed(profile_key, row.sealed, table=KEY_TABLE, row=row.pk)
    return CheckedKey(
        kind=row.kind,
        fingerprint=data["fingerprint"],
        expires=row.expires,
        algorithm=data["algorithm"],
        material=base64.b64decode(data["material"]),
        notes=tuple(data.get("notes", ())),
    )


def domain_of(address: str) -> str:
    """The mail domain of an address in A-labels, or "" when it is none."""
    try:
        return mx.ascii_domain(address.rpartition("@")[2])
    except ValueError:
        return ""


def message_data(
    *, actor: Actor, message: OutboxMessage, purpose: str = "message", parts: Sequence[str] = ()
) -> dict[str, Any]:
    """The opened parts of a message ("content", "record", "evidence"), on the trail first."""
    people = [message.person_id] if message.person_id else []
    record_read(
        actor=actor,
        action=Action.MESSAGE_OPEN,
        kind="message",
        subject=message.pk,
        people=people,
        purpose=purpose,
        fields=list(parts),
    )
    places = {"content": CONTENT_PLACE, "record": RECORD_PLACE, "evidence": EVIDENCE_PLACE}
    found: dict[str, Any] = {}
    key = record_keys(people).get(message.person_id) if message.person_id else None
    for part in parts:
        blob = getattr(message, part)
        if blob is None:
            continue
        if message.person_id is None:
            found[part] = sealing.open_service(blob, table=places[part], row=message.pk)
        elif key is not None:
            found[part] = sealing.open_sealed(key, blob, table=places[part], row=message.pk)
    return found


def counts(*, kind: str, source_id: int) -> dict[str, int]:
    """How many messages of a campaign or journey stand in each state; "sending" are those on the wire."""
    rows = OutboxMessage.objects.filter(kind=kind, source_id=source_id)
    found = {row["state"]: row["n"] for row in rows.values("state").annotate(n=Count("pk")).order_by()}
    sending = Attempt.objects.filter(message__kind=kind, message__source_id=source_id).count()
    if sending:
        found["sending"] = sending
        found["queued"] = found.get("queued", 0) - sending
    return found


LOST = "lost"
"""The word of the list of what did not arrive, whether it failed or bounced."""


def lost_words(failed: int, bounced: int) -> str:
    """ "2 failed, 9 bounced": of what did not arrive, how much each word of the list of messages stands for."""
    parts = [f"{number:,} {word}" for number, word in ((failed, "failed"), (bounced, "bounced")) if number]
    return ", ".join(parts)


@dataclass(frozen=True)
class Figures:
    """Delivery at this moment, for the top of its page."""

    waiting: int
    later: int
    sending: int
    delivered: int
    doubtful: int
    failed: int
    bounced: int
    oldest: datetime | None

    @property
    def lost(self) -> int:
        """What did not arrive: refused by a server, or come back."""
        return self.failed + self.bounced


def figures() -> Figures:
    """What waits now (and since when), what is on the wire, and what the last 24 hours brought."""
    now = clock.now()
    ready = ReadyMessage.objects.aggregate(
        waiting=Count("pk", filter=Q(not_before__lte=now)),
        later=Count("pk", filter=Q(not_before__gt=now)),
        oldest=Min("not_before", filter=Q(not_before__lte=now)),
    )
    recent = OutboxMessage.objects.filter(finished_at__gte=now - timedelta(hours=24)).aggregate(
        delivered=Count("pk", filter=Q(state=State.SENT)),
        failed=Count("pk", filter=Q(state=State.FAILED)),
        bounced=Count("pk", filter=Q(state=State.BOUNCED)),
    )
    return Figures(
        waiting=ready["waiting"],
        later=ready["later"],
        sending=Attempt.objects.count(),
        delivered=recent["delivered"],
        doubtful=OutboxMessage.objects.filter(state=State.DOUBTFUL).count(),
        failed=recent["failed"],
        bounced=recent["bounced"],
        oldest=ready["oldest"],
    )


def next_try(message: OutboxMessage) -> datetime | None:
    """When a waiting message is tried again; None when it is at once, paused, or over."""
    row = ReadyMessage.objects.filter(pk=message.pk).first()
    if row is None or row.not_before >= PAUSED_UNTIL or row.not_before <= clock.now():
        return None
    return row.not_before


def tried_again(*, kind: str, source_id: int) -> tuple[int, datetime | None]:
    """How many messages of a campaign or journey wait for another try, and when the first of them is due."""
    rows = ReadyMessage.objects.filter(
        kind=kind, source_id=source_id, not_before__gt=clock.now(), not_before__lt=PAUSED_UNTIL, message__attempts__gt=0
    )
    found = rows.aggregate(number=Count("pk"), due=Min("not_before"))
    return found["number"], found["due"]


def any_stopped(sources: Iterable[tuple[str, int]]) -> bool:
    """Whether one of these campaigns and journeys (kind, id) is paused or stopped. One statement."""
    asked = list(sources)
    found = bulk.run(
        "SELECT EXISTS (SELECT 1 FROM delivery_sourcestop s "
        "JOIN unnest(%s::text[], %s::int8[]) AS w(kind, id) ON s.kind = w.kind AND s.source_id = w.id)",
        [[kind for kind, _ in asked], [number for _, number in asked]],
    )
    return bool(found[0][0])


def settings_version() -> int:
    """The version of the settings row, 0 before the first change."""
    return DeliverySettings.objects.filter(pk=1).values_list("version", flat=True).first() or 0


def decision(chosen: Setup) -> dict[str, Any] | None:
    """The recorded risk decision with the name of who made it, or None when nobody has decided yet."""
    if not chosen.decision.get("at"):
        return None
    by = str(chosen.decision.get("by") or "")
    who = get_user_model().objects.filter(pk=int(by)).first() if by.isdigit() else None
    return {
        "note": chosen.decision.get("note", ""),
        "at": datetime.fromisoformat(chosen.decision["at"]),
        "by": getattr(who, "name", "") or "the command line",
    }


def mail_open(*, actor: Actor, mail: InboundMail) -> dict[str, Any]:
    """What a mail that came in says (``reply_text.ReplyText`` as JSON); on the trail first.

    Of a mail that was sorted out, and of a letter that was read by an earlier version, the original is read now.
    """
    people = [mail.person_id] if mail.person_id else []
    record_read(actor=actor, action=Action.MAIL_OPEN, kind="mail", subject=mail.pk, people=people, purpose="inbox")
    # A report about a message without a person, and a letter of a stranger, lie under the service key.
    key = record_keys(people).get(mail.person_id) if mail.person_id else None
    if key is None:
        found: dict[str, Any] = sealing.open_service(mail.sealed, table=INBOUND_TABLE, row=mail.pk)
    else:
        found = sealing.open_sealed(key, mail.sealed, table=INBOUND_TABLE, row=mail.pk)
    if found.get("version") != reply_text.VERSION:
        found = {**reading.read_letter(mail_raw(mail), organizations.current().timezone), "report": found}
    return found


def mail_original(*, actor: Actor, mail: InboundMail) -> bytes:
    """The original bytes of a mail that came in, as they were taken; on the trail first. Raises ``SealBroken``."""
    people = [mail.person_id] if mail.person_id else []
    record_read(actor=actor, action=Action.MAIL_ORIGINAL, kind="mail", subject=mail.pk, people=people, purpose="inbox")
    return mail_raw(mail)


def mail_raw(mail: InboundMail) -> bytes:
    """The original bytes of a mail, for the product itself: whoever shows them uses ``mail_original``."""
    key = record_keys([mail.person_id]).get(mail.person_id) if mail.person_id else None
    chosen = keys.ring().service if key is None else key
    return sealing.open_bytes(chosen, mail.raw, table=RAW_PLACE, row=mail.pk)


def hygiene_rules(chosen: Setup | None = None) -> Rules:
    """When optional mail rests, as the settings say."""
    now = chosen or setup()
    return Rules(
        unengaged_days=now.unengaged_days,
        unengaged_messages=now.unengaged_messages,
        silent_months=now.silent_months,
    )


def inbound_until(message_id: int | None) -> datetime | None:
    """Until when mail about a message is put off because so much came within a day; None when more is taken.

    ``message_id`` is None for addresses that prove nothing.
    """
    rows, since = InboundMail.objects.order_by("-received_at"), clock.now() - destinations.DAY
    asked = [("nobody", rows.filter(message__isnull=True))]
    if message_id is not None:
        person = OutboxMessage.objects.filter(pk=message_id).values_list("person_id", flat=True).first()
        asked = [("message", rows.filter(message=message_id))]
        asked += [("person", rows.filter(person_id=person, message__isnull=False))] if person else []
    found: list[datetime] = []
    for what, mails in asked:
        # The tenth newest, say: while that is younger than a day, an eleventh waits.
        most = destinations.AT_MOST[what]
        found += mails.filter(received_at__gt=since).values_list("received_at", flat=True)[most - 1 : most]
    return max(found) + destinations.DAY if found else None


def inbound_network_full(network: bytes) -> bool:
    """Whether a (keyed) network brought as much as it may within an hour."""
    since = clock.now() - destinations.HOUR
    most = destinations.FROM_A_NETWORK
    found = InboundMail.objects.filter(network=network, received_at__gt=since).values_list("pk", flat=True)
    return len(found[:most]) == most


def inbound_put_off() -> bool:
    """Whether mail was put off yesterday or today because so much came."""
    yesterday = clock.today(organizations.current().zone) - destinations.DAY
    return InboundTally.objects.filter(what=destinations.OFTEN, day__gte=yesterday).exists()


def inbound_waiting() -> QuerySet[InboundMail]:
    """Answers by mail that wait for staff."""
    return InboundMail.objects.filter(state=InboundMail.State.WAITING)


def inbound_sorted() -> QuerySet[InboundMail]:
    """Mail that came in and is not among the letters."""
    return InboundMail.objects.exclude(kind=InboundMail.InboundKind.REPLY)
