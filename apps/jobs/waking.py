"""Waking a worker: a help, never a need. One rule for a broker that is away.

Work is a row of the database. A worker that is woken reads it at once, and the schedule reads the same rows a moment
later, so a message that is lost loses no work. Whoever presses a button therefore never waits for a broker: it has half
a second to answer, one that failed is left alone for a few seconds, and no error of it goes any further.

Tasks are named by their text ("apps.delivery.tasks.dispatch_ready"), so that a low app wakes without importing
upwards; a test of the wiring holds every name against the registered tasks. Ids only, as everywhere on the wire.
"""

from __future__ import annotations

import logging
import time
from functools import lru_cache, partial

from celery import current_app
from django.db import transaction
from kombu.exceptions import KombuError
from kombu.pools import ProducerPool, producers

MOMENT = 0.5
"""Seconds that the broker has to take a connection, and again to take a message."""
REST = 5.0
"""Seconds for which a broker that failed is not asked again by this process."""
_IMPATIENT = {
    "socket_connect_timeout": MOMENT,
    "socket_timeout": MOMENT,
    # One retry without a pause, for a pooled connection that the broker has closed meanwhile.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}
_log = logging.getLogger(__name__)
_resting_until = 0.0


def wake(task: str, *ids: int, expires: float = 60) -> None:
    """Wake a worker for ``task`` once the transaction is committed; see ``wake_now``."""
    transaction.on_commit(partial(wake_now, task, *ids, expires=expires), robust=True)


def wake_now(task: str, *ids: int, expires: float = 60, queue: str | None = None) -> bool:
    """Wake a worker for ``task`` with ``ids``; whether the broker took the message. Raises nothing.

    ``expires``: seconds after which the message is worthless, because the schedule has been there. ``queue`` in place
    of the one that the task's name leads to.
    """
    global _resting_until
    if time.monotonic() < _resting_until:
        return False
    try:
        pool = _producers(current_app.conf.broker_write_url)
        with pool.acquire(block=True, timeout=MOMENT) as producer:  # type: ignore[no-untyped-call]
            where = {"queue": queue} if queue else {}
            current_app.send_task(task, args=ids, expires=expires, retry=False, producer=producer, **where)
    except (KombuError, OSError) as error:
        _resting_until = time.monotonic() + REST
        _log.warning("The broker is away (%s); the schedule will do what waits.", type(error).__name__)
        return False
    return True


@lru_cache(maxsize=4)
def _producers(url: str) -> ProducerPool:
    """Connections to the broker that do not wait long: a pool for each process."""
    connection = current_app.connection_for_write(url, transport_options=_IMPATIENT, connect_timeout=MOMENT)
    return producers[connection]
