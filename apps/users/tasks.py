"""What staff accounts need on the schedule."""

from __future__ import annotations

from celery import shared_task
from django.contrib.sessions.models import Session

from apps.core import clock


@shared_task
def clear_sessions() -> None:
    Session.objects.filter(expire_date__lt=clock.now()).delete()
