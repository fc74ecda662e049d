"""Counting tries by keyed tokens of mailboxes and network addresses; neither is stored in plain."""

from __future__ import annotations

from django.db.models import F

from apps.core import clock
from apps.core.http.proxies import network_of
from apps.portal import policy
from apps.portal.models import Throttle
from apps.vault import tokens


def address_token(ip: str) -> bytes:
    """The keyed token (16 bytes) of a network address; IPv6 counts by /64, which one household has."""
    return tokens.token128("portal.address", network_of(ip))


def allowed(act: str, token: bytes) -> bool:
    """Count one more ``act`` by ``token``; whether it is still within ``policy.LIMITS``. Caller's transaction."""
    limit = policy.LIMITS[act]
    now = clock.now()
    row = _locked_row(act, token)
    if now - row.began_at >= limit.window:
        row.count, row.began_at = 0, now
    row.count += 1
    row.save(update_fields=["count", "began_at"])
    return row.count <= limit.count


def failed(act: str, token: bytes) -> Throttle:
    """Count a wrong answer; the fifth locks for a time that grows. Caller's transaction."""
    now = clock.now()
    row = _locked_row(act, token)
    row.count = policy.tries_so_far(row.count, row.began_at, now) + 1
    row.began_at = now
    if row.count >= policy.TRIES:
        row.count, row.locked_until, row.locks = 0, now + policy.lock_length(row.locks), row.locks + 1
    row.save(update_fields=["count", "began_at", "locks", "locked_until"])
    return row


def locked(act: str, token: bytes) -> Throttle | None:
    """The row of a lock that holds now, or None. Caller's transaction: tries side by side wait for each other here."""
    row = _locked_row(act, token)
    return row if row.locked_until is not None and row.locked_until > clock.now() else None


def forget(act: str, token: bytes) -> None:
    """A right answer, or staff, forgives what was wrong before."""
    Throttle.objects.filter(act=act, token=token).update(count=0, locks=F("locks") * 0, locked_until=None)


def _locked_row(act: str, token: bytes) -> Throttle:
    Throttle.objects.bulk_create([Throttle(act=act, token=token, began_at=clock.now())], ignore_conflicts=True)
    return Throttle.objects.select_for_update().get(act=act, token=token)
