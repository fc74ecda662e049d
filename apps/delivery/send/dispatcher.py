"""The one way out: claim, send, write, until nothing is ready or the time is over."""

from __future__ import annotations

import contextlib
import gc
import queue
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction

from apps.core import clock
from apps.core.actors import Actor
from apps.delivery import selectors
from apps.delivery.models import ReadyMessage
from apps.delivery.models.outbox import Stream
from apps.delivery.send import claiming, results, slots
from apps.delivery.send.batch import Batch
from apps.delivery.send.connections import Answer, LaneEnd, Sender
from apps.delivery.send.slots import Fenced, Lease
from apps.mail.mx import Resolver
from apps.organizations import selectors as organizations

# A claim holds no more than two seconds' worth of sending.
_SECONDS_WORTH = 2.0
# A claim older than this is not begun any more.
CLAIM_SECONDS = 5.0
_RENEW_SECONDS = 15.0
# How long a pause or a stop may go unseen by a worker that holds messages of it.
_LOOK_SECONDS = 0.25
# After a first answer the others are given this long to share its commit, which costs two or three times as much
# computing as a message. When all lanes have answered nobody waits.
_GROUP_SECONDS = 0.008
_FIRST_CLAIM, _SMALLEST, _LARGEST = 256, 64, 4096
# Allocated containers before each look for cycles, and how often the older ones are looked at as well.
_COLLECT_AFTER = (100_000, 50, 1_000)
_ORDER = (Stream.URGENT, Stream.TRANSACTIONAL, Stream.BULK)


@dataclass(frozen=True)
class Dispatched:
    """What one run did. `retried` wait for another attempt, `returned` were claimed and not begun."""

    sent: int = 0
    failed: int = 0
    bounced: int = 0
    held: int = 0
    doubtful: int = 0
    retried: int = 0
    returned: int = 0


def dispatch(
    *, actor: Actor, seconds: float = 45.0, lanes: int | None = None, resolver: Resolver | None = None
) -> Dispatched:
    """Send what is ready, urgent streams first. Does nothing when all slots are held by others.

    Every connection carries one message at a time and goes on only when its answer is committed.
    """
    slots.recover(actor=actor)
    if not ReadyMessage.objects.filter(not_before__lte=clock.now()).exists():
        return Dispatched()
    lease = slots.acquire()
    if lease is None:
        return Dispatched()
    total: Counter[str] = Counter()
    with _seldom_collecting():
        _run(actor, lease, seconds, lanes, resolver, total)
    names = Dispatched.__dataclass_fields__
    return Dispatched(**{name: total[name] for name in names})


def _run(
    actor: Actor, lease: Lease, seconds: float, lanes: int | None, resolver: Resolver | None, total: Counter[str]
) -> None:
    """Claim, send and write under a lease, counting into `total`."""
    setup = selectors.setup()
    deadline = time.monotonic() + seconds
    rate = _FIRST_CLAIM / _SECONDS_WORTH
    sender = Sender(
        selectors.dialogue(setup),
        setup,
        selectors.transport(),
        organizations.current().timezone,
        resolver or selectors.resolver(),
    )
    numbers = range(lanes or setup.lanes)
    try:
        with sender:
            while time.monotonic() < deadline:
                free = [n for n in numbers if n not in sender.busy]
                began = time.monotonic()
                batch = _next_batch(actor, lease, rate, free, setup.lanes_per_domain) if free else None
                if batch is None:
                    if not sender.busy:
                        break
                    # A slow server holds a lane; meanwhile others may have become ready.
                    total.update(_collect(actor, lease, sender, seconds=1.0))
                    continue
                total["held"] += batch.held
                total["failed"] += batch.failed
                if batch.size:
                    sender.start(batch.lanes)
                    counts = _collect(actor, lease, sender, seconds=CLAIM_SECONDS)
                    total.update(counts)
                    begun = batch.size - counts["returned"]
                    rate = max(begun / max(time.monotonic() - began, 0.001), 1.0)
            while sender.busy:
                total.update(_collect(actor, lease, sender, seconds=CLAIM_SECONDS))
    except Fenced:
        # Somebody else settles what this slot held.
        pass
    else:
        slots.release(lease)


@contextlib.contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Have the collector of cycles look less often: a claim makes a million objects that die by themselves when it
    is sent, and looking through them again and again cost as much as sealing them.
    """
    before = gc.get_threshold()
    gc.set_threshold(*_COLLECT_AFTER)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _next_batch(actor: Actor, lease: Lease, rate: float, lanes: Sequence[int], per_domain: int) -> Batch | None:
    """The next claim of the most urgent stream that has something ready."""
    limit = max(_SMALLEST, min(_LARGEST, int(rate * _SECONDS_WORTH)))
    for stream in _ORDER:
        batch = claiming.claim(
            actor=actor, lease=lease, stream=stream.value, limit=limit, lanes=lanes, per_domain=per_domain
        )
        if batch.claimed:
            return batch
    return None


def _collect(actor: Actor, lease: Lease, sender: Sender, *, seconds: float) -> Counter[str]:
    """Commit answers in groups until every lane has ended, or for `seconds`.

    After that, or when somebody paused or stopped what is sent, the lanes keep only what is on the wire: what they
    have not begun is queued again, because consent was read with its claim, and because a server that hangs must not
    hold up others.
    """
    counts: Counter[str] = Counter()
    until = time.monotonic() + seconds
    look, renewal = time.monotonic() + _LOOK_SECONDS, time.monotonic() + _RENEW_SECONDS
    relieved = False
    try:
        while sender.busy:
            now = time.monotonic()
            left = until - now
            stopped = False
            if now >= look and not relieved:
                stopped, look = selectors.any_stopped(sender.sources), now + _LOOK_SECONDS
            if (left <= 0 or stopped) and not relieved:
                sender.relieve()
                relieved = True
            waiting, nothing = _gather(sender, 0.05 if relieved else min(left, _LOOK_SECONDS))
            if waiting:
                counts += results.write(actor=actor, lease=lease, done=[a.done for a in waiting], zone=sender.zone)
                sender.release(waiting)
            elif nothing and relieved:
                break
            elif nothing and now >= renewal:
                renewal = now + _RENEW_SECONDS
                with transaction.atomic():
                    slots.renew(lease, clock.now())
        if sender.measures:
            found = list(sender.measures.values())
            sender.measures.clear()
            results.write_measures(found)
    except BaseException:
        sender.halt()
        raise
    return counts


def _gather(sender: Sender, seconds: float) -> tuple[list[Answer], bool]:
    """What is answered by now or in a moment (waiting for the first), and whether nothing came at all.

    Every busy lane has one message on the wire: when all have answered, nothing more can come.
    """
    waiting: list[Answer] = []
    came = False
    try:
        item = sender.answers.get(timeout=seconds)
        until = time.monotonic() + _GROUP_SECONDS
        while True:
            came = True
            if isinstance(item, LaneEnd):
                sender.busy.pop(item.lane, None)
            else:
                waiting.append(item)
            left = until - time.monotonic() if len(waiting) < len(sender.busy) else 0.0
            item = sender.answers.get(timeout=left) if left > 0 else sender.answers.get_nowait()
    except queue.Empty:
        return waiting, not came
