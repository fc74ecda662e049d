"""What apps tell the home page and the status page. Pure dataclasses, so that every layer can use them.

An app that has something to say brings a module ``home.py`` with any of these functions; the dashboard finds them::

    problems(user, now)     -> Iterable[Item]   what is wrong, with what to do
    waiting(user, now)      -> Iterable[Item]   what waits for this person besides the inbox (apps/inbox): approvals
    upcoming(user, now)     -> Iterable[Item]   what goes out in the next seven days (``at`` is required)
    recent(user, now)       -> Iterable[Item]   the last campaigns, newest first, with ``status`` and ``figures``
    first_steps(user, now)  -> Iterable[Step]   steps of the first day
    checks(now)             -> Iterable[Check]  how the app's machinery is, for the status page

``user`` is the signed-in member of staff: leave out what ``user.may(...)`` does not allow. Queries must stay quick
at a million people. No personal data in the words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

AHEAD = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Item:
    """A row of the home page. ``tone`` is info, caution or bad; ``figures`` are (label, value) pairs.

    ``action`` are the words of a problem's button: a verb and its object. ``at_words`` stand before the moment where
    it is not plain what it is the moment of: "oldest:" of several things that wait.
    """

    title: str
    text: str = ""
    url: str = ""
    icon: str = "info-circle"
    tone: str = "info"
    at: datetime | None = None
    status: str = ""
    figures: tuple[tuple[str, str], ...] = ()
    action: str = "Look at it"
    at_words: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the first day; it ticks itself when what it asks for is there."""

    order: int
    title: str
    text: str
    url: str
    done: bool


@dataclass(frozen=True, slots=True)
class Check:
    """A line of the status page. ``state`` is ok, warning, down or unknown."""

    name: str
    state: str
    text: str
    icon: str = "activity"
