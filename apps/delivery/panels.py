"""Our sections of the person page: the messages with their routes, and the keys."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from apps.contacts.panels import Panel, register
from apps.contacts.records import PersonRecord
from apps.core import clock
from apps.core.permissions import Permission, may
from apps.delivery import selectors, story
from apps.delivery.forms import RecipientKeyForm
from apps.delivery.models import OutboxMessage, RecipientKey

SHOWN = 100


def messages(request: HttpRequest, record: PersonRecord) -> dict[str, Any]:
    """The newest messages to this person, without opening any."""
    rows = OutboxMessage.objects.filter(person_id=record.id).defer("content", "record", "evidence")
    found = list(rows.order_by("-pk")[:SHOWN])
    language = import_string(settings.DELIVERY_LANGUAGE) if settings.DELIVERY_LANGUAGE else lambda _skeleton: ""
    return {
        "rows": [(row, story.reason_words(row.reason), language(row.skeleton_id)) for row in found],
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
