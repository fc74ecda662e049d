"""What an answer of a mail server means for the message, the mailbox and the provider.

Pure: a reply (or a fault) in, a `ReplyOutcome` out. Tested as a table. What the words and codes mean is `judge`'s
matter, the same for returned mail; here it is decided what becomes of the message. Source: RFC 5321 section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from apps.mail.judge import Facts, Phase, Reason, judge
from apps.mail.reports.bounce_words import STATUS

__all__ = [
    "CAUSE_WORDS",
    "RESTORED",
    "Cause",
    "Fault",
    "Next",
    "Phase",
    "Reply",
    "ReplyOutcome",
    "is_about_connection",
    "of_fault",
    "of_reply",
    "provider_of",
]


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
        """The enhanced status code ("5.1.1"), wherever it stands (qmail: in brackets at the end), or "" when the
        server sent none that fits its reply code.
        """
        fitting = (found for found in STATUS.findall(self.text) if found[0] == str(self.code)[0])
        return next(fitting, "")


@dataclass(frozen=True)
class ReplyOutcome:
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


def of_reply(phase: Phase, reply: Reply, *, provider: str = "") -> ReplyOutcome:
    """The meaning of `reply` at `phase`, spoken by `provider` (see `provider_of`)."""
    if reply.code // 100 == 2 and phase is Phase.BODY:
        return ReplyOutcome(Next.SENT, Cause.NONE)
    permanent = reply.code // 100 == 5
    cause = _cause(phase, reply, provider)
    if not permanent:
        return _transient(phase, reply, cause)
    if phase in (Phase.CONNECT, Phase.HELLO, Phase.STARTTLS):
        # The server refuses us, not this message: others of its domain may not, and it may change its mind.
        return ReplyOutcome(Next.RETRY_LATER, cause, slow_provider=True, try_next_host=True)
    if cause is Cause.RATE:
        # Gmail answers 5xx for a rate once limits are passed for long; the mailbox is innocent.
        return ReplyOutcome(Next.RETRY_LATER, cause, slow_provider=True)
    return ReplyOutcome(Next.GIVE_UP, cause, slow_provider=cause in (Cause.AUTHENTICATION, Cause.SPAM))


def of_fault(phase: Phase, fault: Fault) -> ReplyOutcome:
    """The meaning of an end without an answer.

    A message whose final dot was sent and that got no answer is doubtful: the server may have taken it
    (RFC 5321 section 4.5.3.2.6), so only a person may decide to send it again.
    """
    if phase is Phase.BODY and fault in (Fault.DROPPED, Fault.TIMEOUT, Fault.NOT_SMTP):
        return ReplyOutcome(Next.DOUBTFUL, Cause.NETWORK)
    if fault in (Fault.NO_SUCH_DOMAIN, Fault.NULL_MX):
        return ReplyOutcome(Next.GIVE_UP, Cause.HARD)
    if fault in (Fault.NEEDS_UTF8, Fault.NEEDS_8BIT, Fault.TOO_LARGE):
        return ReplyOutcome(Next.GIVE_UP, Cause.CONTENT)
    if fault is Fault.TLS_TOO_WEAK:
        # Not a delivery attempt: the policy decides again with what was measured.
        return ReplyOutcome(Next.RETRY_SOON, Cause.PROTECTION, try_next_host=True)
    if fault is Fault.TLS_FAILED:
        return ReplyOutcome(Next.RETRY_LATER, Cause.PROTECTION, try_next_host=True)
    return ReplyOutcome(Next.RETRY_LATER, Cause.NETWORK, try_next_host=phase is not Phase.LOOKUP)


def is_about_connection(phase: Phase, reply: Reply | None, fault: Fault | None) -> bool:
    """Whether the end of an attempt speaks of a connection that has carried messages, and not of this message.

    421 ends a connection wherever it comes before the body; so does a server that has hung up before MAIL was answered.
    OpenSMTPD refuses every MAIL after the hundredth with 452 4.5.3 and keeps the line open; others say it with 5yz.
    """
    if reply is None:
        return phase is Phase.MAIL and fault is Fault.DROPPED
    if reply.code == 421:
        return phase in (Phase.MAIL, Phase.RCPT, Phase.DATA)
    if phase is not Phase.MAIL:
        return False
    found = judge(Facts(reply.text, code=reply.code, phase=phase))
    return found.reason in _NOT_THIS_MESSAGE or (not found.permanent and found.reason is Reason.UNSURE)


_NOT_THIS_MESSAGE = frozenset({Reason.RATE, Reason.RECIPIENTS})
_CAUSES = {
    Reason.UNKNOWN: Cause.HARD,
    Reason.NO_DOMAIN: Cause.HARD,
    Reason.DISABLED: Cause.SOFT,
    Reason.FULL: Cause.FULL,
    Reason.GREYLIST: Cause.GREYLIST,
    Reason.RATE: Cause.RATE,
    Reason.REPUTATION: Cause.SPAM,
    Reason.AUTHENTICATION: Cause.AUTHENTICATION,
    Reason.PROTECTION: Cause.PROTECTION,
    Reason.SPAM: Cause.SPAM,
    Reason.SIZE: Cause.CONTENT,
    Reason.CONTENT: Cause.CONTENT,
    Reason.UNSURE: Cause.SOFT,
}


def _cause(phase: Phase, reply: Reply, provider: str) -> Cause:
    found = judge(Facts(reply.text, code=reply.code, phase=phase, provider=provider))
    if found.reason is Reason.UNSURE and found.permanent and reply.code // 100 == 5:
        return _by_code(reply)
    return _CAUSES.get(found.reason, Cause.POLICY)


def _by_code(reply: Reply) -> Cause:
    """A bare reply code says little: 550, 551 and 553 are a policy then, because suppressing needs certainty."""
    if any(code[2] in "34" for code in STATUS.findall(reply.text)):
        return Cause.SOFT
    return Cause.CONTENT if reply.code in (500, 501, 502, 503, 504, 555) else Cause.POLICY


def _transient(phase: Phase, reply: Reply, cause: Cause) -> ReplyOutcome:
    if cause is Cause.RATE:
        return ReplyOutcome(Next.RETRY_LATER, cause, slow_provider=True)
    if cause in (Cause.AUTHENTICATION, Cause.SPAM, Cause.PROTECTION, Cause.POLICY):
        return ReplyOutcome(Next.RETRY_LATER, cause, slow_provider=cause in (Cause.AUTHENTICATION, Cause.SPAM))
    if cause is Cause.FULL:
        return ReplyOutcome(Next.RETRY_LATER, cause)
    if cause is Cause.HARD:
        cause = Cause.SOFT
    soon = reply.code in (421, 450, 451) or cause is Cause.GREYLIST
    return ReplyOutcome(
        Next.RETRY_SOON if soon else Next.RETRY_LATER,
        cause,
        try_next_host=reply.code == 421 or phase in (Phase.CONNECT, Phase.HELLO),
    )
