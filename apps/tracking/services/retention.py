"""Clicks are kept for a while, their counts for good."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.core.actors import Actor

BATCH = 20_000

_CLEAR = """
WITH old AS (
    SELECT id FROM tracking_click WHERE at < %s AND settled_at IS NOT NULL ORDER BY at LIMIT %s FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM tracking_click c USING old WHERE c.id = old.id RETURNING c.campaign, c.journey, c.target, c.machine
), counted AS (
    INSERT INTO tracking_clicktotal (campaign, journey, target, machine, count)
    SELECT campaign, journey, target, machine, count(*) FROM gone GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (campaign, journey, target, machine)
    DO UPDATE SET count = tracking_clicktotal.count + excluded.count
)
SELECT count(*) FROM gone
"""


def clicks_clear(*, actor: Actor, now: datetime) -> int:
    """Remove settled clicks older than ``CARELANE_KEEP_CLICKS_DAYS``, adding them to their totals; returns how many.

    What a person clicked stays in the sealed timeline as long as the person does. A batch is one statement, so that a
    crash counts nothing twice.
    """
    before = now - timedelta(days=settings.KEEP_CLICKS_DAYS)
    cleared = 0
    while True:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(_CLEAR, [before, BATCH])
                count = int(cursor.fetchone()[0])
            if count:
                record(actor=actor, action=Action.CLICK_CLEAR, kind="click", codes={"count": count})
        cleared += count
        if count < BATCH:
            return cleared
