"""Bytes to SMTP replies: the lowest part of a dialogue, lean because every message passes it twice."""

from __future__ import annotations

import asyncio
import re

from apps.mail.smtp_replies import Fault, Reply

_MAX_REPLY = 64 * 1024
# We never wait for more than four at once; a server that answers what nobody asked would fill the memory.
_MAX_REPLIES = 20
_REPLY_LINE = re.compile(rb"^([2-5]\d\d)([ -]?)([^\r\n]*)$")


class Ended(Exception):
    """The peer dropped, hung or talked nonsense; `replies` are those that came before."""

    def __init__(self, fault: Fault, replies: list[Reply]) -> None:
        super().__init__(fault.value)
        self.fault, self.replies = fault, replies


class Wire(asyncio.Protocol):
    """Lines to replies, without a stream reader's task switches: one wake-up per group of replies."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.lost = False
        self._broken: Fault | None = None
        self._buffer = b""
        self._lines: list[str] = []
        self.last_lines: list[str] = []
        self._size = 0
        self._replies: list[Reply] = []
        self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None
        self._until = 0.0
        self._alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._wake()

    def data_received(self, data: bytes) -> None:
        if self._broken:
            return
        buffer = self._buffer + data
        lines = buffer.split(b"\n")
        self._buffer = lines.pop()
        if len(self._buffer) > _MAX_REPLY:
            self._broken = Fault.NOT_SMTP
        for line in lines:
            self._take(line.rstrip(b"\r"))
            if self._broken:
                break
        if self._broken:
            # Nothing more is read, also while nobody waits for an answer.
            self._buffer = b""
            if self.transport is not None:
                self.transport.abort()
        if self._broken or len(self._replies) >= self._wanted:
            self._wake()

    def _take(self, line: bytes) -> None:
        found = _REPLY_LINE.match(line)
        self._size += len(line)
        if found is None or self._size > _MAX_REPLY or len(self._replies) >= _MAX_REPLIES:
            self._broken = Fault.NOT_SMTP
            return
        text = found.group(3).decode("utf-8", "replace")
        # A repeated enhanced code of a continuation line would only make the text harder to read.
        self._lines.append(text)
        if found.group(2) != b"-":
            self._replies.append(Reply(int(found.group(1)), _joined(self._lines)))
            self.last_lines, self._lines = self._lines, []
            self._size = 0

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    @property
    def silent(self) -> bool:
        """Nothing is left over: what a STARTTLS must find, or somebody injected commands (RFC 3207)."""
        return not self._buffer and not self._replies and not self._lines

    def write(self, data: bytes) -> None:
        """Hand bytes to the transport; a lost connection shows at the next `replies`."""
        if self.transport is not None and not self.lost:
            self.transport.write(data)

    async def replies(self, count: int, seconds: float) -> list[Reply]:
        """The next `count` replies; raises `Ended` with those that came when it is not that many."""
        if len(self._replies) < count and not self.lost and self._broken is None:
            loop = asyncio.get_running_loop()
            self._wanted = count
            self._waiter = loop.create_future()
            self._until = loop.time() + seconds
            if self._alarm is None or self._alarm.when() > self._until:
                self._set_alarm(loop)
            try:
                await self._waiter
            finally:
                self._waiter = None
                self._wanted = 0
        if len(self._replies) < count:
            came, self._replies = self._replies, []
            raise Ended(self._broken or (Fault.DROPPED if self.lost else Fault.TIMEOUT), came)
        taken = self._replies[:count]
        del self._replies[:count]
        return taken

    def _set_alarm(self, loop: asyncio.AbstractEventLoop) -> None:
        """One timer for a whole connection: it looks whether it is time, and else sleeps on. A timer for each
        reply, nearly always cancelled, cost as much as reading the reply.
        """
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = loop.call_at(self._until, self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        self._alarm = None
        if self._waiter is None:
            return
        if loop.time() >= self._until:
            self._wake()
        else:
            self._set_alarm(loop)

    def close(self) -> None:
        """Drop the connection at once."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self.transport is not None:
            self.transport.abort()


def _joined(lines: list[str]) -> str:
    """Reply lines as one text; the enhanced code is kept once, at the front."""
    if len(lines) == 1:
        return lines[0]
    first = lines[0].split(" ", 1)[0]
    if re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}", first):
        lines = [lines[0], *(line.removeprefix(first).strip() for line in lines[1:])]
    return " ".join(lines)[:4000]
