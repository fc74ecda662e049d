"""Which hosts take mail for a domain: static map, relay, or the DNS.

The static transport map (`CARELANE_TRANSPORT_MAP`) serves the demo, the tests and private networks. Its
form is `domain=host:port` or `domain=name@address:port`, separated by commas or blanks, where `name` is
the MX name its certificate must bear; a domain beginning with a dot covers its subdomains.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import dns.asyncresolver
import dns.exception
import dns.rdatatype
import dns.resolver
import idna

from apps.mail.smtp_replies import Fault

SMTP_PORT = 25
LOOKUP_SECONDS = 15.0


class LookupFault(Exception):
    """No host was found; `fault` says whether for good (NO_SUCH_DOMAIN, NULL_MX) or for now."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True)
class Host:
    """One mail server. `name` is what its certificate must name; `address` is what is connected to.

    `trusted`: the transport map vouches for a server on this machine; nothing leaves it unencrypted.
    `foreign`: the DNS named it, which is to say a stranger did, so it is connected to only at public addresses.
    """

    name: str
    address: str
    port: int = SMTP_PORT
    preference: int = 0
    trusted: bool = False
    foreign: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Target:
    """The servers of one recipient domain, best first. `relay` when they are our own relay's."""

    hosts: tuple[Host, ...]
    relay: bool = False

    @property
    def operator(self) -> str:
        """The operator's name: the registrable part of the first MX name, which slots and plans go by.

        Two domains hosted by one provider share it. The last two labels are taken, three under a
        two-letter country with a short second level ("co.uk"); it groups and is never trusted.
        """
        return operator_of(self.hosts[0].name)


def operator_of(name: str) -> str:
    """The operator part of an MX name; an IP address is its own operator."""
    bare = name.rstrip(".").lower()
    try:
        return str(ipaddress.ip_address(bare.strip("[]")))
    except ValueError:
        pass
    labels = bare.split(".")
    short_second = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return ".".join(labels[-3:] if short_second else labels[-2:])


def is_public(address: str) -> bool:
    """Whether a numeric address lies on the public internet (IANA special-purpose registries, RFC 6890).

    Not loopback, private, link-local, multicast, carrier-grade NAT (RFC 6598) or unassigned; an IPv6 address that
    carries an IPv4 one (mapped, 6to4, Teredo, NAT64) is judged by both. Raises ValueError for anything but a number.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if found in _NAT64:
        return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
    if any(found in network for network in _NOT_PUBLIC):
        return False
    if not found.is_global or found.is_multicast or found.is_reserved or found.is_unspecified:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = [found.ipv4_mapped, found.sixtofour, *(found.teredo or ())]
        return all(is_public(str(each)) for each in inner if each is not None)
    return True


async def addresses(host: Host) -> list[str]:
    """What to connect to. Of a host that a stranger's DNS named, the public addresses, as numbers: what was checked is
    what is connected to, whatever the name says a moment later. Raises `LookupFault` when there is none, `OSError`.
    """
    if not host.foreign:
        return [host.address]
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host.address, host.port, type=socket.SOCK_STREAM)
    public = [number for number in dict.fromkeys(str(entry[4][0]) for entry in found) if is_public(number)]
    if not public:
        raise LookupFault(Fault.NOT_PUBLIC)
    return public


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# What the standard library of Python 3.11 takes for public: site-local addresses (RFC 3879), documentation (RFC 9637),
# and the anycast of 6to4 relays, which leads wherever the next relay likes (RFC 7526).
_NOT_PUBLIC = tuple(ipaddress.ip_network(text) for text in ("fec0::/10", "3fff::/20", "192.88.99.0/24"))


class Resolver(Protocol):
    """What a look-up needs; tests bring their own."""

    async def mx(self, domain: str) -> Sequence[tuple[int, str]]:
        """The (preference, name) records; [] when there is none. Raises `LookupFault`."""

    async def has_address(self, domain: str) -> bool:
        """Whether the name has an A or AAAA record. Raises `LookupFault`."""


class DnsResolver:
    """The system's resolver through dnspython."""

    def __init__(self, resolver: dns.asyncresolver.Resolver | None = None) -> None:
        self._resolver = resolver

    @property
    def resolver(self) -> dns.asyncresolver.Resolver:
        """Read from the system at the first question, so that a start without DNS still works."""
        if self._resolver is None:
            try:
                self._resolver = dns.asyncresolver.Resolver()
            except dns.resolver.NoResolverConfiguration as e:
                raise LookupFault(Fault.LOOKUP_FAILED) from e
        return self._resolver

    async def mx(self, domain: str) -> Sequence[tuple[int, str]]:
        """See `Resolver.mx`."""
        answer = await self._ask(domain, "MX")
        return [(r.preference, r.exchange.to_text(omit_final_dot=True)) for r in answer or ()]

    async def has_address(self, domain: str) -> bool:
        """See `Resolver.has_address`."""
        for kind in ("A", "AAAA"):
            if await self._ask(domain, kind):
                return True
        return False

    async def _ask(self, domain: str, kind: str) -> dns.resolver.Answer | None:
        try:
            return await self.resolver.resolve(domain, kind, lifetime=LOOKUP_SECONDS)
        except dns.resolver.NXDOMAIN as e:
            raise LookupFault(Fault.NO_SUCH_DOMAIN) from e
        except dns.resolver.NoAnswer:
            return None
        except (dns.exception.DNSException, OSError, ValueError) as e:
            raise LookupFault(Fault.LOOKUP_FAILED) from e


