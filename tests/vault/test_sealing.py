"""What a thief finds, and what a clumsy hand cannot do."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.vault import sealing, tokens

KEY = b"k" * 32
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_whatever_is_sealed_comes_back(data: object) -> None:
    blob = sealing.seal(KEY, data, table="t", row=7)
    assert sealing.open_sealed(KEY, blob, table="t", row=7) == data


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"table": "u", "row": 7},
        {"table": "t", "row": 8},
        {"table": "t", "row": 7, "version": 2},
    ],
)
def test_a_sealed_value_moved_elsewhere_does_not_open(elsewhere: dict) -> None:
    blob = sealing.seal(KEY, {"name": "x"}, table="t", row=7)
    with pytest.raises(sealing.SealBroken):
        sealing.open_sealed(KEY, blob, **elsewhere)


def test_any_flipped_bit_is_noticed() -> None:
    blob = sealing.seal(KEY, {"name": "x"}, table="t", row=7)
    for position in range(len(blob)):
        broken = bytearray(blob)
        broken[position] ^= 1
        with pytest.raises(sealing.SealBroken):
            sealing.open_sealed(KEY, bytes(broken), table="t", row=7)


def test_the_two_keys_of_a_person_are_not_each_others() -> None:
    keys = sealing.new_person_keys(41)
    assert sealing.unwrap_profile(keys.kek_id, keys.wrapped_profile, 41) == keys.profile
    with pytest.raises(sealing.SealBroken):
        sealing.unwrap_record(keys.kek_id, keys.wrapped_profile, 41)
    with pytest.raises(sealing.SealBroken):
        sealing.unwrap_profile(keys.kek_id, keys.wrapped_profile, 42)


def test_nothing_secret_is_printed() -> None:
    keys = sealing.new_person_keys(41)
    assert keys.profile.hex() not in repr(keys)
    assert repr(keys.profile) not in repr(keys)


def test_tokens_find_names_however_they_are_written() -> None:
    assert tokens.normalize("  JOSÉ   Eduardo ") == tokens.normalize("jose eduardo")
    names = tokens.word_tokens("person.first_name", "José Eduardo181")
    assert tokens.search_token("person.first_name", "jo") in names
    assert tokens.search_token("person.first_name", "EDUARDO181") in names
    assert tokens.search_token("person.last_name", "jo") not in names


def test_a_range_of_days_is_every_day_once() -> None:
    found = tokens.day_range("f", date(2024, 2, 27), date(2024, 3, 2))
    assert len(set(found)) == 5
    assert tokens.day_token("f", date(2024, 2, 29)) in found
    assert tokens.day_range("f", date(2024, 3, 2), date(2024, 3, 1)) == []
    assert all(0 <= token < 2**63 for token in found)
