"""The register of stopped mailboxes: every row that is added, changed or lifted goes through here, signed.

Whoever gets hold of the database could revive a mailbox by editing or deleting its row. An edited row fails its MAC
where it is believed (``person.selectors.attach_consents``), and its mailbox gets nothing. A deleted one is missing in
the sum of its bucket (the first byte of the mailbox's token): ``stops_check`` looks each quarter of an hour, puts
back what the ledger outside the database knows, and where that does not explain everything, the bucket's mailboxes get
nothing until an administrator has looked (``stops_keep``).

Additions leave a change of the sum each, not a new sum: writers never wait for each other. The check folds them.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet, Sum

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.models import Suppression, SuppressionChange, SuppressionSum
from apps.contacts.suppressions.register import macs
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import bytea_array, copy_rows, next_ids
from apps.core.errors import Refused
from apps.vault import ledger

BUCKETS = 256
_CHANGES = SuppressionChange._meta.db_table
_LOCK = 7_340_118
_AT_ONCE = 20_000
_EVER = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

_ADD = """
INSERT INTO contacts_suppression (mailbox, scope, reason, since, source, mac)
SELECT mailbox, %(scope)s, %(reason)s, %(since)s, %(source)s, mac
FROM unnest(%(mailboxes)s::bytea[], %(macs)s::bytea[]) AS t (mailbox, mac) ORDER BY mailbox
ON CONFLICT (mailbox, scope) DO UPDATE
    SET reason = excluded.reason, since = excluded.since, source = excluded.source, mac = excluded.mac
    WHERE excluded.reason <> 'hygiene' AND (contacts_suppression.reason = 'hygiene'
        OR (starts_with(contacts_suppression.source, 'merge:') AND NOT starts_with(excluded.source, 'merge:')))
RETURNING mailbox, xmax = 0
"""
_LOOK = """
SELECT 1, get_byte(mailbox, 0), id, mailbox, scope, reason, since, source, mac, 0, NULL::timestamptz
FROM contacts_suppression
WHERE mailbox >= %(first)s AND (mailbox < %(next)s OR %(next)s::bytea IS NULL)
UNION ALL
SELECT 2, bucket, id, total, '', '', NULL, '', mac, members, NULL FROM contacts_suppressionchange
WHERE bucket BETWEEN %(bucket)s AND %(last)s
UNION ALL
SELECT 3, bucket, altered, total, '', '', NULL, '', mac, members, missing_since FROM contacts_suppressionsum
WHERE bucket BETWEEN %(bucket)s AND %(last)s
"""


# -- Writing -----------------------------------------------------------------------------------------------------


def stops_add(*, mailboxes: Iterable[bytes], scope: str, reason: str, since: datetime, source: str) -> set[bytes]:
    """Stop mailboxes; those for which that was news. A rest of list hygiene gives way to any other reason, and what
    came by a merge of two records (it would go with an undo) to any other source.

    The caller's transaction and audit entry.
    """
    wanted = sorted(set(mailboxes))
    if not wanted:
        return set()
    signed = [macs.row_mac(mailbox, scope, reason, since, source) for mailbox in wanted]
    with connection.cursor() as cursor:
        cursor.execute(
            _ADD,
            {
                "mailboxes": bytea_array(wanted),
                "macs": bytea_array(signed),
                "scope": scope,
                "reason": reason,
                "since": since,
                "source": source,
            },
        )
        found = [(bytes(mailbox), new) for mailbox, new in cursor.fetchall()]
    _change([(mailbox, scope) for mailbox, new in found if new], 1)
    return {mailbox for mailbox, _ in found}


def stops_lift(rows: QuerySet[Suppression]) -> list[tuple[bytes, str]]:
    """Take rows away; the (mailbox, scope) of those that were there. The caller's transaction and audit entry."""
    numbers = list(rows.values_list("pk", flat=True))
    if not numbers:
        return []
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM contacts_suppression WHERE id = ANY(%s) RETURNING mailbox, scope", [numbers])
        gone = [(bytes(mailbox), str(scope)) for mailbox, scope in cursor.fetchall()]
    _change(gone, -1)
    return gone


