"""Ringing the worker: a help, never a need. The beat reads the same rows a moment later."""

from __future__ import annotations

import logging

from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def ring() -> None:
    """Wake a sending worker once the current transaction is committed."""
    transaction.on_commit(_ring, robust=True)


def _ring() -> None:
    from apps.delivery.tasks import dispatch_ready

    try:
        dispatch_ready.apply_async(expires=30, retry=False)
    except (OperationalError, OSError):
        log.warning("The broker is away; the schedule will send what waits.")


def ring_for_list() -> None:
    """Ask for a look at the list; it comes with the night otherwise."""
    from apps.delivery.tasks import clean_list

    try:
        clean_list.apply_async(expires=3600, retry=False)
    except (OperationalError, OSError):
        log.warning("The broker is away; the list is looked at in the night.")
