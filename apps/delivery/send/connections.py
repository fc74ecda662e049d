"""The wire: an event loop in a thread of its own that knows nothing of the database.

Each lane works through its jobs in order over one connection at a time. After every answer it waits until the
main thread has committed it; only then does it go on.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from apps.delivery.policy.routing import effective_class
from apps.delivery.send.batch import Done, Job, Measure
from apps.delivery.settings.setup import Setup
from apps.mail.mx import Host, LookupFault, Resolver, Target, find
from apps.mail.smtp import Connection, Dialogue, Result, Unreachable, UnsafeAddress, connect, result_json
from apps.mail.smtp_replies import Cause, Fault, Next, Phase, ReplyOutcome, of_fault
from apps.mail.tls import TlsClass

log = logging.getLogger(__name__)

_IDLE_SECONDS = 8.0


@dataclass
class Answer:
    """A finished job for the main thread; `release` lets its lane go on."""

    done: Done
    release: asyncio.Future[None] | None


@dataclass
class LaneEnd:
    """A lane has worked through its jobs."""

    lane: int


@dataclass
class Sender:
    """Start with `with Sender(...) as sender`; connections outlive a batch for a few seconds."""

    dialogue: Dialogue
    setup: Setup
    transport: Mapping[str, Host]
    zone: ZoneInfo
    resolver: Resolver | None = None
    answers: queue.SimpleQueue[Answer | LaneEnd] = field(default_factory=queue.SimpleQueue)
    # Lane number to the jobs it has not begun. A lane is busy until its `LaneEnd` was taken from `answers`.
    busy: dict[int, deque[Job]] = field(default_factory=dict)
    # Campaigns and journeys whose messages the lanes hold, as (kind, id).
    sources: set[tuple[str, int]] = field(default_factory=set)
    measures: dict[str, Measure] = field(default_factory=dict)
    _idle: dict[str, list[tuple[float, Connection]]] = field(default_factory=dict)
    _targets: dict[str, Target] = field(default_factory=dict)
    _closed: dict[str, Result] = field(default_factory=dict)
    _stop: bool = False

    def __enter__(self) -> Sender:
        # Who owns the relay was checked when the message was decided; here only what it promises counts.
        self._relay = self.setup.table(baa_in_force=True).relay
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="smtp", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop = True
        try:
            self._call(self._close_idle(0)).result(timeout=20)
        finally:
            self._call(self._cancel_all()).result(timeout=20)
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(timeout=20)
            if not self._thread.is_alive():
                self.loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def _call(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def start(self, lanes: Mapping[int, Sequence[Job]]) -> None:
        """Begin a batch, by lane number; its answers come through `answers`, and `LaneEnd` for each lane."""
        if not self.busy:
            self.sources.clear()
        self.sources |= {(j.kind, j.source_id) for jobs in lanes.values() for j in jobs if j.source_id is not None}
        for number, jobs in lanes.items():
            self.busy[number] = deque(jobs)
        self._call(self._batch(list(lanes)))

    def relieve(self) -> None:
        """Take from the lanes what they have not begun: it comes back as answers, to be queued again."""
        self.loop.call_soon_threadsafe(self._relieve)

    def _relieve(self) -> None:
        for jobs in self.busy.values():
            while jobs:
                self.answers.put(Answer(Done(jobs.popleft(), None), None))

    def release(self, answers: Sequence[Answer]) -> None:
        """The answers are committed: let their lanes go on."""
        self.loop.call_soon_threadsafe(_release, [a.release for a in answers if a.release is not None])

    def halt(self) -> None:
        """Begin nothing more: the database cannot be written, or the slot was lost."""
        self._stop = True

    async def _cancel_all(self) -> None:
        """Lanes that still wait for a commit that will not come."""
        others = [t for t in asyncio.all_tasks(self.loop) if t is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _batch(self, numbers: Sequence[int]) -> None:
        self._closed.clear()
        await self._close_idle(_IDLE_SECONDS)
        await asyncio.gather(*(self._lane(number) for number in numbers))

    async def _lane(self, number: int) -> None:
        """Work through the jobs of a lane, one after the other, each only when the one before is committed."""
        jobs = self.busy[number]
        connection: Connection | None = None
        try:
            while jobs and not self._stop:
                job = jobs.popleft()
                if connection is not None and not self._fits(connection, job):
                    await self._leave(connection)
                    connection = None
                done, connection = await self._one(job, connection)
                if self._stop:
                    # Nothing can be written any more; whoever recovers this slot decides.
                    return
                waiter: asyncio.Future[None] = self.loop.create_future()
                self.answers.put(Answer(done, waiter))
                await waiter
        finally:
            if connection is not None and not connection.spent:
                self._park(connection)
            elif connection is not None:
                await connection.quit()
            self.answers.put(LaneEnd(number))

    def _fits(self, connection: Connection, job: Job) -> bool:
        target = self._targets.get(job.domain)
        return connection.usable and not connection.spent and target is not None and connection.host in target.hosts

    async def _leave(self, connection: Connection) -> None:
        """Keep a connection for others; one that has carried enough says goodbye."""
        if connection.spent:
            await connection.quit()
        else:
            self._park(connection)

    async def _one(self, job: Job, connection: Connection | None) -> tuple[Done, Connection | None]:
        """One job over `connection` or a new one.

        A server that ends a connection which has carried messages says nothing about this one: it goes over the next
        connection at once. On a fresh connection the same answer counts, so this ends.
        """
        while True:
            done, connection, worn = await self._over(job, connection)
            if not worn:
                return done, connection
            connection = None

    async def _over(self, job: Job, connection: Connection | None) -> tuple[Done, Connection | None, bool]:
        closed = self._closed.get(job.domain)
        if closed is not None:
            return Done(job, closed.outcome, result_json(closed) | {"skipped": True}), connection, False
        if connection is None:
            try:
                connection = await self._connection(job.domain)
            except LookupFault as e:
                result = Result(of_fault(Phase.LOOKUP, e.fault), Phase.LOOKUP, fault=e.fault, usable=False)
                self._closed[job.domain] = result
                return Done(job, result.outcome, result_json(result)), None, False
            except Unreachable as e:
                host = self._targets[job.domain].hosts[0]
                result = e.result(host)
                self._closed[job.domain] = result
                return Done(job, result.outcome, {"mx": host.name} | result_json(result)), None, False
            except Exception as e:  # noqa: BLE001 - nothing was said yet, and the other lanes must go on
                log.error("Message %d found no connection: %s", job.id, type(e).__name__)
                result = Result(of_fault(Phase.CONNECT, Fault.REFUSED), Phase.CONNECT, fault=Fault.REFUSED)
                return Done(job, result.outcome, result_json(result)), None, False
        relayed = self._targets[job.domain].relay
        whole = effective_class(connection.tls.tls_class, self._relay if relayed else None)
        if whole < job.mail.minimum:
            result = Result(of_fault(Phase.MAIL, Fault.TLS_TOO_WEAK), Phase.MAIL, fault=Fault.TLS_TOO_WEAK)
        else:
            result = await self._talk(job, connection)
            if result.worn:
                return Done(job, None), None, True
        evidence = connection.evidence(result)
        if relayed:
            evidence["relay"] = True
        if result.outcome.slow_provider and result.outcome.cause is Cause.RATE:
            self._closed[job.domain] = result
        weak = result.fault is Fault.TLS_TOO_WEAK
        return Done(job, result.outcome, evidence, weak=weak), connection if connection.usable else None, False

    async def _talk(self, job: Job, connection: Connection) -> Result:
        try:
            return await connection.send(job.mail)
        except UnsafeAddress:
            return Result(ReplyOutcome(Next.GIVE_UP, Cause.CONTENT), Phase.MAIL)
        except Exception as e:  # noqa: BLE001 - a fault of ours in mid-dialogue: it may have gone out
            log.error("Message %d broke off: %s", job.id, type(e).__name__)
            connection.usable = False
            return Result(of_fault(Phase.BODY, Fault.DROPPED), Phase.BODY, fault=Fault.DROPPED, usable=False)

    async def _connection(self, domain: str) -> Connection:
        for_domain = self._idle.get(domain, [])
        while for_domain:
            since, connection = for_domain.pop()
            if connection.usable and time.monotonic() - since < _IDLE_SECONDS:
                return connection
            await connection.quit()
        target = self._targets.get(domain)
        if target is None:
            target = await find(domain, transport=self.transport, relay=self.setup.relay_host, resolver=self.resolver)
            self._targets[domain] = target
        last: Unreachable | None = None
        for host in target.hosts[:4]:
            try:
                connection = await connect(host, self.dialogue)
            except Unreachable as e:
                last = e
                continue
            tls = connection.tls
            if not target.relay:
                self.measures[domain] = Measure(domain, host, TlsClass(tls.tls_class), tls.fault)
            return connection
        raise last or Unreachable(Phase.CONNECT, fault=Fault.REFUSED)

    def _park(self, connection: Connection) -> None:
        """Keep an open connection for the next batch, under every domain it serves."""
        if not connection.usable:
            return
        for domain, target in self._targets.items():
            if connection.host in target.hosts:
                self._idle.setdefault(domain, []).append((time.monotonic(), connection))
                return

    async def _close_idle(self, older_than: float) -> None:
        now = time.monotonic()
        for domain, found in list(self._idle.items()):
            stay = [(since, c) for since, c in found if now - since < older_than and c.usable]
            self._idle[domain] = stay
            go = [c for since, c in found if (since, c) not in stay]
            await asyncio.gather(*(c.quit() for c in go))


def _release(waiters: Sequence[asyncio.Future[None]]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
