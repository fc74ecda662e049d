"""The DNS for judging a letter: one resolver, with time limits, that tests replace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import dns.exception
import dns.resolver

SECONDS = 4.0
"""How long one name may take."""
RECORDS = frozenset({"TXT", "A", "AAAA", "MX", "PTR"})
_MOST = 60


class Unanswered(Exception):
    """The DNS did not answer: nothing is known, and it may answer later."""


class Names(Protocol):
    """Looks names up."""

    def look_up(self, name: str, record: str) -> Sequence[str]:
        """The records of a name: texts joined, addresses, ``"10 mx.example"``; none when there are none.

        Raises ``Unanswered``.
        """


class DnsNames:
    """The resolver of this machine."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds

    def look_up(self, name: str, record: str) -> Sequence[str]:
        """See ``Names.look_up``."""
        try:
            answer = dns.resolver.resolve(name, record, lifetime=self._seconds, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError, ValueError, UnicodeError) as error:
            raise Unanswered from error
        return [_text(row) for row in list(answer)[:_MOST]]


class NoNames:
    """Asks nobody: where no name may be looked up, nothing can be checked."""

    def look_up(self, name: str, record: str) -> Sequence[str]:
        """See ``Names.look_up``: never an answer."""
        raise Unanswered


def _text(row: dns.rdata.Rdata) -> str:
    strings = getattr(row, "strings", None)
    if strings is not None:
        return b"".join(strings).decode("latin-1")
    return row.to_text()
