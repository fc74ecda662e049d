"""A mail server of a stranger's domain takes our connection, and talks to fill the memory or to break who listens."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apps.mail.smtp import connect
from apps.mail.smtp_replies import Fault
from tests.delivery.servers import scripted
from tests.mail.test_smtp import MAIL, OK3, speaking, world

__all__ = ["world"]
FLOOD = 50 * 1024 * 1024


def flooding(piece: bytes, told: dict[str, int]) -> Any:
    """After what came before, ``piece`` for as long as somebody reads."""

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told["bytes"] = 0
        while told["bytes"] < FLOOD:
            writer.write(piece)
            await writer.drain()
            told["bytes"] += len(piece)
            await asyncio.sleep(0)

    return run


@pytest.mark.parametrize("piece", [b"250 OK\r\n" * 1000, b"250-more\r\n" * 1000, b"x" * 10_000, b"\r\n" * 1000])
def test_answers_that_nobody_asked_for_are_not_kept(piece: bytes, world: Any) -> None:
    told: dict[str, int] = {}

    async def scene() -> None:
        async with scripted(speaking(then=flooding(piece, told))) as host:
            connection = await connect(host, world["how"])
            wire = connection._wire
            # Nobody waits for an answer now: an open connection is kept for the next message.
            for _ in range(2000):
                if wire.lost:
                    break
                await asyncio.sleep(0.001)
            assert wire.lost
            assert len(wire._replies) <= 20
            assert len(wire._buffer) + sum(map(len, wire._lines)) < 100_000
            result = await connection.send(MAIL)
            assert result.fault is Fault.DROPPED

    asyncio.run(scene())
    assert told["bytes"] < FLOOD


def test_a_message_on_the_wire_ends_in_a_clear_outcome(world: Any) -> None:
    told: dict[str, int] = {}

    async def scene() -> None:
        async with scripted(speaking(OK3, (1, b""), then=flooding(b"nonsense\r\n" * 1000, told))) as host:
            result = await (await connect(host, world["how"])).send(MAIL)
        assert result.fault is Fault.NOT_SMTP
        assert not result.usable

    asyncio.run(scene())
    assert told["bytes"] < FLOOD


@pytest.mark.parametrize("size", ["²", "٣", "9" * 5000, "-1", "1e9", ""])
def test_a_strange_limit_is_none(size: str, world: Any) -> None:
    hello = f"250-odd.test\r\n250-PIPELINING\r\n250 SIZE {size}\r\n".encode()

    async def scene() -> None:
        async with scripted(speaking(OK3, (1, b"250 OK\r\n"), hello=hello)) as host:
            result = await (await connect(host, world["how"])).send(MAIL)
        assert result.sent

    asyncio.run(scene())
