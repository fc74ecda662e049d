"""Writes of journeys. Each function: keyword-only, ``actor`` first, one transaction, one audit entry."""

from apps.journeys.services.activation import (
    journey_activate,
    journey_pause,
    journey_resume,
)
from apps.journeys.services.approvals import NotApproved, journey_approve, journey_reject, journey_submit
from apps.journeys.services.drafts import WouldVoid, draft_save, draft_undo, journey_create, journey_from_preset
from apps.journeys.services.runs import run_add, run_remove, run_retry
from apps.journeys.services.ticks import TickResult, tick

__all__ = [
    "NotApproved",
    "TickResult",
    "WouldVoid",
    "draft_save",
    "draft_undo",
    "journey_activate",
    "journey_approve",
    "journey_create",
    "journey_from_preset",
    "journey_pause",
    "journey_reject",
    "journey_resume",
    "journey_submit",
    "run_add",
    "run_remove",
    "run_retry",
    "tick",
]
