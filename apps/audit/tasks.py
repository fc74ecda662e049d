"""Numbering, signing and verifying the audit trail on the schedule."""

from __future__ import annotations

from celery import shared_task

from apps.audit import sequencer
from apps.audit.services import reviews
from apps.core import actors


@shared_task
def number_entries() -> None:
    sequencer.number_entries()


@shared_task
def sign_checkpoint() -> None:
    sequencer.number_entries()
    sequencer.sign_checkpoint()


@shared_task
def verify() -> None:
    """Check the whole trail; the page and the home page tell when it was not whole."""
    reviews.trail_verify(actor=actors.system("beat"))
