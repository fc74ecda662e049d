"""A stranger's domain points its MX into the clinic's own network: nobody is connected to there."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apps.mail import mx, smtp
from apps.mail.smtp_replies import Fault

INSIDE = [
    "127.0.0.1",
    "127.8.9.10",
    "10.0.0.5",
    "172.16.3.4",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.251",
    "0.0.0.0",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fd00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.5",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "64:ff9b:1::7f00:1",
    "::127.0.0.1",
    "fec0::1",
    "3fff::1",
    "192.88.99.1",
]


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_not_public(address: str) -> None:
    assert not mx.is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are(address: str) -> None:
    assert mx.is_public(address)


class _Zone:
    def __init__(self, *names: str) -> None:
        self.names = names

    async def mx(self, domain: str) -> list[tuple[int, str]]:
        return [(10, name) for name in self.names]

    async def has_address(self, domain: str) -> bool:
        return True


async def _visited() -> tuple[asyncio.Server, list[int]]:
    seen: list[int] = []

    async def accept(_reader: Any, writer: asyncio.StreamWriter) -> None:
        seen.append(1)
        writer.close()

    return await asyncio.start_server(accept, "127.0.0.1", 0), seen


def test_an_mx_that_names_this_machine_is_never_connected_to() -> None:
    """By a name that resolves inside, and by a bare number in the MX record."""

    async def scene() -> None:
        server, seen = await _visited()
        port = server.sockets[0].getsockname()[1]
        for names in (("localhost",), ("127.0.0.1",), ()):
            target = await mx.find("localhost", resolver=_Zone(*names))
            host = mx.Host(target.hosts[0].name, target.hosts[0].address, port, foreign=target.hosts[0].foreign)
            with pytest.raises(smtp.Unreachable) as refused:
                await smtp.connect(host, smtp.Dialogue(helo="clinic.test"))
            assert refused.value.fault is Fault.NOT_PUBLIC
        assert seen == []
        server.close()

    asyncio.run(scene())


def test_a_name_that_answers_outside_and_inside_is_tried_outside_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is looked up once, and what was checked is what is connected to (DNS rebinding)."""
    tried: list[str] = []

    async def scene() -> None:
        loop = asyncio.get_running_loop()

        async def names(host: str, port: int, **_: Any) -> list[Any]:
            return [(2, 1, 6, "", ("10.0.0.5", port)), (2, 1, 6, "", ("203.0.114.9", port))]

        async def connect(_factory: Any, address: str, _port: int) -> Any:
            tried.append(address)
            raise ConnectionRefusedError

        monkeypatch.setattr(loop, "getaddrinfo", names)
        monkeypatch.setattr(loop, "create_connection", connect)
        with pytest.raises(smtp.Unreachable) as refused:
            await smtp.connect(mx.Host("mx.evil.test", "mx.evil.test", foreign=True), smtp.Dialogue(helo="clinic.test"))
        assert refused.value.fault is Fault.REFUSED

    asyncio.run(scene())
    assert tried == ["203.0.114.9"]


def test_the_transport_map_may_name_a_private_server() -> None:
    async def scene() -> None:
        server, seen = await _visited()
        port = server.sockets[0].getsockname()[1]
        target = await mx.find("lab.test", transport=mx.parse_map(f"lab.test=127.0.0.1:{port}"))
        with pytest.raises(smtp.Unreachable):
            await smtp.connect(target.hosts[0], smtp.Dialogue(helo="clinic.test"))
        assert seen
        server.close()

    asyncio.run(scene())
