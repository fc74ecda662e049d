"""The one way out: claim, send, write, until nothing is ready or the time is over."""

from __future__ import annotations

import queue
import time
from collections import Counter
from dataclasses import dataclass

from apps.core import clock
from apps.core.actors import Actor
from apps.delivery import selectors
from apps.delivery.models import ReadyMessage
from apps.delivery.models.outbox import Stream
from apps.delivery.mx import Resolver
from apps.delivery.services import claiming, results, slots
from apps.delivery.services.jobs import Batch
from apps.delivery.services.sender import Answer, Sender
from apps.delivery.services.slots import Fenced, Lease

# A claim holds no more than two seconds' worth of sending.
_SECONDS_WORTH = 2.0
_FIRST_CLAIM, _SMALLEST, _LARGEST = 256, 64, 4096
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
    setup = selectors.setup()
    deadline = time.monotonic() + seconds
    rate = _FIRST_CLAIM / _SECONDS_WORTH
    sender = Sender(selectors.dialogue(setup), setup, selectors.transport(), resolver)
    try:
        with sender:
            while time.monotonic() < deadline:
                began = time.monotonic()
                batch = _next_batch(actor, lease, rate, lanes or setup.lanes, setup.lanes_per_domain)
                if batch is None:
                    break
                total["held"] += batch.held
                total["failed"] += batch.failed
                if batch.size:
                    counts = _send(actor, lease, sender, batch)
                    total += counts
                    begun = batch.size - counts["returned"]
                    rate = max(begun / max(time.monotonic() - began, 0.001), 1.0)
                if sender.measures:
                    results.write_measures(list(sender.measures.values()))
                    sender.measures.clear()
    except Fenced:
        # Somebody else settles what this slot held.
        pass
    else:
        slots.release(lease)
    names = Dispatched.__dataclass_fields__
    return Dispatched(**{name: total[name] for name in names})


def _next_batch(actor: Actor, lease: Lease, rate: float, lanes: int, per_domain: int) -> Batch | None:
    """The next claim of the most urgent stream that has something ready."""
    limit = max(_SMALLEST, min(_LARGEST, int(rate * _SECONDS_WORTH)))
    for stream in _ORDER:
        batch = claiming.claim(
            actor=actor, lease=lease, stream=stream.value, limit=limit, lanes=lanes, per_domain=per_domain
        )
        if batch.claimed:
            return batch
    return None


def _send(actor: Actor, lease: Lease, sender: Sender, batch: Batch) -> Counter[str]:
    """Put a batch on the wire and commit its answers in groups until every lane has ended."""
    counts: Counter[str] = Counter()
    sender.start(batch.lanes)
    ended = False
    try:
        while not ended:
            waiting: list[Answer] = []
            item = sender.answers.get()
            while True:
                if item is None:
                    ended = True
                else:
                    waiting.append(item)
                try:
                    item = sender.answers.get_nowait()
                except queue.Empty:
                    break
            if waiting:
                counts += results.write(actor=actor, lease=lease, done=[a.done for a in waiting])
                sender.release(waiting)
    except BaseException:
        sender.halt()
        raise
    return counts
