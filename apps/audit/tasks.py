"""Doorbells of the audit trail."""

from __future__ import annotations

from celery import shared_task

from apps.audit import sequencer


@shared_task
def number_entries() -> None:
    sequencer.number_entries()


@shared_task
def sign_checkpoint() -> None:
    sequencer.number_entries()
    sequencer.sign_checkpoint()
