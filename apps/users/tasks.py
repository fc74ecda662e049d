"""What staff accounts need on the schedule."""

from __future__ import annotations

from celery import shared_task

from apps.users import services


@shared_task
def clear_sessions() -> None:
    """Remove the sessions that ended."""
    services.sessions_clear()
