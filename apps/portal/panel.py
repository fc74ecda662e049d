"""The person page's card about the portal: can this patient get in, and what is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from apps.contacts.person.records import PersonRecord
from apps.core import clock
from apps.core.permissions import Permission, allows, role_of
from apps.inbox import selectors as inbox
from apps.portal.models import Conversation, PortalAccount, PortalSession, SecureMessage
from apps.portal.policy import IDLE


def portal_access(request: HttpRequest, record: PersonRecord) -> Mapping[str, Any]:
    """Variables of ``portal/panels/access.html``."""
    now = clock.now()
    role = role_of(request)
    account = PortalAccount.objects.filter(person_id=record.id).first()
    sessions = PortalSession.objects.filter(person_id=record.id, ended_at__isnull=True, seen_at__gt=now - IDLE).count()
    messages = SecureMessage.objects.filter(person_id=record.id)
    return {
        "person_id": record.id,
        "account": account,
        "locked": account is not None and account.is_locked(now),
        "has_birth_date": record.birth_date is not None,
        "sessions": sessions,
        "waiting": messages.filter(read_at__isnull=True, expires_at__gt=now).count(),
        "read": messages.filter(read_at__isnull=False).count(),
        "conversations": list(Conversation.objects.filter(person_id=record.id).order_by("-place")[:5])
        if allows(role, Permission.INBOX_VIEW)
        else [],
        "tasks": inbox.tasks_about(record.id, role),
        "may_unlock": allows(role, Permission.INBOX_REPLY),
    }
