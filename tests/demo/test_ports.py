"""Another program has a port of the demo."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from apps.demo import ports

USUAL = {"mail": 2601, "lmtp": "127.0.0.1:8024", "inbound": "127.0.0.1:8025"}


def free_but(*taken: int):
    return lambda host, port: port not in taken


def test_nothing_moves_where_all_are_free() -> None:
    assert ports.moved(**USUAL, chosen={}, free=free_but()) == {}


def test_what_nobody_has_to_remember_moves_out_of_the_way() -> None:
    assert ports.moved(**USUAL, chosen={}, free=free_but(2603, 8024, 8025, 2611)) == {
        "CARELANE_DEMO_MAIL_PORT": "2621",
        "CARELANE_LMTP_ADDRESS": "127.0.0.1:8034",
        "CARELANE_INBOUND_SMTP_ADDRESS": "127.0.0.1:8035",
    }


@pytest.mark.parametrize(("name", "port"), [(ports.MAIL, 2604), (ports.LMTP, 8024), (ports.INBOUND, 8025)])
def test_what_a_person_chose_is_named_instead(name, port) -> None:
    with pytest.raises(ports.PortTaken, match=name):
        ports.moved(**USUAL, chosen={name: "as they said"}, free=free_but(port))


@pytest.mark.parametrize("place", ["", "/run/carelane/lmtp.sock"])
def test_a_receiver_that_is_off_or_on_a_socket_needs_no_port(place) -> None:
    assert ports.moved(mail=2601, lmtp=place, inbound=place, chosen={}, free=free_but(8024)) == {}


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert not ports.is_free("127.0.0.1", port)
    assert ports.is_free("127.0.0.1", port)


def test_two_parts_are_never_sent_to_one_port() -> None:
    """Both lie at one address, or one comes to where the other will be."""
    both = ports.moved(mail=2601, lmtp="127.0.0.1:8025", inbound="127.0.0.1:8025", chosen={}, free=free_but(8025))
    assert both[ports.LMTP] != both[ports.INBOUND]
    beside = ports.moved(mail=8020, lmtp="127.0.0.1:8030", inbound="127.0.0.1:8040", chosen={}, free=free_but(8021))
    assert beside == {ports.MAIL: "8030", ports.LMTP: "127.0.0.1:8040", ports.INBOUND: "127.0.0.1:8050"}


@pytest.fixture
def demos() -> Iterator[list[ports.Claims]]:
    both = [ports.Claims(), ports.Claims()]
    yield both
    for claims in both:
        claims.close()


def places(mail: int, chosen: dict[str, str]) -> set[int]:
    """The ports of a demo that would like ``mail`` and the two behind its four, and was sent elsewhere."""
    first = int(chosen.get(ports.MAIL, mail))
    others = [chosen.get(name, f":{mail + n}").rpartition(":")[2] for name, n in ((ports.LMTP, 4), (ports.INBOUND, 5))]
    return {*range(first, first + ports.MAIL_SERVERS), *map(int, others)}


def test_two_demos_that_start_at_once_choose_different_ports(demos: list[ports.Claims]) -> None:
    """Nobody listens anywhere yet when both have looked."""
    mail = free_block()
    together = Barrier(len(demos))

    def choose(claims: ports.Claims) -> dict[str, str]:
        together.wait(10)
        return ports.moved(
            mail=mail, lmtp=f"127.0.0.1:{mail + 4}", inbound=f"127.0.0.1:{mail + 5}", chosen={}, free=claims.claim
        )

    with ThreadPoolExecutor(2) as pool:
        one, two = (places(mail, chosen) for chosen in pool.map(choose, demos))
    assert not one & two
    assert all(ports.is_free("127.0.0.1", port) for port in one | two), "a claim leaves the port itself open"


def test_a_claim_holds_against_others_and_ends_with_its_demo(demos: list[ports.Claims]) -> None:
    one, two = demos
    port = free_block()
    assert one.claim("127.0.0.1", port)
    assert one.claim("127.0.0.1", port), "asked again before it listens, it still has it"
    assert not two.claim("127.0.0.1", port)
    one.close()
    assert two.claim("127.0.0.1", port)


def free_block() -> int:
    """The first of some ports that nobody has."""
    for first in range(20_000, 60_000, 100):
        if all(ports.is_free("127.0.0.1", port) for port in range(first, first + 40)):
            return first
    raise AssertionError("no port is free")
