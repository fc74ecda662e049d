"""The quick keyed digest is HMAC-SHA256 and nothing else."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core import keyed


@given(st.binary(max_size=64), st.binary(max_size=80), st.binary(max_size=200))
def test_it_is_what_the_library_makes(key: bytes, prefix: bytes, message: bytes) -> None:
    for _ in range(2):  # the second time from what was kept
        assert keyed.digest(key, prefix, message) == hmac.digest(key, prefix + message, "sha256")


def test_a_key_longer_than_a_block_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than a block"):
        keyed.digest(b"k" * 65, b"", b"")
