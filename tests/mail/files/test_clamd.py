"""The virus scanner's answers, from a server that speaks its protocol."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from apps.mail.files.clamd import Scan, scan


@pytest.fixture
def clamd():
    """A place where something answers like clamd: given what to say, the place and what arrived."""
    servers = []

    def start(answer: bytes) -> tuple[str, list[bytes]]:
        server, arrived = socket.create_server(("127.0.0.1", 0)), []
        servers.append(server)

        def serve() -> None:
            connection, _ = server.accept()
            with connection, connection.makefile("rb") as coming:
                assert coming.read(10) == b"zINSTREAM\0"
                while length := struct.unpack("!I", coming.read(4))[0]:
                    arrived.append(coming.read(length))
                connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{server.getsockname()[1]}", arrived

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"stream: OK\0", Scan.CLEAN),
        (b"stream: Eicar-Test-Signature FOUND\0", Scan.INFECTED),
        (b"INSTREAM size limit exceeded. ERROR\0", Scan.FAILED),
        (b"", Scan.FAILED),
    ],
)
def test_only_a_clear_answer_counts(clamd, answer, said):
    place, arrived = clamd(answer)
    data = bytes(600_000)
    assert scan(data, place, seconds=5) is said
    assert b"".join(arrived) == data


def test_without_a_scanner_it_says_so():
    assert scan(b"x", "") is Scan.OFF
    assert scan(b"x", "/nowhere/clamd.sock") is Scan.FAILED
    assert scan(b"x", "127.0.0.1:1", seconds=1) is Scan.FAILED
    assert Scan.OFF.words.startswith("Not scanned")
