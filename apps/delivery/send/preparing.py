"""From a claimed message to mail on the wire: checks, merge, policy, seal, signature. No writes of its own
(a route may store what it must, in the claim's transaction).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from apps.contacts.person import search_values
from apps.contacts.person.records import PersonRecord
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.delivery import routes, selectors
from apps.delivery.models.outbox import CONTENT_PLACE, EVIDENCE_PLACE, RECORD_PLACE, MessageKind
from apps.delivery.outbox.services.enqueue import ReadyMail
from apps.delivery.policy import eligibility
from apps.delivery.policy.routing import Capability, Held, PolicyTable, Refusal, Route, RouteName, decide
from apps.delivery.send import binding
from apps.delivery.send.batch import ClaimedRow, Job
from apps.delivery.send.recipients import Recipient
from apps.delivery.send.sources import Draft
from apps.delivery.settings.setup import Setup
from apps.mail import dkim, return_paths
from apps.mail.compiled import CompiledMessage, Envelope, MergedMessage
from apps.mail.envelopes import CheckedKey
from apps.mail.smtp import Mail
from apps.mail.tls import TlsClass
from apps.organizations import selectors as organizations
from apps.vault import keys, sealing

log = logging.getLogger(__name__)

_FROM = re.compile(rb"^from:.*?([A-Za-z0-9.-]+)>?\s*$", re.IGNORECASE | re.MULTILINE)
_MESSAGE_ID = re.compile(rb"^message-id:\s*<([^>\r\n]*)>", re.IGNORECASE | re.MULTILINE)
# Kinds whose text is neutral by construction; all others to a patient are health information.
_NEUTRAL = frozenset({MessageKind.NOTICE.value, MessageKind.ACCOUNT.value})


@dataclass(repr=False)
class ClaimContext:
    """What one claim needs for all its messages, read once."""

    now: datetime
    today: date
    setup: Setup
    table: PolicyTable
    people: Mapping[int, PersonRecord]
    guardians: Mapping[int, PersonRecord]
    classes: dict[str, TlsClass | None]
    keys: Mapping[int, Mapping[str, CheckedKey]]
    signers: dict[str, list[dkim.Signer]]
    # By skeleton: what leaves as it was merged has the From of its template.
    template_signers: dict[int, list[dkim.Signer]]
    link_key: bytes
    merge: Any
    # Worked out for the first message of a claim, the same for thousands: the domains of addresses as they are
    # written, and what the policy answers.
    domains: dict[str, str]
    decisions: dict[tuple[Level, Capability], Route | Refusal]
    date: str
    unix_time: int
    # Of which templates copies were made in this claim, for the canary.
    templates: dict[int, CompiledMessage]

    @classmethod
    def open(
        cls,
        now: datetime,
        people: Mapping[int, PersonRecord],
        guardians: Mapping[int, PersonRecord],
    ) -> ClaimContext:
        """Read settings, keys and measured mail servers for the opened people."""
        setup = selectors.setup()
        domains: dict[str, str] = {}
        for person in guardians.values():
            written = person.email.rpartition("@")[2]
            if written and written not in domains:
                domains[written] = selectors.domain_of(person.email)
        return cls(
            now=now,
            today=now.astimezone(organizations.current().timezone).date(),
            setup=setup,
            table=selectors.policy_table(setup),
            people=people,
            guardians=guardians,
            classes=dict.fromkeys(domains.values()) | selectors.measured_classes(domains.values(), now),
            keys=selectors.recipient_keys(dict(people), now),
            signers={},
            template_signers={},
            link_key=keys.ring().link,
            merge=import_string(settings.DELIVERY_MERGE) if settings.DELIVERY_MERGE else None,
            domains=domains,
            decisions={},
            date=now.isoformat(),
            unix_time=int(now.timestamp()),
            templates={},
        )

    def decide(self, level: Level, found: Capability) -> Route | Refusal:
        """What the policy, which is pure, says about this level and capability."""
        known = self.decisions.get((level, found))
        if known is None:
            known = self.decisions[level, found] = decide(level, found, self.table)
        return known

    def domain_of(self, address: str) -> str:
        """The mail domain of an address in A-labels, or ""."""
        written = address.rpartition("@")[2]
        if written not in self.domains:
            self.domains[written] = selectors.domain_of(address)
        return self.domains[written]

    def class_of(self, domain: str) -> TlsClass | None:
        """The measured class of a domain, asked for once: finished mail may go to somebody who is no contact."""
        if domain not in self.classes:
            self.classes[domain] = selectors.measured_classes([domain], self.now).get(domain)
        return self.classes[domain]

    def signers_of(self, head: bytes) -> list[dkim.Signer]:
        """The keys for the domain of From (DKIM must align with it: RFC 9989)."""
        found = _FROM.search(head)
        domain = found.group(1).decode("ascii").lower() if found else ""
        for name in (domain, self.setup.sending_domain):
            if name and name not in self.signers:
                self.signers[name] = selectors.signers(name)
        if self.signers.get(domain):
            return self.signers[domain]
        parent = self.setup.sending_domain
        return self.signers.get(parent, []) if domain == parent or domain.endswith(f".{parent}") else []

    def message_id(self, number: int) -> str:
        """One Message-ID for each message, the same on every attempt, telling nothing."""
        mac = hmac.new(self.link_key, b"message id\0%d" % number, hashlib.sha256).digest()[:15]
        domain = self.setup.sending_domain or self.setup.helo
        return f"{base64.b32encode(mac).decode().lower()}@{domain}"


def prepare(
    context: ClaimContext, row: ClaimedRow, person: PersonRecord | None, draft: Draft | Refusal | None
) -> Job | Refusal:
    """One message as mail on the wire, or why it must not leave. Raises `Refused` for what cannot be made."""
    claimed = row.claimed
    if claimed.person_id is not None and person is None:
        return Refusal(Held.ERASED, "The person was erased.")
    ready = _content(row, person)
    minor = person is not None and person.is_minor(context.today)
    guardian = context.guardians.get(int(person.profile.get("guardian_id") or 0)) if person is not None else None
    address, name = _address(person, guardian if minor else None, ready)
    if person is not None and claimed.kind != MessageKind.TEST:
        held = eligibility.hold(claimed.purpose, _standing(row, person, address, minor, guardian))
        if held is not None:
            return held
    if isinstance(draft, Refusal):
        return draft
    domain = context.domain_of(address)
    if not domain:
        return Refusal(Held.NO_ADDRESS, "The address is not complete.")
    if ready is not None:
        dkim.check(ready.head)
        merged = MergedMessage(ready.head, ready.entity, "", {}, claimed.level, _digest(ready))
        skeleton, neutral = None, "Encrypted message"
        message_id = _message_id(ready.head)
    elif draft is None or context.merge is None:
        return Refusal(Held.STOPPED, "Nobody answers for the content of this message.")
    else:
        # The Message-ID as it leaves: every route keeps it, so that bounces and evidence name one message.
        message_id = context.message_id(claimed.id)
        if person is not None and not binding.theirs(draft.facts, person.profile):
            log.error("Message %d was to be made of another person's values; it is held.", claimed.id)
            return Refusal(Held.MIXED_UP, "The values that were to be merged are not this person's.")
        if id(draft.compiled) not in context.templates:
            context.templates[id(draft.compiled)] = draft.compiled
            binding.canary_know(draft.compiled, context.merge)
        merged = context.merge(
            draft.compiled,
            draft.facts,
            Envelope(
                to_address=address,
                to_name=name,
                date=context.now,
                message_id=message_id,
                zone=draft.zone,
                list_unsubscribe_url=draft.list_unsubscribe_url,
                portal_url=draft.portal_url,
                link=draft.link,
            ),
        )
        skeleton, neutral = draft.skeleton_id, draft.neutral_subject
    level = _level(claimed.kind, claimed.level, merged, draft, person)
    recipient = Recipient(
        message_id=claimed.id,
        address=address,
        level=level,
        now=context.now,
        name=name,
        language=person.language if person is not None else "en",
        record=person,
        keys=context.keys.get(person.id, {}) if person is not None else {},
        neutral_subject=neutral,
    )
    owner = guardian if minor and guardian is not None and guardian.email else person
    unproven = owner.unproven if owner is not None else ""
    route = context.decide(level, capability(context.class_of(domain), recipient, unproven))
    if isinstance(route, Refusal):
        return route
    return _sealed(context, row, person, merged, recipient, route, skeleton, domain, message_id)


def capability(measured: TlsClass | None, recipient: Recipient, unproven: str = "") -> Capability:
    """What the recipient can take; ``unproven`` is why the mailbox is in question.

    An unmeasured server gets the benefit of the doubt: the connection itself is measured before anything is said, and a
    weak one brings the message back here.
    """
    return Capability(
        tls=TlsClass.AUTHENTICATED if measured is None else measured,
        pgp=routes.can_carry(RouteName.PGP, recipient),
        smime=routes.can_carry(RouteName.SMIME, recipient),
        portal=routes.can_carry(RouteName.PORTAL, recipient),
        unproven=unproven,
    )


def _sealed(
    context: ClaimContext,
    row: ClaimedRow,
    person: PersonRecord | None,
    merged: MergedMessage,
    recipient: Recipient,
    route: Route,
    skeleton: int | None,
    domain: str,
    message_id: str,
) -> Job | Refusal:
    claimed, name = row.claimed, route.name
    carrier = routes.module(name)
    if carrier is None:
        raise Refused("route.unknown", "This route is not part of the installation.")
    try:
        mail = carrier.seal(merged, recipient)
    except Refused as refusal:
        return Refusal(Held.NO_ROUTE, str(refusal))
    if skeleton is None or name is not RouteName.TLS:
        signers = context.signers_of(mail.head)
    elif skeleton in context.template_signers:
        signers = context.template_signers[skeleton]
    else:
        signers = context.template_signers[skeleton] = context.signers_of(mail.head)
    content = mail.content
    signatures = dkim.sign(content, signers, context.unix_time) if signers else b""
    path = return_paths.address("bounce", claimed.id, context.setup.bounces, context.link_key)
    facts: dict[str, Any] = {
        **merged.record,
        "to": recipient.address,
        "route": name.value,
        "return_path": path,
        "dkim": signatures.decode("ascii"),
        "sha256": merged.sha256.hex(),
        "message_id": message_id,
        "date": context.date,
    }
    if name is not RouteName.TLS:
        facts["cipher"] = {
            "sha256": mail.content_sha256.hex(),
            "length": mail.length,
            "keys": mail.recipient_key_id,
            "inner_sha256": mail.inner_sha256.hex(),
        }
    bound = binding.bind(
        message=claimed.id,
        person=claimed.person_id,
        recipient=recipient.address,
        record=merged.record,
        content=len(signatures),
        digest=merged.sha256 if name is RouteName.TLS else hashlib.sha256(content).digest(),
    )
    record_key = person.record_key if person is not None else None
    return Job(
        id=claimed.id,
        kind=claimed.kind,
        stream="",
        source_id=claimed.source_id,
        purpose=claimed.purpose,
        person_id=claimed.person_id,
        domain=domain,
        mail=Mail(path, recipient.address, signatures + content, route.minimum, whole=bound),
        route=name,
        level=int(recipient.level),
        skeleton_id=skeleton,
        record=seal_for(record_key, facts, RECORD_PLACE, claimed.id),
        attempts=claimed.attempts,
        record_key=record_key,
        profile_key=person.profile_key if person is not None else None,
        earlier=_earlier(row, person),
        mailbox=search_values.mailbox(recipient.address),
    )


def seal_for(key: bytes | None, data: Any, place: str, row: int) -> bytes:
    """Seal under the person's record key, or under the service key when there is no person."""
    if key is None:
        return sealing.seal_service(data, table=place, row=row)
    return sealing.seal(key, data, table=place, row=row)


