"""The verifier: names the first entry that was altered, removed or cut off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connections

from apps.audit import marks, sequencer
from apps.audit.services import CONTENT

BATCH = 5_000


@dataclass(frozen=True)
class Verdict:
    """``entries`` were numbered and read; ``open`` are not numbered yet; ``first_bad`` is an id, or None."""

    entries: int
    open: int
    ok: bool
    first_bad: int | None
    reason: str


def verify(using: str = "reader") -> Verdict:
    """Read the whole trail and its checkpoints. The trail is judged in the order of its numbers."""
    try:
        marks_outside = {point.sequence: point.link for point in sequencer.checkpoints()}
    except ValueError as error:
        return Verdict(0, 0, False, None, str(error))
    previous, expected, bad, reason = marks.GENESIS, 0, None, ""
    for sequence, entry_id, link, content, mac in _rows(using):
        expected += 1
        if sequence != expected:
            bad, reason = entry_id, f"Number {expected} is missing: the trail was cut."
        elif content is None:
            bad, reason = entry_id, f"Entry {entry_id} was removed."
        elif marks.mac(content) != mac:
            bad, reason = entry_id, f"Entry {entry_id} was altered."
        elif (previous := marks.link(previous, sequence, entry_id, mac)) != link:
            bad, reason = entry_id, f"The link of entry {entry_id} was altered."
        elif sequence in marks_outside and marks_outside[sequence] != link.hex():
            bad, reason = entry_id, f"Entry {entry_id} differs from the signed checkpoint."
        if bad is not None:
            break
    if bad is None and marks_outside and max(marks_outside) > expected:
        bad, reason = (
            expected + 1,
            f"The trail ends at number {expected}; a checkpoint saw {max(marks_outside)}.",
        )
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM audit_auditentry e"
            " WHERE NOT EXISTS (SELECT 1 FROM audit_auditchain c WHERE c.entry = e.id)"
        )
        waiting = cursor.fetchone()[0]
    return Verdict(expected, waiting, bad is None, bad, reason)


def _rows(using: str) -> Iterator[tuple[int, int, bytes, dict[str, Any] | None, bytes]]:
    columns = ", ".join(f"e.{name}" for name in CONTENT)
    query = (
        f"SELECT c.sequence, c.entry, c.link, e.id, e.mac, {columns}"  # noqa: S608 - fixed column names
        " FROM audit_auditchain c LEFT JOIN audit_auditentry e ON e.id = c.entry"
        " WHERE c.sequence > %s ORDER BY c.sequence LIMIT %s"
    )
    last = 0
    while True:
        with connections[using].cursor() as cursor:
            cursor.execute(query, [last, BATCH])
            rows = cursor.fetchall()
        for sequence, entry, link, found, mac, *values in rows:
            content = None if found is None else dict(zip(CONTENT, map(_as_stored, CONTENT, values), strict=True))
            yield sequence, entry, bytes(link), content, bytes(mac or b"")
        if len(rows) < BATCH:
            return
        last = rows[-1][0]


def _as_stored(name: str, value: Any) -> Any:
    return json.loads(value) if name == "codes" and isinstance(value, str) else value
