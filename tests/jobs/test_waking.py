"""A worker is woken after the commit; a broker that is away costs nobody more than a moment, and loses no work."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator

import pytest
from celery import Celery, current_app
from django.db import transaction

from apps.jobs import waking
from config.celery import app

TASK = "apps.delivery.tasks.dispatch_ready"


@pytest.fixture(autouse=True)
def asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker has failed yet."""
    monkeypatch.setattr(waking, "_resting_until", 0.0)


@pytest.fixture
def memory() -> Iterator[Celery]:
    """A broker in memory, with our queues and routes."""
    other = Celery("woken", broker="memory://", set_as_current=True)
    other.conf.task_queues, other.conf.task_routes = app.conf.task_queues, app.conf.task_routes
    yield other
    app.set_current()


def messages(broker: Celery, queue: str) -> list[tuple[str, list[int]]]:
    """What waits in a queue: task and ids."""
    with broker.connection_for_read() as connection:
        waiting = connection.SimpleQueue(queue)
        found = []
        while waiting.qsize():
            message = waiting.get_nowait()
            message.ack()
            found.append((message.headers["task"], message.payload[0]))
        return found


@pytest.mark.django_db(transaction=True)
def test_the_worker_is_woken_when_the_rows_are_there(memory: Celery) -> None:
    with transaction.atomic():
        waking.wake("apps.imports.tasks.import_work", 7)
        assert messages(memory, "imports") == []
    assert messages(memory, "imports") == [("apps.imports.tasks.import_work", [7])]


@pytest.mark.django_db(transaction=True)
def test_nobody_is_woken_for_what_was_undone(memory: Celery) -> None:
    with transaction.atomic():
        waking.wake(TASK)
        transaction.set_rollback(True)
    assert messages(memory, "send") == []


def test_the_name_leads_to_its_queue_unless_another_is_named(memory: Celery) -> None:
    assert waking.wake_now("apps.campaigns.tasks.draw", 3, 5)
    assert waking.wake_now("apps.campaigns.tasks.draw", 4, queue="default")
    assert messages(memory, "send") == [("apps.campaigns.tasks.draw", [3, 5])]
    assert messages(memory, "default") == [("apps.campaigns.tasks.draw", [4])]


@pytest.fixture(params=["refuses", "says nothing"])
def absent(request: pytest.FixtureRequest) -> Iterator[Celery]:
    """A Redis that is away: nobody listens, or whoever listens is stuck."""
    with socket.socket() as stuck:
        stuck.bind(("127.0.0.1", 0))
        if request.param == "says nothing":
            stuck.listen(5)
        yield Celery("away", broker=f"redis://127.0.0.1:{stuck.getsockname()[1]}/0", set_as_current=True)
    app.set_current()


@pytest.mark.django_db(transaction=True)
def test_an_absent_broker_costs_a_moment_once(absent: Celery, caplog: pytest.LogCaptureFixture) -> None:
    assert current_app.conf.broker_url == absent.conf.broker_url
    began = time.monotonic()
    with caplog.at_level(logging.WARNING), transaction.atomic():
        for number in range(20):
            waking.wake(TASK, number)
    assert time.monotonic() - began < 10 * waking.MOMENT, "each would have waited for six seconds"
    assert len(caplog.records) == 1, "asked once, told once"
    assert not waking.wake_now(TASK)


def test_after_a_rest_the_broker_is_asked_again(memory: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(waking, "_resting_until", now + waking.REST)
    assert not waking.wake_now(TASK)
    monkeypatch.setattr(time, "monotonic", lambda: now + waking.REST + 1)
    assert waking.wake_now(TASK)
