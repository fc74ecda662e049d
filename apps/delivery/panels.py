"""Our sections of the person page: the messages with their routes, and the keys."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from apps.contacts.person.panels import Panel, register
from apps.contacts.person.records import PersonRecord
from apps.contacts.person.selectors import former_records
from apps.core import clock
from apps.core.permissions import Permission, may
from apps.delivery import selectors
from apps.delivery.forms import RecipientKeyForm
from apps.delivery.models import InboundMail, OutboxMessage, RecipientKey
from apps.delivery.outbox import story
from apps.delivery.policy.routing import HELD_HINTS, HELD_WORDS, Held
from apps.delivery.send import sources

SHOWN = 100


def messages(request: HttpRequest, record: PersonRecord) -> dict[str, Any]:
    """The newest messages to this person, without opening any, and what was held back before there was one."""
    people = [record.id, *former_records(record.id)]
    rows = OutboxMessage.objects.filter(person_id__in=people).defer("content", "record", "evidence")
    found = list(rows.order_by("-pk")[:SHOWN])
    language = import_string(settings.DELIVERY_LANGUAGE) if settings.DELIVERY_LANGUAGE else lambda _skeleton: ""
    names = sources.names_of((row.kind, row.source_id) for row in found)
    letters = InboundMail.objects.filter(person_id=record.id, kind=InboundMail.InboundKind.REPLY)
    return {
        # Nobody is named by a letter before it is proven or staff said so; then it stands among their messages.
        "letters": letters.order_by("-pk").defer("sealed", "raw")[:SHOWN]
        if may(request, Permission.INBOX_VIEW)
        else (),
        "rows": [
            (
                row,
                names.get((row.kind, row.source_id or 0), ""),
                story.reason_words(row.reason),
                language(row.skeleton_id),
            )
            for row in found
        ],
        "left_out": [
            {"at": each.at, "name": each.name, "word": HELD_WORDS[Held(each.held)], "hint": HELD_HINTS[Held(each.held)]}
            for each in sources.left_out_of(record.id)
        ],
        "may_open": may(request, Permission.DELIVERY_VIEW),
        "shown": SHOWN,
        "more": len(found) == SHOWN,
    }


def keys(request: HttpRequest, record: PersonRecord) -> dict[str, Any]:
    """The keys in use, and the form that adds one."""
    now = clock.now()
    rows = RecipientKey.objects.filter(person_id=record.id, state=RecipientKey.KeyState.ACTIVE).order_by("kind")
    return {
        "keys": [
            {
                "row": row,
                "key": selectors.open_key(row, record.profile_key),
                "expired": row.expires is not None and row.expires <= now,
            }
            for row in rows
        ],
        "form": RecipientKeyForm(),
        "person_id": record.id,
        "may_edit": may(request, Permission.CONTACT_EDIT),
    }


def register_all() -> None:
    """Called when the app is ready."""
    register(Panel("messages", "Messages", "delivery/panels/messages.html", messages, order=20))
    register(Panel("keys", "Encryption keys", "delivery/panels/keys.html", keys, order=60))
