"""What the portal does on the schedule."""

from __future__ import annotations

from celery import shared_task

from apps.portal import services


@shared_task
def lost_links() -> int:
    """Send fresh links to whoever asked."""
    return services.lost_links_answer()


@shared_task
def moved_mailboxes() -> int:
    """Tell old mailboxes that another address took their place."""
    return services.moved_mailboxes_tell()


@shared_task
def clear() -> int:
    """Remove ended sessions, used codes, old links and counters."""
    return services.sessions_clear()
