"""Test copies: of a campaign's message or of a template's draft, to staff; and what became of them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.campaigns import selectors
from apps.campaigns.models import StaffCopy
from apps.campaigns.services import locked
from apps.content import blocks, facts, variants
from apps.content import selectors as content
from apps.content.compiling import compile_message
from apps.content.merging import merge
from apps.content.models import Template
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery import selectors as delivery
from apps.delivery.models import OutboxMessage
from apps.delivery.models.outbox import MessageKind, State
from apps.delivery.outbox.story import reason_words
from apps.delivery.services import OutboxItem, ReadyMail, enqueue_one
from apps.mail.compiled import CompiledMessage, Envelope
from apps.organizations import selectors as organizations
from apps.tracking.links import unsubscribe_url
from apps.users import selectors as users
from apps.users.models import User

SHOWN = 4
SHOWN_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Tested:
    """What became of one copy, for the page it was sent from. ``why`` is a sentence, or ""."""

    at: datetime
    to: str
    language: str
    word: str
    tone: str
    icon: str
    why: str
    waits: bool


def readers(user: User) -> list[User]:
    """Who may get a test of ``user``'s: they themselves first, then colleagues who can sign in."""
    rows = [row.user for row in users.staff_rows() if row.state in ("active", "locked") and row.user.email]
    return [user, *(each for each in rows if each.pk != user.pk)]


@transaction.atomic
def campaign_test(*, actor: Actor, campaign_id: int, address: str, reader: int | None = None) -> list[int]:
    """Send a copy in each language with an invented person's facts to the ``address`` of a member of staff.

    Returns the ids of the messages. ``reader`` is the member of staff.
    """
    campaign = locked(campaign_id)
    message = selectors.compiled_draft(selectors.opened(campaign))
    found = []
    for language in message.languages:
        copy, name = message.in_language(language), f"{campaign.pk}"
        number = _enqueue(actor, copy, facts.invented_facts(), address, level=Level.PUBLIC, name=name)
        _keep(actor, number, reader, copy.language, campaign_id=campaign.pk)
        found.append(number)
    record(actor=actor, action=Action.CAMPAIGN_TEST, kind="campaign", subject=campaign.pk)
    return found


@transaction.atomic
def template_test(
    *,
    actor: Actor,
    template_id: int,
    language: str,
    address: str,
    reader: int | None = None,
    person_id: int | None = None,
) -> int:
    """Send the draft as it stands, in one language, to the ``address`` of a member of staff; returns the message's id.

    With ``person_id`` it holds what the sender may see of that person, is at least health information, and goes to
    the sender's own mailbox only. Raises Refused with a sentence.
    """
    template = Template.objects.living().filter(pk=template_id).first()
    if template is None:
        raise Refused("template.unknown", "This template no longer exists.")
    if person_id is not None and str(reader) != actor.id:
        raise Refused(
            "test_copy.of_a_person",
            "A mail with a person's data goes to your own mailbox only. Use an invented person for others.",
        )
    design = blocks.parse(content.draft_data(template))
    if language not in (design.language, *variants.started(design)):
        raise Refused("template.language_missing", "Nothing is written in this language yet.")
    compiled = compile_message(variants.in_language(design, language), content.brand_facts(template.brand))
    found, _ = content.preview_facts(actor=actor, person_id=person_id)
    # Whoever is on record here is a patient, as far as a stranger to the mailbox could tell.
    level = Level.PUBLIC if person_id is None else Level.HEALTH
    number = _enqueue(actor, compiled, found, address, level=level, name=f"t{template.pk}")
    _keep(actor, number, reader, language, template_id=template.pk)
    people = [person_id] if person_id is not None else []
    record(actor=actor, action=Action.TEMPLATE_TEST, kind="template", subject=template.pk, people=people)
    return number


def _enqueue(
    actor: Actor, compiled: CompiledMessage, given: Mapping[str, Any], address: str, *, level: Level, name: str
) -> int:
    now = clock.now()
    envelope = Envelope(
        to_address=address,
        date=now,
        message_id=f"test.{name}.{secrets.token_hex(8)}@{delivery.setup().helo}",
        zone=organizations.current().zone,
        portal_url=selectors.portal_url(),
        # Works like the real one, and stops nobody's mail: the mailbox is nobody's.
        list_unsubscribe_url=unsubscribe_url(mailbox=bytes(16), person=0, message=0, language=compiled.language),
    )
    merged = merge(compiled, given, envelope)
    item = OutboxItem(
        kind=MessageKind.TEST,
        purpose=Purpose.ACCOUNT,
        # An invented person's facts are nobody's, whatever they say.
        level=Level(max(level, merged.level)) if level else level,
        mail=ReadyMail(address, merged.head, merged.entity),
    )
    number = enqueue_one(actor=actor, item=item)
    if number is None:
        raise Refused("test_copy.not_queued", "The test could not be queued. Try again.")
    return number


def _keep(
    actor: Actor,
    number: int,
    reader: int | None,
    language: str,
    *,
    campaign_id: int | None = None,
    template_id: int | None = None,
) -> None:
    StaffCopy.objects.create(
        at=clock.now(),
        actor=str(actor),
        reader=reader,
        campaign_id=campaign_id,
        template=template_id,
        message=number,
        language=language,
    )


# -- What became of them ---------------------------------------------------------------------------------------


def last_copies(*, actor: Actor, campaign_id: int | None = None, template_id: int | None = None) -> list[Tested]:
    """The last tests that ``actor`` sent of a campaign or template, newest first."""
    rows = StaffCopy.objects.filter(actor=str(actor), at__gte=clock.now() - SHOWN_FOR)
    rows = rows.filter(campaign_id=campaign_id) if campaign_id is not None else rows.filter(template=template_id)
    copies = list(rows.order_by("-pk")[:SHOWN])
    messages = OutboxMessage.objects.in_bulk([copy.message for copy in copies])
    names = {row.user.pk: row.user.name for row in users.staff_rows()} if copies else {}
    found = []
    for copy in copies:
        row = messages.get(copy.message)
        if row is None:
            continue
        word, tone, icon, why = outcome(row.state, row.reason, row.attempts)
        to = "you" if actor.id == str(copy.reader) else names.get(copy.reader or 0, "a colleague")
        language = blocks.LANGUAGES.get(copy.language, copy.language)
        found.append(Tested(copy.at, to, language, word, tone, icon, why, row.state == State.QUEUED))
    return found


def outcome(state: str, reason: str, attempts: int) -> tuple[str, str, str, str]:
    """Word, tone, icon and reason of a message's state, as whoever sent a test wants to read them."""
    if state == State.QUEUED and not attempts:
        return "On its way", "info", "send", ""
    if state == State.QUEUED:
        return "Trying again", "caution", "clock-pause", "The mail server asked for another try."
    if state == State.SENT:
        return "Arrived", "good", "mail-check", ""
    if state == State.DOUBTFUL:
        return "In doubt", "caution", "help", "The connection broke at the end, so it may have arrived."
    if state == State.STOPPED:
        return "Stopped", "neutral", "player-stop", ""
    return "Did not arrive", "bad", "mail-x", f"{reason_words(reason)}."
