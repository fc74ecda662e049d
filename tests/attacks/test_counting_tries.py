"""Whoever reads Redis or the log does not learn who signs in from where, and nobody is counted as somebody else."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from apps.core.http import proxies
from apps.portal.services.throttles import address_token


@pytest.mark.django_db
def test_no_key_of_the_cache_names_a_network_address(monkeypatch: Any) -> None:
    keys: list[str] = []
    add = cache.add

    def noted(key: str, *args: Any, **kwargs: Any) -> Any:
        keys.append(key)
        return add(key, *args, **kwargs)

    monkeypatch.setattr(cache, "add", noted)
    for address in ("203.0.113.9", "2001:db8:0:7::9", "2001:db8:0:7::abcd", ""):
        Client(REMOTE_ADDR=address).post("/account/sign-in/", {"login": "a@b.test", "password": "no"})
    counted = [key for key in keys if ":rl:" in key]
    assert len(counted) == 4
    assert len(set(counted)) == 3  # the two of one household count as one
    assert not any(part in key for key in keys for part in ("203.0.113", "2001:db8", "a@b"))


@pytest.mark.parametrize("peer", ["::ffff:203.0.113.9", "203.0.113.9"])
def test_a_socket_of_both_families_does_not_count_the_whole_internet_as_one(peer: str) -> None:
    assert proxies.client_address(peer, "", 0) == "203.0.113.9"
    assert proxies.network_of(peer) == "203.0.113.9"


def test_limits_count_by_household() -> None:
    assert proxies.network_of("2001:db8::1") == proxies.network_of("2001:db8::ffff:0:1") == "2001:db8::/64"
    assert proxies.network_of("2001:db8:0:1::1") != proxies.network_of("2001:db8::1")
    assert proxies.network_of("fe80::1%eth0") == "fe80::/64"
    assert proxies.network_of("") == proxies.network_of("nonsense") == "unknown"
    assert address_token("::ffff:203.0.113.9") == address_token("203.0.113.9") != address_token("203.0.113.10")
