"""How the parts of the installation are, each asked now. Nothing here changes anything."""

from __future__ import annotations

import logging
import platform
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import django
from cryptography import x509
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Min

from apps.audit import sequencer
from apps.core.strangers import opening
from apps.dashboard import heartbeat, home_page
from apps.delivery.models import ReadyMessage
from apps.ui.board import Check
from apps.ui.datewords import count, span

logger = logging.getLogger(__name__)
STARTED = time.monotonic()
CLOCK_MAY_DIFFER = timedelta(seconds=2)
CERTIFICATE_SOON = timedelta(days=21)
DISK_WARN, DISK_DOWN = 0.15, 0.05  # share that is free
QUEUE_WARN, QUEUE_DOWN = timedelta(minutes=5), timedelta(minutes=30)


def web(now: datetime) -> Check:
    """This process: how long it runs, and what it is made of."""
    running = span(timedelta(seconds=time.monotonic() - STARTED))
    made_of = f"Django {django.get_version()}, Python {platform.python_version()}"
    return Check("Web", "ok", f"Running for {running}. {made_of}.", "world")


def database(now: datetime) -> Check:
    """PostgreSQL answers, and how fast."""
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version')")
        version = cursor.fetchone()[0].split(" ")[0]
    took = (time.perf_counter() - began) * 1000
    return Check("Database", "ok", f"PostgreSQL {version} answered in {took:.1f} ms.", "database")


def redis(now: datetime) -> Check:
    """The cache and broker answer."""
    began = time.perf_counter()
    cache.get("status:ping")
    took = (time.perf_counter() - began) * 1000
    return Check("Redis", "ok", f"Answered in {took:.1f} ms.", "bolt")


def worker(now: datetime) -> Check:
    """Workers that answer a call within a second.

    Nobody knows how many there are, so a call would always wait to its end. The schedule calls all of them and
    remembers how many came (``heartbeat``); this call ends with the answer of the last of those.
    """
    expected = heartbeat.workers_known()
    answers = heartbeat.call_workers(limit=expected or None)
    if answers and answers >= expected:
        return Check("Worker", "ok", f"{count(answers, 'worker')} answered.", "server")
    if answers:
        text = f"{answers} of {count(expected, 'worker')} answered. Look at the one that is missing."
        return Check("Worker", "warning", text, "server")
    return Check("Worker", "down", "No worker answered. Start one; what waits in the queue is not lost.", "server")


def schedule(now: datetime) -> Check:
    """The schedule beats every 30 seconds and a worker carries it out."""
    heard = heartbeat.last()
    if heard is None:
        return Check("Schedule", "down", "It has not run in the last day. Start Celery beat and a worker.", "clock")
    words = f"Last run {span(now - heard)} ago."
    if heartbeat.is_late(now):
        return Check("Schedule", "down", f"{words} Start Celery beat and a worker.", "clock")
    return Check("Schedule", "ok", words, "clock")


def queue(now: datetime) -> Check:
    """Mail that is due, and how long the oldest has been."""
    due = ReadyMessage.objects.filter(not_before__lte=now).aggregate(n=Count("pk"), oldest=Min("not_before"))
    if not due["n"]:
        return Check("Queue", "ok", "Nothing is due.", "mail-fast")
    age = now - due["oldest"]
    state = "down" if age > QUEUE_DOWN else "warning" if age > QUEUE_WARN else "ok"
    text = f"{count(due['n'], 'message')} due; the oldest for {span(age)}."
    return Check("Queue", state, text, "mail-fast")


def disk(now: datetime) -> Check:
    """Space where the product keeps its data."""
    place = Path(settings.CARELANE_HOME)
    while not place.exists():
        place = place.parent
    usage = shutil.disk_usage(place)
    free = usage.free / usage.total
    state = "down" if free < DISK_DOWN else "warning" if free < DISK_WARN else "ok"
    text = f"{usage.free / 1e9:,.1f} GB of {usage.total / 1e9:,.0f} GB free ({free:.0%})."
    return Check("Disk", state, text, "folder")


