"""Celery: the queues and the whole schedule. Tasks carry ids and may be lost: rows are the truth."""

from __future__ import annotations

import logging
import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import beat_init, worker_ready
from kombu import Queue  # type: ignore[attr-defined]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

logger = logging.getLogger(__name__)

app = Celery("carelane")
app.config_from_object("django.conf:settings", namespace="CELERY")

QUEUES = ("default", "imports", "journeys", "send")
app.conf.task_queues = [Queue(name) for name in QUEUES]  # type: ignore[no-untyped-call]
app.conf.task_default_queue = "default"
app.conf.task_routes = {
    "apps.contacts.tasks.*": {"queue": "imports"},
    "apps.imports.tasks.*": {"queue": "imports"},
    "apps.journeys.tasks.*": {"queue": "journeys"},
    "apps.delivery.tasks.judge_letters": {"queue": "default"},
    "apps.delivery.tasks.suppression_work": {"queue": "imports"},
    "apps.delivery.tasks.suppression_sweep": {"queue": "imports"},
    "apps.delivery.tasks.*": {"queue": "send"},
    "apps.campaigns.tasks.*": {"queue": "send"},
}

SECONDS = 1.0
MINUTES = 60.0
SCHEDULE: dict[str, dict[str, Any]] = {
    "number-the-audit-trail": {"task": "apps.audit.tasks.number_entries", "schedule": 1 * SECONDS},
    "sign-an-audit-checkpoint": {"task": "apps.audit.tasks.sign_checkpoint", "schedule": 1 * MINUTES},
    "look-at-the-list": {"task": "apps.delivery.tasks.clean_list", "schedule": crontab(hour="3", minute="20")},
    "verify-the-audit-trail": {"task": "apps.audit.tasks.verify", "schedule": crontab(hour="3", minute="20")},
    "settle-clicks": {"task": "apps.tracking.tasks.settle_clicks", "schedule": 20 * SECONDS},
    "end-consents-that-ran-out": {"task": "apps.contacts.tasks.consents_expire", "schedule": 5 * MINUTES},
    "look-whether-stops-are-as-written": {
        "task": "apps.contacts.tasks.suppression_check",
        "schedule": 15 * MINUTES,
    },
    "clear-old-clicks": {"task": "apps.tracking.tasks.clear_clicks", "schedule": crontab(hour="3", minute="50")},
    "clear-old-reports": {"task": "apps.delivery.tasks.clear_reports", "schedule": crontab(hour="3", minute="55")},
    "look-after-imports": {"task": "apps.imports.tasks.import_sweep", "schedule": 30 * SECONDS},
    "look-after-exports-and-fills": {"task": "apps.contacts.tasks.job_sweep", "schedule": 30 * SECONDS},
    "judge-whom-letters-are-from": {"task": "apps.delivery.tasks.judge_letters", "schedule": 30 * SECONDS},
    "look-after-lists-of-opt-outs": {"task": "apps.delivery.tasks.suppression_sweep", "schedule": 30 * SECONDS},
    "note-that-the-schedule-beats": {"task": "apps.dashboard.tasks.beat", "schedule": 30 * SECONDS},
    "clear-old-sessions": {
        "task": "apps.users.tasks.clear_sessions",
        "schedule": crontab(hour="4", minute="10"),
    },
    "move-journeys-along": {"task": "apps.journeys.tasks.tick", "schedule": 15 * SECONDS},
    "send-fresh-portal-links": {"task": "apps.portal.tasks.lost_links", "schedule": 15 * SECONDS},
    "tell-old-mailboxes": {"task": "apps.portal.tasks.moved_mailboxes", "schedule": 1 * MINUTES},
    "clear-old-portal-rows": {"task": "apps.portal.tasks.clear", "schedule": crontab(minute="25")},
    "send-what-is-ready": {"task": "apps.delivery.tasks.dispatch_ready", "schedule": 2 * SECONDS},
    "look-after-campaigns": {"task": "apps.campaigns.tasks.tick", "schedule": 5 * SECONDS},
    "compare-what-was-approved": {"task": "apps.campaigns.tasks.compare", "schedule": 30 * SECONDS},
    "settle-what-dead-workers-held": {"task": "apps.delivery.tasks.recover_abandoned", "schedule": 30 * SECONDS},
}
# A tick that waited longer than its period is worthless: the next one reads the same rows.
for entry in SCHEDULE.values():
    if isinstance(entry["schedule"], float):
        entry.setdefault("options", {})["expires"] = max(entry["schedule"] * 2, 5)
app.conf.beat_schedule = SCHEDULE
app.autodiscover_tasks()


@beat_init.connect
def beat_at_once(**_: object) -> None:
    """The first beat would come half a minute after a start, and the home page would tell of a standstill till then."""
    app.send_task("apps.dashboard.tasks.beat", expires=MINUTES)


@worker_ready.connect
def note_the_environment(**_: object) -> None:
    """Settings of the environment change by a restart: each worker says what it started with."""
    from django.conf import settings
    from django.db import DatabaseError, connections

    from apps.core import actors
    from apps.organizations.services import environment_note

    try:
        environment_note(actor=actors.system("worker"), found=settings.ENVIRONMENT)
    except DatabaseError:
        logger.exception("The settings of the environment could not be noted.")
    finally:
        # The processes that carry out tasks are forked from this one: none may inherit its connection.
        connections.close_all()
