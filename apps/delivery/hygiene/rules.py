"""List hygiene: which addresses deserve a look, and whose optional mail should rest. Pure, and from what we know.

No mail server is ever asked whether an address exists: that is namespace mining (Microsoft forbids it, B-283), and
the answers are worthless. Nobody is deleted, nothing is corrected by itself; treatment mail is never touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

_LISTS = Path(__file__).parent / "lists"


class Flag(StrEnum):
    """Why a person is in a report."""

    DEAD = "dead"
    FAILING = "failing"
    UNENGAGED = "unengaged"
    TYPO = "typo"
    DISPOSABLE = "disposable"
    ROLE = "role"
    INCOMPLETE = "incomplete"

    @property
    def rests(self) -> bool:
        """Whether optional mail to this mailbox rests until there is a sign of life."""
        return self in (Flag.FAILING, Flag.UNENGAGED)


FLAG_WORDS = {
    Flag.DEAD: ("Dead mailbox", "The mailbox does not exist. It gets no more mail. Ask for a current address."),
    Flag.FAILING: ("Keeps failing", "The last messages all came back. Optional mail rests until one arrives."),
    Flag.UNENGAGED: ("No sign of life", "No click, reading, answer or visit for a long time. Optional mail rests."),
    Flag.TYPO: ("Probably misspelled", "The domain looks like a misspelled one. Ask, then correct it."),
    Flag.DISPOSABLE: ("Throw-away address", "The domain gives out addresses for minutes. Ask for a lasting one."),
    Flag.ROLE: ("Not one person's", "Several people may read this mailbox. Ask for a personal one."),
    Flag.INCOMPLETE: ("Not an address", "Something is missing or extra in it. Ask, then correct it."),
}


@dataclass(frozen=True)
class Rules:
    """When optional mail rests. ``unengaged_days`` without a sign of life, after ``unengaged_messages`` of it;
    ``failing_messages`` in a row that came back, over at least ``failing_days``. After ``silent_months`` without a
    delivery or a sign of life nobody knows whose a mailbox is (0: silence counts for nothing).
    """

    unengaged_days: int = 180
    unengaged_messages: int = 5
    failing_messages: int = 3
    failing_days: int = 7
    silent_months: int = 18


_ROLES_WORDS = """
abuse accounting accounts admin administrator all billing bookings careers contact customercare
customerservice donotreply do-not-reply enquiries everyone feedback finance frontdesk front-desk ftp
help helpdesk hostmaster hr info information inquiries invoices it jobs legal list list-request mail
mailer-daemon marketing media no-reply nobody noc noreply office orders payments postmaster press
privacy purchasing reception recruiting registrar reservations root sales scheduling security
service services staff subscribe support sysadmin team tech undisclosed-recipients unsubscribe
usenet users webmaster www
"""
ROLES = frozenset(_ROLES_WORDS.split())

# Where most people have their mail; what is one slip away from one of these is probably meant to be it.
PROVIDERS = (
    *("gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com", "aol.com", "live.com", "msn.com"),
    *("comcast.net", "verizon.net", "sbcglobal.net", "bellsouth.net", "charter.net", "cox.net", "att.net"),
    *("protonmail.com", "googlemail.com", "earthlink.net", "optonline.net", "roadrunner.com", "frontier.com"),
)
# Real domains that are one slip away from one of those.
_REAL_WORDS = """
mail.com ymail.com email.com gmail.co hotmail.co live.co outlook.co yahoo.co ail.com aol.co
fmail.com hmail.com imail.com jmail.com omail.com qmail.com rmail.com tmail.com umail.com vmail.com
wmail.com xmail.com zmail.com earthling.net love.com line.com liv.com lve.com dive.com five.com
give.com hive.com jive.com msn.net man.com mns.com mdn.com aol.net cox.com att.com at.net alt.net
ats.net act.net fox.net box.net
"""
_REAL = frozenset(_REAL_WORDS.split())
_ENDINGS = {"con": "com", "cmo": "com", "ocm": "com", "comm": "com", "cim": "com", "vom": "com", "xom": "com"}
_ENDINGS |= {"nett": "net", "met": "net", "ner": "net", "ogr": "org", "orgg": "org"}


def look_at(address: str) -> frozenset[Flag]:
    """What is suspicious about an address, from its spelling alone."""
    local, at, domain = address.strip().rpartition("@")
    domain = domain.casefold().rstrip(".")
    if not at or not local or "." not in domain or ".." in address or " " in address or "@" in local:
        return frozenset({Flag.INCOMPLETE})
    found = set()
    if local.casefold().partition("+")[0] in ROLES:
        found.add(Flag.ROLE)
    # Whoever collects misspelled mail is on the other list too: what was meant helps more.
    if suggestion(address):
        found.add(Flag.TYPO)
    elif _is_disposable(domain):
        found.add(Flag.DISPOSABLE)
    return frozenset(found)


def suggestion(address: str) -> str:
    """The domain that was probably meant, or "". Nothing is corrected by itself."""
    domain = address.rpartition("@")[2].casefold().rstrip(".")
    if domain in PROVIDERS or domain in _REAL or not domain:
        return ""
    stem, dot, ending = domain.rpartition(".")
    mended = f"{stem}.{_ENDINGS[ending]}" if dot and ending in _ENDINGS else domain
    near = next((known for known in PROVIDERS if len(known) > 6 and _one_slip(mended, known)), "")
    return near or (mended if mended != domain else "")


def _is_disposable(domain: str) -> bool:
    known = disposable_domains()
    labels = domain.split(".")
    return any(".".join(labels[start:]) in known for start in range(len(labels) - 1))


@lru_cache(maxsize=1)
def disposable_domains() -> frozenset[str]:
    """The domains of throw-away mailboxes, from a public list (CC0)."""
    lines = (_LISTS / "disposable-domains.txt").read_text("utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def _one_slip(given: str, known: str) -> bool:
    """Whether one letter is missing, extra, wrong, or two neighbors are swapped (Damerau-Levenshtein distance 1)."""
    if given == known or abs(len(given) - len(known)) > 1:
        return False
    start = 0
    while start < min(len(given), len(known)) and given[start] == known[start]:
        start += 1
    one, other = given[start:], known[start:]
    return (
        one[1:] == other[1:]
        or one[1:] == other
        or one == other[1:]
        or (one[:2] == other[1::-1] and len(other) > 1 and one[2:] == other[2:])
    )
