"""Relaxed canonicalization (RFC 6376 section 3.4) as the text of the standard says it, beside ours."""

from __future__ import annotations

import random
import re

import pytest

from apps.mail.dkim import relaxed_body
from tests.sizes import grown, seed


def by_the_book(body: bytes) -> bytes:
    """Section 3.4.4, line by line."""
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


@pytest.mark.proof
def test_blanks_collapse_as_the_standard_says() -> None:
    dice = random.Random(seed(6376))
    for _ in range(grown(5_000, 5_000_000)):
        body = b"".join(dice.choice([b" ", b"  ", b"\t", b"a", b"bc", b"\r\n"]) for _ in range(dice.randrange(40)))
        assert relaxed_body(body + b"\r\n") == by_the_book(body + b"\r\n"), body
