"""What a browser calls itself, as two code words: enough to recognize one's own sessions, and nothing more. Pure.

The ``User-Agent`` header (RFC 9110 section 10.1.5) is free text that browsers freeze and imitate; versions in it say
little and fingerprint much. Kept are a browser and a system out of two short lists.
"""

from __future__ import annotations

# The first that is found counts: browsers name those they descend from.
_BROWSERS = (
    ("Edg", "edge"),
    ("OPR/", "opera"),
    ("SamsungBrowser/", "samsung"),
    ("FxiOS/", "firefox"),
    ("Firefox/", "firefox"),
    ("CriOS/", "chrome"),
    ("Chromium/", "chrome"),
    ("Chrome/", "chrome"),
    ("Safari/", "safari"),
)
_SYSTEMS = (
    ("Windows", "windows"),
    ("iPhone", "iphone"),
    ("iPad", "ipad"),
    ("Android", "android"),
    ("CrOS", "chromeos"),
    ("Macintosh", "mac"),
    ("Linux", "linux"),
)
_WORDS = {
    "edge": "Edge",
    "opera": "Opera",
    "samsung": "Samsung Internet",
    "firefox": "Firefox",
    "chrome": "Chrome",
    "safari": "Safari",
    "windows": "Windows",
    "iphone": "iPhone",
    "ipad": "iPad",
    "android": "Android",
    "chromeos": "ChromeOS",
    "mac": "Mac",
    "linux": "Linux",
}
_IN_THE_HAND = {"iphone", "ipad", "android"}
UNKNOWN = "other"


def code_of(user_agent: str) -> str:
    """Browser and system of a ``User-Agent`` header as a code word like ``firefox.linux``, ``other.other``."""
    # Nobody sends more; whoever does is not a browser.
    text = user_agent[:500]
    browser = next((code for mark, code in _BROWSERS if mark in text), UNKNOWN)
    system = next((code for mark, code in _SYSTEMS if mark in text), UNKNOWN)
    return f"{browser}.{system}"


def words_of(code: str) -> str:
    """A code word as a person reads it: ``Firefox on Linux``, ``Firefox``, ``A browser on Linux``, ``A browser``."""
    browser, _, system = code.partition(".")
    what = _WORDS.get(browser, "A browser")
    return f"{what} on {_WORDS[system]}" if system in _WORDS else what


def icon_of(code: str) -> str:
    """The icon of a code word: a phone or tablet, or a computer."""
    return "device-mobile" if code.partition(".")[2] in _IN_THE_HAND else "device-laptop"
