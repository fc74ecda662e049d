"""Sending, and looking after what is sent. Each message can be lost: the next one reads the same rows."""

from __future__ import annotations

import contextlib

from celery import shared_task

from apps.core import actors, clock
from apps.core.errors import Refused
from apps.delivery import services
from apps.delivery.letters.services import letters_judge
from apps.delivery.returns.services import reports_clear
from apps.delivery.suppressions import services as suppressions
from apps.jobs import waking


@shared_task(ignore_result=True)
def dispatch_ready(**_: object) -> None:
    """Send what is ready, for a while: other queues of the same worker want their turn too."""
    services.dispatch(actor=actors.system("dispatcher"), seconds=20)


@shared_task(ignore_result=True)
def recover_abandoned(**_: object) -> None:
    """Look after messages whose worker is gone."""
    services.recover(actor=actors.system("dispatcher"))


@shared_task(ignore_result=True)
def clean_list(**_: object) -> None:
    """The nightly look at the list. A run that is at work already is enough."""
    with contextlib.suppress(Refused):
        services.clean_list(actor=actors.system("beat"))


@shared_task(ignore_result=True)
def judge_letters(**_: object) -> None:
    """Judge whom letters are from; the DNS may take its time, so this is no work of the queue that sends."""
    letters_judge(actor=actors.system("receiver"))


@shared_task(ignore_result=True)
def clear_reports(**_: object) -> None:
    """Remove reports of mail servers whose time is over."""
    reports_clear(actor=actors.system("beat"))


@shared_task(acks_late=True)
def suppression_work(job_id: int) -> None:
    """Take in a list of opt-outs, or write an export of suppressions."""
    suppressions.work(job_id)


@shared_task
def suppression_sweep() -> None:
    """Wake workers for jobs that nobody holds; delete files that nobody needs."""
    for job_id in suppressions.due(clock.now()):
        waking.wake_now("apps.delivery.tasks.suppression_work", job_id)
    suppressions.files_clear(actor=actors.system("beat"))
