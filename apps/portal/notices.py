"""The portal's mail: the neutral notice, codes, fresh links. Everything leaves through delivery's outbox.

None of it holds health information: not in the subject, not in the text, not in the link.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

from apps.contacts.person.records import PersonRecord
from apps.content.blocks import Design, parse
from apps.content.brands import BrandFacts
from apps.content.compiling import compile_message
from apps.content.merging import merge
from apps.content.selectors import brand_facts, system_message
from apps.core import actors, clock
from apps.core.actors import Actor
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery.models.outbox import MessageKind
from apps.delivery.outbox.services.enqueue import OutboxItem, ReadyMail, enqueue
from apps.mail.compiled import CompiledMessage, Envelope, MergedMessage
from apps.organizations import selectors as organizations
from apps.portal import policy, words
from apps.vault import keys

CODE, LINK, PASSWORD, MOVED = "code", "link", "password", "moved"


def sender_name() -> str:
    """The clinic's name as patients see it."""
    return organizations.current().name or brand_facts().name


def link_address(token: str, language: str) -> str:
    """The absolute address of a notice's link: an opaque token, no name, nothing about health.

    It names the language even where that is the usual one: the browser may still speak that of who read here before.
    """
    address = settings.PUBLIC_URL + reverse("portal:link", args=[token])
    return f"{address}?lang={words.known(language)}"


def token_for(outbox_id: int) -> str:
    """The link token of delivery's message: 256 bits under the link key, the same on every attempt."""
    mac = hmac.digest(keys.ring().link, b"portal notice\0%d" % outbox_id, hashlib.sha256)
    return base64.urlsafe_b64encode(mac).decode("ascii").rstrip("=")


def notice(*, language: str, envelope: Envelope) -> MergedMessage:
    """The neutral notice in the person's language; ``envelope.portal_url`` is the link."""
    return merge(system_message("portal_notice", words.known(language)), {}, envelope)


def send(*, actor: Actor, person: PersonRecord, token: str) -> None:
    """Put a notice for a message that staff wrote into the outbox (treatment; the notice itself is neutral)."""
    made = notice(language=person.language, envelope=_envelope(person, portal_url=link_address(token, person.language)))
    _post(actor, person, made, MessageKind.NOTICE, Purpose.TREATMENT)


def send_code(*, person: PersonRecord, code: str, language: str) -> None:
    """A one-time code, to the mailbox on record."""
    made = merge(
        _account(CODE, words.known(language), brand_facts()),
        {"account": {"code": policy.spoken_code(code)}},
        _envelope(person),
    )
    _post(actors.system("portal"), person, made, MessageKind.ACCOUNT, Purpose.ACCOUNT)


def send_fresh_link(*, person: PersonRecord, token: str, language: str) -> None:
    """A fresh link for somebody who lost theirs."""
    compiled = _account(LINK, words.known(language), brand_facts())
    made = merge(compiled, {}, _envelope(person, portal_url=link_address(token, language)))
    _post(actors.system("portal"), person, made, MessageKind.ACCOUNT, Purpose.ACCOUNT)


def send_password_changed(*, person: PersonRecord, language: str) -> None:
    """Tell the mailbox that a password was set, so that its owner can object."""
    made = merge(_account(PASSWORD, words.known(language), brand_facts()), {}, _envelope(person))
    _post(actors.system("portal"), person, made, MessageKind.ACCOUNT, Purpose.ACCOUNT)


def send_address_changed(*, person: PersonRecord, language: str) -> None:
    """Tell an old mailbox (the one ``person`` carries here) that another took its place: no name, and not which."""
    made = merge(_account(MOVED, words.known(language), brand_facts()), {}, _envelope(person))
    _post(actors.system("portal"), person, made, MessageKind.ACCOUNT, Purpose.ACCOUNT)


def _post(actor: Actor, person: PersonRecord, made: MergedMessage, kind: MessageKind, purpose: Purpose) -> None:
    item = OutboxItem(
        kind=kind,
        purpose=purpose,
        level=Level.IDENTIFIER,
        person_id=person.id,
        mail=ReadyMail(person.email, made.head, made.entity),
    )
    enqueue(actor=actor, items=[item])


def _envelope(person: PersonRecord, *, portal_url: str | None = None, date: datetime | None = None) -> Envelope:
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    return Envelope(
        # No display name: a notice says to nobody but its mailbox whom it is for.
        to_address=person.email,
        date=date or clock.now(),
        message_id=f"{policy.new_secret()[:24]}@{host}",
        portal_url=portal_url,
        zone=organizations.current().zone,
    )


@lru_cache(maxsize=32)
def _account(kind: str, language: str, brand: BrandFacts) -> CompiledMessage:
    return compile_message(_design(kind, language), brand, automatic=True)


def _design(kind: str, language: str) -> Design:
    """Account mail as blocks, from the catalogue of words."""
    say = words.catalogue(language)

    def text(name: str, tone: str = "plain") -> dict[str, Any]:
        return {"type": "text", "html": say[f"mail.{kind}.{name}"], "tone": tone}

    middle: list[dict[str, Any]] = []
    if kind == CODE:
        middle = [{"type": "heading", "text": "{{ account.code }}", "level": "2", "align": "left"}]
    elif kind == LINK:
        button = {"type": "button", "label": say["mail.link.button"], "url": "{{ portal.url }}", "align": "left"}
        middle = [button]
    blocks = [
        {"type": "header", "show": "name", "align": "left"},
        {"type": "heading", "text": say[f"mail.{kind}.title"], "level": "1", "align": "left"},
        text("first"),
        *middle,
        text("last", "tint"),
        {"type": "footer", "reason": say[f"mail.{kind}.reason"], "unsubscribe": False},
    ]
    return parse(
        {
            "subject": say[f"mail.{kind}.subject"],
            "preheader": say[f"mail.{kind}.preheader"],
            "language": language,
            "blocks": [{"id": f"b{number}", **block} for number, block in enumerate(blocks, 1)],
        }
    )