class NoResolver:
    """Knows no domain: where only the transport map counts, and no mail may leave the machine."""

    async def mx(self, domain: str) -> Sequence[tuple[int, str]]:
        """See `Resolver.mx`: never an answer."""
        raise LookupFault(Fault.NO_SUCH_DOMAIN)

    async def has_address(self, domain: str) -> bool:
        """See `Resolver.has_address`: never."""
        return False


def parse_hosts(spec: str, default_port: int = SMTP_PORT) -> Host:
    """Read `host:port` or `name@address:port`, with a `+` before it when the server is on this machine and
    trusted without TLS; raises ValueError with what is wrong.
    """
    spec = spec.strip()
    trusted = spec.startswith("+")
    name, at, rest = spec.removeprefix("+").rpartition("@")
    address, colon, port = rest.rpartition(":")
    if not colon or "]" in port:
        address, port = rest, str(default_port)
    if not address or not port.isdigit() or not 0 < int(port) < 65536 or (at and not name):
        raise ValueError(f"'{spec}' is not host:port or name@address:port")
    bare = address.strip("[]")
    if trusted and not _on_this_machine(bare):
        raise ValueError(f"'{spec}' is trusted, so its address must be a loopback address")
    return Host(name=name or address, address=bare, port=int(port), trusted=trusted)


def _on_this_machine(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def parse_map(text: str) -> dict[str, Host]:
    """Read the static transport map; raises ValueError naming the entry that is wrong."""
    found: dict[str, Host] = {}
    for entry in text.replace(",", " ").split():
        domain, equals, spec = entry.partition("=")
        if not domain or not equals:
            raise ValueError(f"'{entry}' in the transport map is not domain=host:port")
        found[domain.lower()] = parse_hosts(spec)
    return found


def ascii_domain(domain: str) -> str:
    """The domain in A-labels, lower case; raises ValueError when it is none."""
    bare = domain.strip().rstrip(".").lower()
    if bare.isascii():
        return bare
    try:
        return idna.encode(bare, uts46=True).decode("ascii")
    except idna.IDNAError as e:
        raise ValueError("not a domain name") from e


async def find(
    domain: str,
    *,
    transport: Mapping[str, Host] | None = None,
    relay: Host | None = None,
    resolver: Resolver | None = None,
) -> Target:
    """The servers for `domain` (A-labels): the static map first, then the relay, then the DNS.

    RFC 5321 section 5.1 (MX order, the implicit MX) and RFC 7505 (null MX). Raises `LookupFault`.
    """
    bare = domain.rstrip(".").lower()
    mapped = _mapped(bare, transport or {})
    if mapped is not None:
        return Target((mapped,))
    if relay is not None:
        return Target((relay,), relay=True)
    if bare.startswith("[") and bare.endswith("]"):
        raise LookupFault(Fault.NO_SUCH_DOMAIN)
    asked = resolver or DnsResolver()
    records = sorted(await asked.mx(bare))
    if len(records) == 1 and records[0][1] in ("", "."):
        raise LookupFault(Fault.NULL_MX)
    usable = [(p, n.rstrip(".").lower()) for p, n in records if n.rstrip(".")]
    if usable:
        return Target(tuple(Host(name, name, SMTP_PORT, p, foreign=True) for p, name in usable[:8]))
    if await asked.has_address(bare):
        return Target((Host(bare, bare, foreign=True),))
    raise LookupFault(Fault.NO_SUCH_DOMAIN)


def _mapped(domain: str, transport: Mapping[str, Host]) -> Host | None:
    if domain in transport:
        return transport[domain]
    labels = domain.split(".")
    for i in range(1, len(labels)):
        parent = "." + ".".join(labels[i:])
        if parent in transport:
            return transport[parent]
    return None
