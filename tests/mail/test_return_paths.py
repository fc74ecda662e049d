"""Signed return paths: ours come back, everything else is foreign."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mail.return_paths import Foreign, address, message_of

KEY = b"k" * 32
OLD = b"o" * 32
DOMAIN = "bounce.harbor.example"


@given(st.integers(min_value=0, max_value=(1 << 63) - 1))
def test_what_we_sign_comes_back(number):
    path = address("bounce", number, DOMAIN, KEY)
    assert message_of(path, "bounce", DOMAIN, [KEY]) == number
    assert len(path.split("@")[0]) <= 40


def test_case_brackets_and_a_final_dot_do_not_matter():
    path = address("bounce", 4711, DOMAIN, KEY)
    assert message_of(f"<{path.upper()}>", "bounce", DOMAIN, [KEY]) == 4711
    assert message_of(path + ".", "bounce", DOMAIN, [KEY]) == 4711


def test_old_keys_are_still_read_after_a_rotation():
    assert message_of(address("bounce", 7, DOMAIN, OLD), "bounce", DOMAIN, [KEY, OLD]) == 7
    with pytest.raises(Foreign):
        message_of(address("bounce", 7, DOMAIN, OLD), "bounce", DOMAIN, [KEY])


def test_every_altered_character_is_noticed():
    path = address("bounce", 123456789, DOMAIN, KEY)
    local = path.split("@")[0]
    for place in range(7, len(local)):
        for letter in "abcdefghijklmnopqrstuvwxyz234567":
            if local[place] != letter:
                changed = local[:place] + letter + local[place + 1 :]
                with pytest.raises(Foreign):
                    message_of(f"{changed}@{DOMAIN}", "bounce", DOMAIN, [KEY])


def test_a_reply_address_is_no_bounce_address_and_other_domains_are_not_ours():
    with pytest.raises(Foreign):
        message_of(address("reply", 5, DOMAIN, KEY), "bounce", DOMAIN, [KEY])
    with pytest.raises(Foreign):
        message_of(address("bounce", 5, "other.example", KEY), "bounce", DOMAIN, [KEY])


def test_a_mac_cannot_be_moved_to_another_purpose():
    token = address("reply", 5, DOMAIN, KEY).split("+")[1]
    with pytest.raises(Foreign):
        message_of(f"bounce+{token}", "bounce", DOMAIN, [KEY])


@given(st.text(max_size=80))
def test_strange_addresses_are_foreign_and_nothing_else(text):
    for recipient in (text, f"bounce+{text}@{DOMAIN}"):
        with pytest.raises(Foreign):
            message_of(recipient, "bounce", DOMAIN, [KEY])


@given(st.binary(min_size=15, max_size=20))
def test_random_tokens_are_foreign(blob):
    token = base64.b32encode(blob).decode().rstrip("=").lower()
    with pytest.raises(Foreign):
        message_of(f"bounce+{token}@{DOMAIN}", "bounce", DOMAIN, [KEY])


def test_wrong_use_is_refused():
    with pytest.raises(ValueError, match="63 bits"):
        address("bounce", 1 << 63, DOMAIN, KEY)
    with pytest.raises(ValueError, match="16 bytes"):
        address("bounce", 1, DOMAIN, b"short")


def test_the_address_tells_nothing():
    assert address("bounce", 1, DOMAIN, KEY).split("@")[0].replace("bounce+", "").isalnum()
