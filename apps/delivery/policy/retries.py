"""The retry schedule: how long a message waits that a mail server refused for now. Pure."""

from __future__ import annotations

from datetime import timedelta

from apps.mail.smtp_replies import Cause, Next, ReplyOutcome


def wait_before(outcome: ReplyOutcome, attempts: int) -> timedelta | None:
    """How long to wait before attempt number `attempts` + 1; None when the time is over.

    `attempts` counts those already made, from 1. Gives up after about four days, as RFC 5321 section
    4.5.4.1 advises (4 to 5 days).
    """
    if outcome.next is Next.RETRY_SOON:
        soon = (1, 5, 5, 10, 15, 30)
        if attempts <= len(soon):
            return timedelta(minutes=soon[attempts - 1])
    if outcome.next not in (Next.RETRY_SOON, Next.RETRY_LATER):
        return None
    if outcome.cause is Cause.RATE and attempts <= 6:
        # Gmail's own words for 4.7.28: stop for ten minutes, then begin again with one connection.
        return timedelta(minutes=10)
    later = (15, 30, 60, 120, 240, 480, 480, 720, 720, 720, 1440)
    if attempts > len(later):
        return None
    return timedelta(minutes=later[attempts - 1])
