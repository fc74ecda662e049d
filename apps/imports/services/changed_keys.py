"""Keys that a spreadsheet changed: before a row is called new, its key is looked for as it was.

A spreadsheet shows 000777 as 777 and 12345 as 12345.0. Such a row is nobody new, and whoever it is about may not be
guessed: it is held, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from apps.contacts import sql as contacts_sql
from apps.contacts.models import Person
from apps.contacts.person.search_values import match_token
from apps.core import bulk
from apps.imports.prepared_rows import Prepared
from apps.imports.services.writes import WriteOutcome

ZEROS = (
    "somebody we know has this key with zeros in front: a spreadsheet took them off. "
    "Open the file with this column as text"
)
NO_ZEROS = "somebody we know has this key without the zeros in front. Correct it, or add the person by hand"
POINT_ZERO = "a spreadsheet put .0 behind the key of somebody we know. Open the file with this column as text"
LONGEST = 12
"""Digits of the longest record number that zeros are put in front of."""
SAMPLE = 100
"""So many rows of a chunk are looked for with every number of zeros; of the others those that are shorter than most."""


class _Chunk(Protocol):
    @property
    def made(self) -> Prepared: ...

    def reject(self, outcome: WriteOutcome, number: int, reason: str) -> None: ...


def without_changed_keys(
    chunk: _Chunk,
    numbers: Sequence[int],
    owners: Mapping[bytes, Sequence[int]],
    match_on: str,
    source: str,
    outcome: WriteOutcome,
) -> list[int]:
    """Hold the rows whose key, as it was before a spreadsheet changed it, is known; returns the others."""
    if match_on not in ("mrn", "external_id"):
        return list(numbers)
    made = chunk.made
    held = {number: POINT_ZERO for number in numbers if number in made.mended and made.matches[number] in owners}
    fresh = [number for number in numbers if made.matches[number] not in owners and made.keys[number].isdigit()]
    if fresh:
        held |= _with_other_zeros(made, fresh, match_on, source)
    if not held:
        return list(numbers)
    for number, reason in held.items():
        chunk.reject(outcome, number, reason)
    return [number for number in numbers if number not in held]


def _with_other_zeros(made: Prepared, fresh: Sequence[int], match_on: str, source: str) -> dict[int, str]:
    """Rows whose key is known with more or fewer zeros in front, with the reason.

    Keys are sealed, so each guess is a keyed look-up. Numbers with zeros have one width, and those that lost zeros are
    shorter than the others: long lists are looked through by that.
    """
    width = max(len(made.keys[number]) for number in fresh)
    sample = set(fresh[:: max(1, len(fresh) // SAMPLE)])
    guesses: list[tuple[int, str, str]] = []
    for number in fresh:
        key = made.keys[number]
        if number in sample:
            longer = range(len(key) + 1, LONGEST + 1)
        else:
            longer = range(width, width + (len(key) < width))
        guesses += [(number, key.zfill(length), ZEROS) for length in longer]
        if key[0] == "0" and (bare := key.lstrip("0")):
            guesses += [(number, bare.zfill(length), NO_ZEROS) for length in range(len(bare), len(key))]
    found = _held_by(guesses, match_on, source)
    widths = {len(guess) for _, guess, reason in found if reason == ZEROS} - {width}
    if widths and len(sample) < len(fresh):
        # The sample showed how wide these numbers are here: now the whole chunk is looked for.
        rest = [number for number in fresh if number not in sample]
        more = [(n, made.keys[n].zfill(each), ZEROS) for n in rest for each in widths if len(made.keys[n]) < each]
        found += _held_by(more, match_on, source)
    return {number: reason for number, _, reason in found}


def _held_by(guesses: list[tuple[int, str, str]], match_on: str, source: str) -> list[tuple[int, str, str]]:
    """The guesses that are keys of somebody we know."""
    if not guesses:
        return []
    kind, _ = match_token(match_on, source, "")
    tokens = [match_token(match_on, source, guess)[1] for _, guess, _ in guesses]
    rows = bulk.run(contacts_sql.IDENTITY_HOLDERS, [[kind], sorted(set(tokens))], planned_once=False)
    people = {row[2] for row in rows}
    living = set(Person.objects.filter(pk__in=people, erased_at__isnull=True).values_list("pk", flat=True))
    known = {bytes(token) for _, token, person in rows if person in living}
    return [guess for guess, token in zip(guesses, tokens, strict=True) if token in known]
