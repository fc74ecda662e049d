"""The heartbeat: proof that the schedule beats and a worker answers."""

from __future__ import annotations

from celery import shared_task

from apps.dashboard import heartbeat


@shared_task
def beat() -> None:
    heartbeat.note()
    heartbeat.note_workers()
