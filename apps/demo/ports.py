"""The ports of the demo: which are taken, and others for those that nobody has to remember."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterable, Mapping

MAIL, LMTP, INBOUND = "CARELANE_DEMO_MAIL_PORT", "CARELANE_LMTP_ADDRESS", "CARELANE_INBOUND_SMTP_ADDRESS"
MAIL_SERVERS = 4
STEP = 10


class PortTaken(Exception):
    """A port that the person named is taken; the sentence says what to do."""


def is_free(host: str, port: int) -> bool:
    """Whether something could listen there now."""
    with contextlib.closing(socket.socket()) as attempt:
        # As servers do: what is only closing does not count.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError:
            return False
    return True


class Claims:
    """Ports that this process will listen on, claimed among the demos of a machine until it ends.

    Minutes lie between choosing a port and listening on it; two demos that start together would choose the same. So
    each binds the UDP port of that number, which nobody else uses and which is free again however the process ends.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[str, int], socket.socket] = {}

    def claim(self, host: str, port: int) -> bool:
        """Whether something could listen there now and no other demo will; from now on this one will."""
        if not is_free(host, port):
            return False
        if (host, port) in self._held:
            return True
        with contextlib.ExitStack() as stack:
            sign = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            try:
                sign.bind((host, port))
            except OSError:
                return False
            stack.pop_all()
        self._held[host, port] = sign
        return True

    def close(self) -> None:
        """Give everything up."""
        for sign in self._held.values():
            sign.close()
        self._held.clear()


def moved(
    *,
    mail: int,
    lmtp: str,
    inbound: str,
    chosen: Mapping[str, str],
    free: Callable[[str, int], bool] = is_free,
) -> dict[str, str]:
    """Environment variables that lead the demo's mail ports away from taken ones; empty when all are free.

    ``mail`` is the first of four ports, ``lmtp`` and ``inbound`` are ``host:port``; ``chosen`` is the environment. What
    was chosen by a person is not moved: raises ``PortTaken`` with what to do.
    """
    found: dict[str, str] = {}
    given: set[int] = set()

    def left(host: str, port: int) -> bool:
        # What was just given away is nobody's yet, so the machine still calls it free.
        return port not in given and free(host, port)

    if not _all_free("127.0.0.1", range(mail, mail + MAIL_SERVERS), free):
        _may_move(MAIL, f"One of the ports {mail} to {mail + MAIL_SERVERS - 1}", chosen)
        mail = _next(mail, MAIL_SERVERS, "127.0.0.1", free)
        found[MAIL] = str(mail)
    given.update(range(mail, mail + MAIL_SERVERS))
    for name, place in ((LMTP, lmtp), (INBOUND, inbound)):
        host, _, port = place.rpartition(":")
        if not port.isdecimal():
            continue  # switched off, or a Unix socket
        number = int(port)
        if not left(host, number):
            _may_move(name, f"Port {port}", chosen)
            number = _next(number, 1, host, left)
            found[name] = f"{host}:{number}"
        given.add(number)
    return found


def _may_move(name: str, what: str, chosen: Mapping[str, str]) -> None:
    if chosen.get(name):
        raise PortTaken(f"{what} is in use by another program. Choose another in {name}, or leave it out.")


def _next(first: int, count: int, host: str, free: Callable[[str, int], bool]) -> int:
    # Ten by ten: LMTP and SMTP of inbound mail are neighbors and stay so.
    for start in range(first + STEP, 65_000, STEP):
        if _all_free(host, range(start, start + count), free):
            return start
    raise PortTaken(f"No port above {first} is free on {host}.")


def _all_free(host: str, ports: Iterable[int], free: Callable[[str, int], bool]) -> bool:
    return all(free(host, port) for port in ports)
