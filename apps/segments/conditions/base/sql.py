"""Pieces of the one statement a rule becomes. Text of constants only; every value is a parameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.bulk import int8_array


@dataclass(frozen=True, repr=False)
class Fragment:
    """SQL with its parameters, in the order of the text."""

    text: str
    params: tuple[Any, ...] = ()

    def wrapped(self, before: str, after: str = "") -> Fragment:
        """The same with constant text around it."""
        return Fragment(f"{before}{self.text}{after}", self.params)


def joined(word: str, parts: Sequence[Fragment]) -> Fragment:
    """The parts with ``word`` (" AND ", " OR ", " UNION ") between them."""
    return Fragment(word.join(part.text for part in parts), tuple(value for part in parts for value in part.params))


def has_tokens(operator: str, tokens: Sequence[int]) -> Fragment:
    """All (``@>``) or one (``&&``) of the tokens are in the search row."""
    return Fragment(f"s.tokens {operator} %s::bigint[]", (sorted(set(tokens)),))


def one_of(column: str, keyed: Sequence[int]) -> Fragment:
    """A keyed day or number of the search row is one of many.

    NULL there must be false, not unknown, so that NOT is the complement. As text: the driver's own writing of a
    century's days costs more than the count.
    """
    return Fragment(f"({column} IS NOT NULL AND {column} = ANY(%s::bigint[]))", (int8_array(keyed),))