def _change(pairs: Iterable[tuple[bytes, str]], sign: int) -> None:
    shares: defaultdict[int, list[int]] = defaultdict(list)
    for mailbox, scope in pairs:
        shares[mailbox[0]].append(sign * macs.share(mailbox, scope))
    rows: list[tuple[Any, ...]] = []
    for number, (bucket, amounts) in zip(
        next_ids(_CHANGES, len(shares)) if shares else (), shares.items(), strict=True
    ):
        members, total = sign * len(amounts), macs.plus(bytes(32), *amounts)
        rows.append((number, bucket, members, total, macs.sum_mac("change", number, bucket, members, total)))
    copy_rows(f"{_CHANGES} (id, bucket, members, total, mac)", ["int8", "int2", "int4", "bytea", "bytea"], rows)


# -- Looking -----------------------------------------------------------------------------------------------------


@dataclass
class Findings:
    """What a look at the register found, over all buckets."""

    rows: int = 0
    altered: int = 0
    back: int = 0
    """Rows that were missing and are there again, from the ledger."""
    buckets: int = 0
    """Buckets in which a row is still missing."""

    @property
    def sound(self) -> bool:
        """Whether nothing is altered or missing."""
        return not (self.altered or self.buckets)


@dataclass
class _Bucket:
    """What one statement found: rows, changes and sum are of one moment."""

    number: int
    rows: set[tuple[bytes, str]] = field(default_factory=set)
    altered: int = 0
    changes: list[int] = field(default_factory=list)
    amounts: list[int] = field(default_factory=list)
    genuine: bool = True
    known: bool = False
    altered_before: int = 0
    missing_since: datetime | None = None

    @property
    def total(self) -> bytes:
        """The sum over the rows that are there."""
        return macs.plus(bytes(32), *(macs.share(*each) for each in self.rows))

    @property
    def expected(self) -> bytes:
        """The sum over the rows that should be there."""
        return macs.plus(bytes(32), *self.amounts)

    @property
    def wrong(self) -> bool:
        """Whether a row is missing, or nobody can say so because the sum is not ours."""
        return not self.proven or self.expected != self.total

    @property
    def proven(self) -> bool:
        return self.known and self.genuine


def stops_check(*, actor: Actor) -> Findings:
    """Compare every row with its MAC and every bucket with its sum and the ledger; put back what is missing.

    What is found anew is one entry on the trail.
    """
    found, news = Findings(), Counter[str]()
    noted = _noted()
    for first, last in _spans():
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            for there in _look(first, last):
                _check_bucket(there, noted.get(there.number, {}), found, news)
    if news:
        with transaction.atomic():
            record(actor=actor, action=Action.SUPPRESSION_ALTERED, kind="mailbox", codes=dict(news))
    return found