def strangers(now: datetime) -> Check:
    """Whether this machine can open what strangers send, as CARELANE_SANDBOX asks."""
    name = "Files of strangers"
    if opening.can_open():
        return Check(name, "ok", "Opened in processes that have nothing to lose.", "shield")
    words = "The kernel does not let them be shut in, so attachments stay closed. See CARELANE_SANDBOX."
    return Check(name, "warning", words, "shield")


def certificate(now: datetime) -> Check:
    """The certificate that browsers see at the public address."""
    address = urlsplit(settings.PUBLIC_URL)
    name = "Web certificate"
    if address.scheme != "https":
        return Check(name, "ok", "None is needed: the demo is served on this machine only.", "certificate")
    try:
        ends = _certificate_end(address.hostname or "", address.port or 443)
    except OSError as error:
        words = f"Could not be checked ({type(error).__name__}): is the public address reachable from here?"
        return Check(name, "unknown", words, "certificate")
    left = ends - now
    if left < timedelta(0):
        return Check(name, "down", f"Expired {span(left)} ago. Renew it now.", "certificate")
    state = "warning" if left < CERTIFICATE_SOON else "ok"
    return Check(name, state, f"Valid for another {span(left)}.", "certificate")


def _certificate_end(host: str, port: int) -> datetime:
    context = ssl.create_default_context()
    # An expired one is to be read, not refused; nothing is sent over this connection.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout=2) as raw,
        context.wrap_socket(raw, server_hostname=host) as tls,
    ):
        return x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"").not_valid_after_utc


def clock_check(now: datetime) -> Check:
    """The clocks of this machine and of the database agree: codes and signatures depend on them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        theirs: datetime = cursor.fetchone()[0]
    apart = abs(theirs - datetime.now(UTC))
    state = "ok" if apart < CLOCK_MAY_DIFFER else "down"
    text = f"This machine and the database differ by {apart.total_seconds():.2f} seconds."
    return Check("Clock", state, text if state == "ok" else f"{text} Turn on time synchronization.", "history")


def audit_trail(now: datetime) -> Check:
    """Signed checkpoints are written outside the database."""
    known = sequencer.last_checkpoint()
    if known is None:
        return Check(
            "Audit trail", "unknown", "No checkpoint is signed yet; the schedule signs one a minute.", "list-check"
        )
    at = datetime.fromisoformat(known.at)
    text = f"Last signed checkpoint {span(now - at)} ago, at entry {known.sequence:,}."
    return Check("Audit trail", "ok", text, "list-check")


CHECKS: list[tuple[str, Callable[[datetime], Check]]] = [
    ("Web", web),
    ("Database", database),
    ("Redis", redis),
    ("Worker", worker),
    ("Schedule", schedule),
    ("Queue", queue),
    ("Disk", disk),
    ("Files of strangers", strangers),
    ("Web certificate", certificate),
    ("Clock", clock_check),
    ("Audit trail", audit_trail),
]


# They wait for others and use no database connection: they run beside the rest.
SLOW = {"Worker", "Web certificate"}


def checks(now: datetime) -> Iterator[Check]:
    """Every check, in order; a part that does not even answer is down. Then what the apps' ``home.py`` add."""
    with ThreadPoolExecutor(len(SLOW)) as pool:
        begun = {name: pool.submit(copy_context().run, ask, now) for name, ask in CHECKS if name in SLOW}
        found = {name: _asked(name, partial(ask, now)) for name, ask in CHECKS if name not in SLOW}
        found |= {name: _asked(name, future.result) for name, future in begun.items()}
    yield from (found[name] for name, _ in CHECKS)
    for module in home_page.modules():
        if hasattr(module, "checks"):
            try:
                yield from module.checks(now)
            except Exception:  # as above
                logger.exception("status: %s failed", module.__name__)
                yield Check(module.__name__.split(".")[1].capitalize(), "down", "Does not answer.", "alert-triangle")


def _asked(name: str, ask: Callable[[], Check]) -> Check:
    try:
        return ask()
    except Exception:  # a part that cannot be asked is what this page is for
        logger.exception("status: %s failed", name)
        return Check(name, "down", "Does not answer. The log says why.", "alert-triangle")


def healthy() -> bool:
    """Whether a load balancer may send people here: database and Redis answer."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        cache.get("status:ping")
    except Exception:  # whatever it is, the answer is no
        logger.exception("health check failed")
        return False
    return True
