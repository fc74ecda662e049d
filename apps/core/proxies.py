"""Who is really there behind our own reverse proxies: pure.

Every proxy of ours writes down whom it saw: it appends to ``X-Forwarded-For`` or overwrites it. Whatever stands left of
what our proxies wrote came from the visitor and may be invented, so only as many entries count as there are proxies.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address


def client_address(peer: str, forwarded: str, proxies: int) -> str:
    """The visitor's network address.

    ``peer`` is who holds the connection, ``forwarded`` the ``X-Forwarded-For`` header, ``proxies`` how many proxies of
    ours stand before us. A header that is too short (somebody went around the outer proxy) or holds no address there
    counts for nothing: the peer does.
    """
    entry = _written_by_ours(forwarded, proxies)
    if entry is None:
        return peer
    bare = entry
    if entry.startswith("["):  # [2001:db8::1]:443
        bare = entry[1:].partition("]")[0]
    elif entry.count(":") == 1:  # 192.0.2.1:443
        bare = entry.partition(":")[0]
    try:
        found = ip_address(bare)
    except ValueError:
        return peer
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)


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
