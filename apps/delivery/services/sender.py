"""The wire: an event loop in a thread of its own that knows nothing of the database.

Each lane works through its jobs in order over one connection at a time. After every answer it waits until the
main thread has committed it; only then does it go on.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from apps.delivery.mx import Host, LookupFault, Resolver, Target, find
from apps.delivery.outcomes import Cause, Fault, Phase, of_fault
from apps.delivery.policy import TlsClass, effective_class
from apps.delivery.services.jobs import Done, Job, Measure
from apps.delivery.setup import Setup
from apps.delivery.smtp import Connection, Dialogue, Result, Unreachable, connect, result_json

# A claim older than this is not begun any more: consent and stops are read again with the next one.
CLAIM_SECONDS = 5.0
_IDLE_SECONDS = 8.0


@dataclass
class Answer:
    """A finished job for the main thread; `release` lets its lane go on."""

    done: Done
    release: asyncio.Future[None] | None


@dataclass
class Sender:
    """Start with `with Sender(...) as sender`; connections outlive a batch for a few seconds."""

    dialogue: Dialogue
    setup: Setup
    transport: Mapping[str, Host]
    resolver: Resolver | None = None
    claim_seconds: float = CLAIM_SECONDS
    answers: queue.SimpleQueue[Answer | None] = field(default_factory=queue.SimpleQueue)
    measures: dict[str, Measure] = field(default_factory=dict)
    _idle: dict[str, list[tuple[float, Connection]]] = field(default_factory=dict)
    _targets: dict[str, Target] = field(default_factory=dict)
    _closed: dict[str, Result] = field(default_factory=dict)
    _stop: bool = False

    def __enter__(self) -> Sender:
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

    def start(self, lanes: Sequence[Sequence[Job]]) -> None:
        """Begin a batch; its answers come through `answers`, and None when every lane has ended."""
        self._stop = False
        self._call(self._batch(lanes))

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

    async def _batch(self, lanes: Sequence[Sequence[Job]]) -> None:
        self._closed.clear()
        deadline = time.monotonic() + self.claim_seconds
        try:
            await asyncio.gather(*(self._lane(jobs, deadline) for jobs in lanes))
            await self._close_idle(_IDLE_SECONDS)
        finally:
            self.answers.put(None)

    async def _lane(self, jobs: Sequence[Job], deadline: float) -> None:
        connection: Connection | None = None
        try:
            for job in jobs:
                if self._stop or time.monotonic() > deadline:
                    self.answers.put(Answer(Done(job, None), None))
                    continue
                if connection is not None and not self._fits(connection, job):
                    self._park(connection)
                    connection = None
                done, connection = await self._one(job, connection)
                if self._stop:
                    # Nothing can be written any more; whoever recovers this slot decides.
                    return
                waiter: asyncio.Future[None] = self.loop.create_future()
                self.answers.put(Answer(done, waiter))
                await waiter
        finally:
            if connection is not None:
                self._park(connection)

    def _fits(self, connection: Connection, job: Job) -> bool:
        target = self._targets.get(job.domain)
        return connection.usable and target is not None and connection.host in target.hosts

    async def _one(self, job: Job, connection: Connection | None) -> tuple[Done, Connection | None]:
        closed = self._closed.get(job.domain)
        if closed is not None:
            return Done(job, closed.outcome, result_json(closed) | {"skipped": True}), connection
        if connection is None:
            try:
                connection = await self._connection(job.domain)
            except LookupFault as e:
                result = Result(of_fault(Phase.LOOKUP, e.fault), Phase.LOOKUP, fault=e.fault, usable=False)
                self._closed[job.domain] = result
                return Done(job, result.outcome, result_json(result)), None
            except Unreachable as e:
                host = self._targets[job.domain].hosts[0]
                result = e.result(host)
                self._closed[job.domain] = result
                return Done(job, result.outcome, {"mx": host.name} | result_json(result)), None
        relayed = self._targets[job.domain].relay
        whole = effective_class(
            connection.tls.tls_class, self.setup.table(baa_in_force=True).relay if relayed else None
        )
        if whole < job.mail.minimum:
            result = Result(
                of_fault(Phase.MAIL, Fault.TLS_TOO_WEAK), Phase.MAIL, fault=Fault.TLS_TOO_WEAK, usable=connection.usable
            )
        else:
            result = await connection.send(job.mail)
        evidence = connection.evidence(result)
        if relayed:
            evidence["relay"] = True
        if result.outcome.slow_provider and result.outcome.cause is Cause.RATE:
            self._closed[job.domain] = result
        weak = result.fault is Fault.TLS_TOO_WEAK
        return Done(job, result.outcome, evidence, weak=weak), connection if connection.usable else None

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
