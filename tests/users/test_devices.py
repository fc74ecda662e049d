"""What browsers call themselves, as a table; and what strange ones get."""

from __future__ import annotations

import pytest

from apps.users import devices

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 "


@pytest.mark.parametrize(
    ("agent", "words", "icon"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux", "laptop"),
        (WINDOWS + WEBKIT + "Safari/537.36 Edg/141.0.0.0", "Edge on Windows", "laptop"),
        (WINDOWS + WEBKIT + "Safari/537.36 OPR/120.0.0.0", "Opera on Windows", "laptop"),
        (WINDOWS + WEBKIT + "Safari/537.36", "Chrome on Windows", "laptop"),
        (MAC + "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15", "Safari on Mac", "laptop"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "CriOS/141.0 Mobile/15E148 Safari/604.1",
            "Chrome on iPhone",
            "mobile",
        ),
        ("Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", "Firefox on Android", "mobile"),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + WEBKIT + "Safari/537.36", "Chrome on ChromeOS", "laptop"),
        ("curl/8.5.0", "A browser", "laptop"),
        ("", "A browser", "laptop"),
        ("<script>Firefox/1</script>", "Firefox", "laptop"),
        ("x" * 100_000 + "Firefox/140.0", "A browser", "laptop"),
    ],
)
def test_a_browser_is_named(agent: str, words: str, icon: str) -> None:
    code = devices.code_of(agent)
    assert devices.words_of(code) == words
    assert devices.icon_of(code) == f"device-{icon}"


def test_what_is_kept_is_two_words_of_our_own_lists() -> None:
    assert devices.code_of("Firefox/140.0 (Linux; Dana's laptop)") == "firefox.linux"


@pytest.mark.parametrize("code", ["", "nonsense", "firefox.", ".linux", "<b>.<i>"])
def test_a_session_of_before_or_a_broken_word_has_words_too(code: str) -> None:
    assert "<" not in devices.words_of(code)
    assert devices.words_of(code)