def _spans() -> Iterator[tuple[int, int]]:
    """Buckets that are looked at together, first and last: about ``_AT_ONCE`` rows."""
    rows = SuppressionSum.objects.aggregate(rows=Sum("members"))["rows"] or 0
    size = max(1, BUCKETS * _AT_ONCE // max(rows, _AT_ONCE))
    for first in range(0, BUCKETS, size):
        yield first, min(first + size, BUCKETS) - 1


def _check_bucket(there: _Bucket, noted: Mapping[tuple[bytes, str], str], found: Findings, news: Counter[str]) -> None:
    wrong, since, before = there.wrong, there.missing_since, there.altered_before
    lost = {each: reason for each, reason in noted.items() if each not in there.rows}
    if lost:
        # Somebody may have lifted one since the ledger was read: what it says now counts.
        latest = _noted().get(there.number, {})
        lost = {each: latest[each] for each in lost if each in latest}
    if back := _put_back(lost):
        (there,) = _look(there.number, there.number)
        wrong = not there.proven or (wrong and there.wrong)
    missing = (since or clock.now()) if wrong else None
    news.update({"missing": wrong and since is None, "altered": max(0, there.altered - before), "back": back})
    for name in [name for name, number in news.items() if not number]:
        del news[name]
    # A sum that is not ours proves nothing, now or later: another is put in its place that no rows have.
    total = there.total if not wrong else there.expected if there.proven else os.urandom(32)
    if there.changes or not there.proven or back or (missing, there.altered) != (since, before):
        _write_sum(there, total, there.altered, missing)
    found.rows += len(there.rows)
    found.altered += there.altered
    found.back += back
    found.buckets += bool(wrong)


def _look(first: int, last: int) -> list[_Bucket]:
    """What is there, in one statement."""
    buckets = {number: _Bucket(number) for number in range(first, last + 1)}
    given = {
        "first": bytes([first]),
        "next": bytes([last + 1]) if last + 1 < BUCKETS else None,
        "bucket": first,
        "last": last,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, given)
        rows = cursor.fetchall()
    for what, bucket, number, token, scope, reason, since, source, mac, members, missing in rows:
        there, content, mark = buckets[bucket], bytes(token), bytes(mac or b"")
        if what == 1:
            there.rows.add((content, scope))
            there.altered += mark != macs.row_mac(content, scope, reason, since, source)
        elif what == 2:
            there.changes.append(number)
            there.amounts.append(int.from_bytes(content, "big"))
            there.genuine &= mark == macs.sum_mac("change", number, bucket, members, content)
        else:
            there.known, there.missing_since, there.altered_before = True, missing, number
            there.amounts.append(int.from_bytes(content, "big"))
            there.genuine &= mark == macs.sum_mac("sum", bucket, bucket, members, content, _facts(missing))
    return list(buckets.values())


def _facts(missing: datetime | None) -> str:
    return "" if missing is None else missing.isoformat()


def _noted() -> dict[int, dict[tuple[bytes, str], str]]:
    """What the ledger says is stopped, by bucket: (mailbox, scope) and why."""
    latest: dict[tuple[bytes, str], str] = {}
    for line in ledger.opt_outs(_EVER):
        if "mailbox" in line:
            latest[bytes.fromhex(line["mailbox"]), str(line["scope"])] = str(line["reason"])
    found: defaultdict[int, dict[tuple[bytes, str], str]] = defaultdict(dict)
    for (mailbox, scope), reason in latest.items():
        if reason:
            found[mailbox[0]][mailbox, scope] = reason
    return found


def _put_back(lost: Mapping[tuple[bytes, str], str]) -> int:
    """Rows as the ledger has them, without a change of the sum: they are in it."""
    now = clock.now()
    rows = [
        Suppression(
            mailbox=mailbox,
            scope=scope,
            reason=reason,
            since=now,
            source="ledger",
            mac=macs.row_mac(mailbox, scope, reason, now, "ledger"),
        )
        for (mailbox, scope), reason in lost.items()
        if reason in Suppression.Reason.values and scope in Suppression.Scope.values
    ]
    Suppression.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _write_sum(there: _Bucket, total: bytes, altered: int, missing: datetime | None) -> None:
    members = len(there.rows)
    mac = macs.sum_mac("sum", there.number, there.number, members, total, _facts(missing))
    SuppressionSum.objects.update_or_create(
        bucket=there.number,
        defaults={"members": members, "total": total, "altered": altered, "missing_since": missing, "mac": mac},
    )
    SuppressionChange.objects.filter(pk__in=there.changes).delete()


@transaction.atomic
def stops_keep(*, actor: Actor, reason: str) -> Findings:
    """Sign the register as it stands, and let its mailboxes go: an administrator has looked and says why.

    Raises ``Refused`` without a reason, and when there is nothing to decide.
    """
    if not reason.strip():
        raise Refused("suppression.without_reason", "Say why, in one sentence. It stays on the trail, sealed.")
    state = stops_state()
    if not state.altered and not state.buckets:
        raise Refused("suppression.sound", "No stop is altered or missing. There is nothing to decide.")
    for row in _altered():
        row.mac = macs.row_mac(bytes(row.mailbox), row.scope, row.reason, row.since, row.source)
        row.save(update_fields=["mac"])
    for first, last in _spans():
        for there in _look(first, last):
            if there.wrong or there.changes or there.altered_before:
                _write_sum(there, there.total, 0, None)
    record(
        actor=actor,
        action=Action.SUPPRESSION_KEEP,
        kind="mailbox",
        reason=reason,
        codes={"altered": state.altered, "buckets": state.buckets},
    )
    return stops_state()


def stops_state() -> Findings:
    """What the last look found; two small questions."""
    sums = SuppressionSum.objects.aggregate(rows=Sum("members"), altered=Sum("altered"))
    missing = SuppressionSum.objects.filter(missing_since__isnull=False).count()
    return Findings(rows=sums["rows"] or 0, altered=sums["altered"] or 0, buckets=missing)


def is_genuine(row: Suppression) -> bool:
    """Whether a row is as we wrote it."""
    return bytes(row.mac or b"") == macs.row_mac(bytes(row.mailbox), row.scope, row.reason, row.since, row.source)


def _altered() -> Iterator[Suppression]:
    return (row for row in Suppression.objects.order_by("pk").iterator(chunk_size=5_000) if not is_genuine(row))