def _opened(blob: bytes, key: bytes | None, place: str, row: int) -> Any:
    if key is None:
        return sealing.open_service(blob, table=place, row=row)
    return sealing.open_sealed(key, blob, table=place, row=row)


def _content(row: ClaimedRow, person: PersonRecord | None) -> ReadyMail | None:
    if row.content is None:
        return None
    key = person.record_key if person is not None else None
    return ReadyMail.from_json(_opened(row.content, key, CONTENT_PLACE, row.claimed.id))


def _earlier(row: ClaimedRow, person: PersonRecord | None) -> list[dict[str, Any]]:
    if row.evidence is None:
        return []
    key = person.record_key if person is not None else None
    found: list[dict[str, Any]] = _opened(row.evidence, key, EVIDENCE_PLACE, row.claimed.id)["attempts"]
    return found


def _address(person: PersonRecord | None, guardian: PersonRecord | None, ready: ReadyMail | None) -> tuple[str, str]:
    """Where the message goes: finished mail says it; a minor's goes to the guardian's mailbox if there is one."""
    if ready is not None:
        return ready.to_address, ""
    if person is None:
        return "", ""
    if guardian is not None and guardian.email:
        return guardian.email, guardian.name
    return person.email, person.name


def _standing(
    row: ClaimedRow, person: PersonRecord, address: str, minor: bool, guardian: PersonRecord | None
) -> eligibility.Standing:
    """Both readings count: that of the claiming statement and that of the opened record."""
    scopes = set(row.scopes) | set(person.suppressions)
    if guardian is not None and minor:
        scopes |= set(guardian.suppressions)
    altered = person.stops_altered or (minor and guardian is not None and guardian.stops_altered)
    consents = {row.claimed.purpose.value: row.consent} if row.consent is not None else {}
    return eligibility.Standing(
        has_address=bool(address),
        deceased=person.deceased,
        minor_without_guardian=minor and guardian is None,
        consents=consents,
        scopes=scopes,
        altered=altered,
    )


def _level(
    kind: str, declared: Level, merged: MergedMessage, draft: Draft | None, person: PersonRecord | None
) -> Level:
    """The highest of all."""
    given = max(int(declared), merged.level, int(draft.level) if draft is not None else 0)
    return floor(kind, Level(given), person)


def floor(kind: str, level: Level, person: PersonRecord | None) -> Level:
    """Being a patient is itself health information, whatever the text says."""
    if person is not None and person.relation == "patient" and kind not in _NEUTRAL:
        return max(level, Level.HEALTH)
    return level


def _message_id(head: bytes) -> str:
    """The Message-ID of finished mail."""
    found = _MESSAGE_ID.search(head)
    return found.group(1).decode("ascii", "replace") if found else ""


def _digest(ready: ReadyMail) -> bytes:
    return hashlib.sha256(ready.head + ready.entity).digest()
