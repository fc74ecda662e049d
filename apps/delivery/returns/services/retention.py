"""Reports of mail servers that were understood are kept for a while; letters are correspondence and stay."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.core import clock
from apps.core.actors import Actor
from apps.delivery.models import InboundMail

BATCH = 1_000


def reports_clear(*, actor: Actor) -> int:
    """Remove reports that were understood and are older than ``CARELANE_KEEP_REPORTS_DAYS``; returns how many.

    What they changed (the message, its evidence, the timeline, suppressions) stays. A report that proves no message
    of ours, an automatic answer and whatever staff moved to the letters is correspondence: it is never removed here.
    """
    before = clock.now() - timedelta(days=settings.KEEP_REPORTS_DAYS)
    old = InboundMail.objects.exclude(kind=InboundMail.InboundKind.REPLY).filter(
        sorting__in=InboundMail.UNDERSTOOD, received_at__lt=before
    )
    cleared = 0
    while True:
        with transaction.atomic():
            ids = list(
                old.order_by("received_at").select_for_update(skip_locked=True).values_list("pk", flat=True)[:BATCH]
            )
            if ids:
                InboundMail.objects.filter(pk__in=ids).delete()
                record(actor=actor, action=Action.MAIL_CLEAR, kind="mail", codes={"count": len(ids)})
        cleared += len(ids)
        if len(ids) < BATCH:
            return cleared
