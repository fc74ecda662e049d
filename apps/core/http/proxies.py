"""Who is really there behind our own reverse proxies: pure.

Every proxy of ours writes down whom it saw: it appends to ``X-Forwarded-For`` or overwrites it. Whatever stands left of
what our proxies wrote came from the visitor and may be invented, so only as many entries count as there are proxies.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address


def client_address(peer: str, forwarded: str, proxies: int) -> str:
    """The visitor's network address.

    ``peer`` is who holds the connection, ``forwarded`` the ``X-Forwarded-For`` header, ``proxies`` how many proxies of
    ours stand before us. A header that is too short (somebody went around the outer proxy) or holds no address there
    counts for nothing: the peer does.
    """
    entry = _written_by_ours(forwarded, proxies)
    if entry is None:
        return _unmapped(peer)
    bare = entry
    if entry.startswith("["):  # [2001:db8::1]:443
        bare = entry[1:].partition("]")[0]
    elif entry.count(":") == 1:  # 192.0.2.1:443
        bare = entry.partition(":")[0]
    try:
        return str(_one(bare))
    except ValueError:
        return _unmapped(peer)


def network_of(address: str) -> str:
    """What limits count by: an IPv4 address, the /64 of an IPv6 one (a household has that many), else ``unknown``."""
    try:
        found = _one(address.partition("%")[0])
    except ValueError:
        return "unknown"
    return str(found) if isinstance(found, IPv4Address) else str(IPv6Network((found, 64), strict=False))


def _one(text: str) -> IPv4Address | IPv6Address:
    found = ip_address(text)
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _unmapped(peer: str) -> str:
    # A socket that listens to both families names its IPv4 peers so, and they all lie in one /64.
    try:
        return str(_one(peer))
    except ValueError:
        return peer


def scheme(forwarded: str, proxies: int) -> str:
    """``https`` or ``http`` as our outermost proxy saw it (``X-Forwarded-Proto``); empty when none of ours said."""
    if proxies < 1:
        return ""
    entries = _entries(forwarded)
    return (_written_by_ours(forwarded, proxies) or entries[-1]) if entries else ""


def _written_by_ours(header: str, proxies: int) -> str | None:
    entries = _entries(header)
    return entries[-proxies] if 0 < proxies <= len(entries) else None


def _entries(header: str) -> list[str]:
    return [entry.strip() for entry in header.split(",") if entry.strip()]
