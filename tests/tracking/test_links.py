"""Links in messages: opaque, ours, and of one kind only."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.tracking import links

SENT = datetime(2026, 11, 20, 12, tzinfo=UTC)
BOX = bytes(range(16))


def token(url: str) -> str:
    return url.rpartition("/")[2].partition("?")[0]


@given(st.integers(0, (1 << 63) - 1), st.integers(0, (1 << 63) - 1), st.integers(0, 1 << 40))
def test_what_goes_in_comes_out(message, person, campaign):
    url = links.click_url(message=message, person=person, target=3, sent=SENT, campaign=campaign)
    found = links.read_click(token(url))
    assert (found.message, found.person, found.target, found.campaign) == (message, person, 3, campaign)
    assert found.sent == int(SENT.timestamp())
    away = links.unsubscribe_url(mailbox=BOX, person=person, message=message)
    assert links.read_unsubscribe(token(away)) == links.UnsubscribeLink(BOX, person, message)


def test_links_are_short_and_say_nothing():
    url = links.click_url(message=1_204_000, person=88_000, target=12, sent=SENT, campaign=7)
    assert len(url) < 90
    assert links.unsubscribe_url(mailbox=BOX, person=5, message=9, language="es").endswith("?language=es")
    raw = base64.urlsafe_b64decode(token(links.unsubscribe_url(mailbox=BOX, person=5, message=9)) + "==")
    assert BOX not in raw


def test_every_changed_character_makes_it_foreign():
    good = token(links.unsubscribe_url(mailbox=BOX, person=5, message=9))
    for place in range(len(good)):
        for letter in "AZaz09-_":
            if good[place] != letter:
                with pytest.raises(links.NotOurs):
                    links.read_unsubscribe(good[:place] + letter + good[place + 1 :])


def test_a_click_is_no_unsubscribe():
    with pytest.raises(links.NotOurs):
        links.read_unsubscribe(token(links.click_url(message=1, person=2, target=3, sent=SENT)))


@given(st.text(max_size=140))
def test_anything_else_is_foreign(text):
    for read in (links.read_click, links.read_unsubscribe):
        with pytest.raises(links.NotOurs):
            read(text)
