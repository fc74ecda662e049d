"""What an answer of a mail server means for the message, the mailbox and the provider.

Pure: a reply (or a fault) in, an `Outcome` out. Tested as a table. Sources: RFC 5321 section 4.2 (reply
codes), RFC 3463 and its registry (enhanced status codes), RFC 8689 (REQUIRETLS) and the bulk-sender pages
of Gmail and Microsoft.

Trap: `5.7.30` is "DKIM did not pass" at Gmail and "REQUIRETLS support required" in RFC 8689. A code is
therefore never read alone where providers disagree: the provider and the text decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Next(StrEnum):
    """What to do with the message."""

    SENT = "sent"
    RETRY_SOON = "retry_soon"
    RETRY_LATER = "retry_later"
    GIVE_UP = "give_up"
    DOUBTFUL = "doubtful"


# The reason of a message that waited when a backup was made that was restored: nobody here knows whether it left since.
RESTORED = "restored"


class Cause(StrEnum):
    """Whose matter it is. Only HARD says something about the mailbox, so only HARD suppresses it."""

    NONE = "none"
    HARD = "hard"
    FULL = "full"
    SOFT = "soft"
    GREYLIST = "greylist"
    RATE = "rate"
    POLICY = "policy"
    AUTHENTICATION = "authentication"
    SPAM = "spam"
    PROTECTION = "protection"
    CONTENT = "content"
    NETWORK = "network"


CAUSE_WORDS: dict[Cause, str] = {
    Cause.NONE: "Accepted",
    Cause.HARD: "The mailbox does not exist",
    Cause.FULL: "The mailbox is full",
    Cause.SOFT: "The server cannot take it now",
    Cause.GREYLIST: "The server asks to try again shortly",
    Cause.RATE: "The provider limits how fast we may send",
    Cause.POLICY: "The provider's policy refuses the message",
    Cause.AUTHENTICATION: "The provider does not accept our sender authentication",
    Cause.SPAM: "The provider takes the message for spam",
    Cause.PROTECTION: "The connection is not protected well enough",
    Cause.CONTENT: "The server cannot process this message",
    Cause.NETWORK: "The server could not be reached",
}


class Phase(StrEnum):
    """Where in the dialogue the answer came."""

    LOOKUP = "lookup"
    CONNECT = "connect"
    HELLO = "hello"
    STARTTLS = "starttls"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"


class Fault(StrEnum):
    """An end without an answer."""

    NO_SUCH_DOMAIN = "no_such_domain"
    NULL_MX = "null_mx"
    LOOKUP_FAILED = "lookup_failed"
    REFUSED = "refused"
    NOT_PUBLIC = "not_public"
    TIMEOUT = "timeout"
    DROPPED = "dropped"
    TLS_FAILED = "tls_failed"
    TLS_TOO_WEAK = "tls_too_weak"
    NOT_SMTP = "not_smtp"
    NEEDS_UTF8 = "needs_utf8"
    NEEDS_8BIT = "needs_8bit"
    TOO_LARGE = "too_large"


@dataclass(frozen=True)
class Reply:
    """A server's reply: three-digit code and its text, lines joined by a blank.

    The text may quote an address, so it is health-relevant: never logged, stored sealed.
    """

    code: int
    text: str = ""

    def __repr__(self) -> str:
        return f"Reply({self.code} {self.status})"

    @property
    def status(self) -> str:
        """The enhanced status code ("5.1.1"), or "" when the server sent none that fits its reply code."""
        found = _STATUS.match(self.text)
        if found is None or found.group(1) != str(self.code)[0]:
            return ""
        return found.group(0)


@dataclass(frozen=True)
class Outcome:
    """The verdict. `slow_provider` says that the whole provider must be approached more slowly."""

    next: Next
    cause: Cause
    slow_provider: bool = False
    # Another MX of the same domain may take it at once.
    try_next_host: bool = False

    @property
    def suppresses(self) -> bool:
        """Whether the mailbox is dead: a hard answer. Policy, spam, full, greylisting suppress nobody."""
        return self.next is Next.GIVE_UP and self.cause is Cause.HARD

    @property
    def sentence(self) -> str:
        """The cause in words for a person."""
        return CAUSE_WORDS[self.cause]


_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?!\d|\.)")

# Words of servers that send no enhanced code, or the wrong one. Order matters: first match wins.
_WORDS: tuple[tuple[Cause, tuple[str, ...]], ...] = (
    (
        Cause.PROTECTION,
        (
            r"requiretls",
            r"require[sd]? tls",
            r"must issue a starttls",
            r"starttls (is )?required",
            r"encryption (is )?(required|needed)",
        ),
    ),
    (Cause.GREYLIST, (r"gr[ae]y-?list", r"(try again|retry) in \d+ (sec|min)")),
    (
        Cause.AUTHENTICATION,
        (
            r"\b(dkim|spf|dmarc)\b",
            r"unauthenticated",
            r"reverse dns",
            r"\bptr\b",
            r"authentication level",
            r"sender.{0,20}not authenticated",
        ),
    ),
    (
        Cause.RATE,
        (
            r"rate.?limit",
            r"too many (messages|connections|recipients)",
            r"throttl",
            r"unusual rate",
            r"exceeded the (rate|limit)",
            r"sending.{0,12}too fast",
        ),
    ),
    (
        Cause.FULL,
        (
            r"(mail)?box.{0,24}(is )?full",
            r"over.?quota",
            r"quota.{0,16}exceed",
            r"exceed.{0,24}quota",
            r"insufficient (system )?storage",
            r"out of storage",
        ),
    ),
    (
        Cause.HARD,
        (
            r"(no such|unknown|invalid|non-?existent) (user|recipient|mailbox|address|account|local)",
            r"user (is )?(unknown|not found|doesn'?t exist|does not exist)",
            r"(recipient|address|mailbox|account).{0,40}(not found|unknown|does(n'?t| not) exist)",
            r"(recipient|address|mailbox|account).{0,40}(disabled|deactivated|unavailable.{0,12}no mailbox)",
            r"recipient address rejected: (user )?unknown",
            r"no mailbox (here|by that name)",
        ),
    ),
    (
        Cause.SPAM,
        (
            r"\bspam\b",
            r"blacklist|blocklist|block list",
            r"\b(dnsbl|rbl)\b",
            r"spamhaus",
            r"junk",
            r"unsolicited",
            r"reputation",
            r"bulk mail",
        ),
    ),
    (
        Cause.POLICY,
        (r"polic(y|ies)", r"not allowed|denied|prohibited", r"relay(ing)?", r"blocked|rejected by"),
    ),
)
_TEXT = tuple((cause, re.compile("|".join(words), re.IGNORECASE)) for cause, words in _WORDS)

# Enhanced codes that mean one thing everywhere (RFC 3463, RFC 7504, RFC 7505), permanent form.
_HARD = frozenset({"1.1", "1.2", "1.3", "1.6", "1.10", "2.1"})
_FULL = frozenset({"2.2", "2.3"})
_GMAIL_AUTHENTICATION = frozenset({"7.23", "7.25", "7.26", "7.27", "7.30", "7.31", "7.32"})
_GMAIL_TLS = "7.29"
_GMAIL_RATE = "7.28"
_MICROSOFT_AUTHENTICATION = frozenset({"7.515", "7.509", "7.23"})


def provider_of(host: str) -> str:
    """The provider whose dialect an MX host speaks: "gmail", "microsoft", "yahoo", "apple" or ""."""
    name = host.rstrip(".").lower()
    for suffixes, provider in (
        ((".google.com", ".googlemail.com", ".psmtp.com"), "gmail"),
        (
            (".outlook.com", ".hotmail.com", ".protection.outlook.com", ".olc.protection.outlook.com"),
            "microsoft",
        ),
        ((".yahoodns.net",), "yahoo"),
        ((".mail.icloud.com", ".apple.com"), "apple"),
    ):
        if name.endswith(suffixes):
            return provider
    return ""


def of_reply(phase: Phase, reply: Reply, *, provider: str = "") -> Outcome:
    """The meaning of `reply` at `phase`, spoken by `provider` (see `provider_of`)."""
    if reply.code // 100 == 2 and phase is Phase.BODY:
        return Outcome(Next.SENT, Cause.NONE)
    permanent = reply.code // 100 == 5
    cause = _cause(phase, reply, provider, permanent=permanent)
    if not permanent:
        return _transient(phase, reply, cause)
    if phase in (Phase.CONNECT, Phase.HELLO, Phase.STARTTLS):
        # The server refuses us, not this message: others of its domain may not, and it may change its mind.
        return Outcome(Next.RETRY_LATER, _not_hard(cause), slow_provider=True, try_next_host=True)
    if cause is Cause.RATE:
        # Gmail answers 5xx for a rate once limits are passed for long; the mailbox is innocent.
        return Outcome(Next.RETRY_LATER, cause, slow_provider=True)
    return Outcome(Next.GIVE_UP, cause, slow_provider=cause in (Cause.AUTHENTICATION, Cause.SPAM))


def of_fault(phase: Phase, fault: Fault) -> Outcome:
    """The meaning of an end without an answer.

    A message whose final dot was sent and that got no answer is doubtful: the server may have taken it
    (RFC 5321 section 4.5.3.2.6), so only a person may decide to send it again.
    """
    if phase is Phase.BODY and fault in (Fault.DROPPED, Fault.TIMEOUT, Fault.NOT_SMTP):
        return Outcome(Next.DOUBTFUL, Cause.NETWORK)
    if fault in (Fault.NO_SUCH_DOMAIN, Fault.NULL_MX):
        return Outcome(Next.GIVE_UP, Cause.HARD)
    if fault in (Fault.NEEDS_UTF8, Fault.NEEDS_8BIT, Fault.TOO_LARGE):
        return Outcome(Next.GIVE_UP, Cause.CONTENT)
    if fault is Fault.TLS_TOO_WEAK:
        # Not a delivery attempt: the policy decides again with what was measured.
        return Outcome(Next.RETRY_SOON, Cause.PROTECTION, try_next_host=True)
    if fault is Fault.TLS_FAILED:
        return Outcome(Next.RETRY_LATER, Cause.PROTECTION, try_next_host=True)
    return Outcome(Next.RETRY_LATER, Cause.NETWORK, try_next_host=phase is not Phase.LOOKUP)


def _not_hard(cause: Cause) -> Cause:
    """A refusal outside RCPT says nothing about a mailbox, whatever its words."""
    return Cause.POLICY if cause in (Cause.HARD, Cause.FULL) else cause


def _cause(phase: Phase, reply: Reply, provider: str, *, permanent: bool) -> Cause:
    detail = reply.status[2:]
    by_text = _by_text(reply.text)
    found = _by_provider(detail, by_text, reply.text, provider)
    if found is None and detail:
        found = _by_status(detail, by_text, permanent=permanent)
    if found is None:
        found = by_text
    if found is None:
        found = _by_code(reply.code)
    # Only the answer about the recipient says that a mailbox does not exist (a server may refuse it as
    # late as after the body, RFC 5321 section 3.3; MAIL speaks about the sender).
    return found if phase in (Phase.RCPT, Phase.DATA, Phase.BODY) else _not_hard(found)


def _by_provider(detail: str, by_text: Cause | None, text: str, provider: str) -> Cause | None:
    if detail == "7.30" and re.search(r"requiretls", text, re.IGNORECASE):
        return Cause.PROTECTION
    if provider == "gmail":
        if detail == _GMAIL_RATE:
            # The same number covers "unusual rate" and "suspicious content from this address block".
            return Cause.RATE
        if detail == _GMAIL_TLS:
            return Cause.PROTECTION
        if detail in _GMAIL_AUTHENTICATION:
            return Cause.AUTHENTICATION
        if detail == "7.1" and by_text is Cause.SPAM:
            return Cause.SPAM
    if provider == "microsoft" and detail in _MICROSOFT_AUTHENTICATION:
        return Cause.AUTHENTICATION
    return None


def _by_status(detail: str, by_text: Cause | None, *, permanent: bool) -> Cause | None:
    subject = detail.split(".")[0]
    if detail in _FULL:
        return Cause.FULL if detail == "2.2" else Cause.CONTENT
    if detail in _HARD:
        if not permanent:
            return Cause.GREYLIST if by_text is Cause.GREYLIST else Cause.SOFT
        # 5.1.1 with "spam" in its words is a policy in disguise; suppressing a living mailbox is worse.
        return by_text if by_text in (Cause.SPAM, Cause.AUTHENTICATION, Cause.RATE) else Cause.HARD
    if subject == "1":
        return Cause.POLICY if detail in ("1.7", "1.8") else by_text or Cause.SOFT
    if detail == "7.30":
        # Outside Gmail: the words decide, and without words it is RFC 8689's meaning.
        return by_text if by_text is Cause.AUTHENTICATION else Cause.PROTECTION
    if detail in ("7.10", "7.11"):
        return Cause.PROTECTION
    if detail in ("7.20", "7.21", "7.22", "7.23", "7.24", "7.25", "7.26", "7.27", "7.29"):
        return by_text if by_text in (Cause.PROTECTION, Cause.RATE) else Cause.AUTHENTICATION
    if subject == "7":
        # 5.7.1 is the number for everything; a dead mailbox is never concluded from it.
        return by_text if by_text not in (None, Cause.HARD, Cause.FULL) else Cause.POLICY
    if detail == "3.4":
        return Cause.CONTENT
    if subject in ("3", "4"):
        return by_text if by_text in (Cause.RATE, Cause.GREYLIST, Cause.FULL) else Cause.SOFT
    if subject in ("5", "6"):
        return Cause.CONTENT
    if subject == "2":
        return by_text or Cause.SOFT
    return None


def _by_text(text: str) -> Cause | None:
    for cause, pattern in _TEXT:
        if pattern.search(text):
            return cause
    return None


def _by_code(code: int) -> Cause:
    """A bare reply code says little; 550 without a word is a policy, because suppressing needs certainty."""
    if code in (552, 452):
        return Cause.FULL
    if code in (551, 553):
        return Cause.HARD
    if code in (500, 501, 502, 503, 504, 554, 555):
        return Cause.POLICY if code == 554 else Cause.CONTENT
    return Cause.POLICY if code // 100 == 5 else Cause.SOFT


def _transient(phase: Phase, reply: Reply, cause: Cause) -> Outcome:
    if cause is Cause.RATE:
        return Outcome(Next.RETRY_LATER, cause, slow_provider=True)
    if cause in (Cause.AUTHENTICATION, Cause.SPAM, Cause.PROTECTION, Cause.POLICY):
        return Outcome(Next.RETRY_LATER, cause, slow_provider=cause in (Cause.AUTHENTICATION, Cause.SPAM))
    if cause is Cause.FULL:
        return Outcome(Next.RETRY_LATER, cause)
    if cause is Cause.HARD:
        cause = Cause.SOFT
    soon = reply.code in (421, 450, 451) or cause is Cause.GREYLIST
    return Outcome(
        Next.RETRY_SOON if soon else Next.RETRY_LATER,
        cause,
        try_next_host=reply.code == 421 or phase in (Phase.CONNECT, Phase.HELLO),
    )
