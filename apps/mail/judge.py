"""Judge what a mail server said: one judge for live answers and for returned mail.

Pure: facts in, a `Judgement` out. Sources: RFC 5321 section 4.2 (reply codes), RFC 3463 and its registry (enhanced
status codes), RFC 7504 and 7505 (hosts and domains that take no mail), RFC 8689 (REQUIRETLS), the bulk-sender pages of
Gmail and Microsoft.

One thing must never go wrong: a person is suppressed for an address that is dead, and for nothing else. What names
our address, name or authentication, a blocklist, a rate, relaying, the sender or the number of recipients speaks of us;
what comes at MAIL or before speaks of nobody's mailbox; a code that says "the mailbox exists" beside words that
say "unknown" proves nothing.

Trap: `5.7.30` is "DKIM did not pass" at Gmail and "REQUIRETLS support required" in RFC 8689. A code is therefore never
read alone where providers disagree: the provider and the text decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from apps.mail.reports import bounce_words as words


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


class Reason(StrEnum):
    """Why a message was not taken."""

    UNKNOWN = "unknown"
    NO_DOMAIN = "no_domain"
    DISABLED = "disabled"
    FULL = "full"
    GREYLIST = "greylist"
    RATE = "rate"
    RECIPIENTS = "recipients"
    REPUTATION = "reputation"
    AUTHENTICATION = "authentication"
    PROTECTION = "protection"
    RELAY = "relay"
    SENDER = "sender"
    POLICY = "policy"
    SPAM = "spam"
    CHALLENGE = "challenge"
    SIZE = "size"
    CONTENT = "content"
    UNSURE = "unsure"
    SUCCESS = "success"


class Scope(StrEnum):
    """Of what an answer speaks. Only what speaks of the mailbox or its domain for good can end a mailbox."""

    MAILBOX = "mailbox"
    DOMAIN = "domain"
    SENDER = "sender"
    MESSAGE = "message"
    SERVER = "server"


_SCOPES = {
    Reason.UNKNOWN: Scope.MAILBOX,
    Reason.DISABLED: Scope.MAILBOX,
    Reason.FULL: Scope.MAILBOX,
    Reason.NO_DOMAIN: Scope.DOMAIN,
    Reason.SPAM: Scope.MESSAGE,
    Reason.SIZE: Scope.MESSAGE,
    Reason.CONTENT: Scope.MESSAGE,
    Reason.GREYLIST: Scope.SERVER,
    Reason.UNSURE: Scope.SERVER,
    Reason.SUCCESS: Scope.SERVER,
}


@dataclass(frozen=True)
class Facts:
    """What is known of one answer. Everything but the text may be missing."""

    text: str = field(default="", repr=False)
    """What the server said; enhanced codes are read from it wherever they stand."""
    code: int = 0
    """The three-digit reply code, or 0: then it is looked for in the text."""
    status: str = ""
    """The Status field of a report: what the sending server made of the answer."""
    phase: Phase | None = None
    provider: str = ""
    """Whose dialect is spoken: "gmail", "microsoft" or ""."""
    prose: bool = False
    """Whether the text is what somebody wrote about the answer, and not the answer."""
    failed: bool = False
    """Whether a report says `Action: failed`: the sending server will not try again, whatever its code."""


@dataclass(frozen=True)
class Judgement:
    """The reason, and whether the server called it permanent."""

    reason: Reason
    permanent: bool

    @property
    def scope(self) -> Scope:
        """Of what the answer speaks."""
        return _SCOPES.get(self.reason, Scope.SENDER)

    @property
    def is_dead(self) -> bool:
        """Whether the mailbox, or its whole domain, is gone for good."""
        return self.permanent and self.reason in (Reason.UNKNOWN, Reason.NO_DOMAIN)


_BEFORE_RECIPIENT = (Phase.LOOKUP, Phase.CONNECT, Phase.HELLO, Phase.STARTTLS, Phase.MAIL)
# Enhanced codes that mean one thing everywhere, without their class.
_UNKNOWN = frozenset({"1.1", "1.3", "1.6", "1.351"})
_NO_DOMAIN = frozenset({"1.2", "1.10"})
_SENDER = frozenset({"1.7", "1.8"})
_GMAIL = {
    "7.28": Reason.RATE,
    "7.29": Reason.PROTECTION,
    **dict.fromkeys(("7.23", "7.25", "7.26", "7.27", "7.30", "7.31", "7.32"), Reason.AUTHENTICATION),
}
_MICROSOFT = dict.fromkeys(("7.515", "7.509", "7.23"), Reason.AUTHENTICATION)
_AUTHENTICATION = frozenset({"7.20", "7.21", "7.22", "7.23", "7.24", "7.25", "7.26", "7.27", "7.29"})


def judge(facts: Facts) -> Judgement:
    """The reason and permanence of one answer."""
    said = _Said.of(facts)
    if said.reply // 100 == 2 or (not said.reply and said.codes and all(code[0] == "2" for code in said.codes)):
        return Judgement(Reason.SUCCESS, True)
    permanent = not said.temporary
    reason = _reason(said, facts)
    if facts.failed and not permanent and reason is Reason.NO_DOMAIN and not said.words_of_dns_fault:
        # Some write 4.0.0 beside "failed" for a domain that does not exist: nobody tries again.
        permanent = not any(code[0] == "4" and not code.endswith(".0.0") for code in said.codes)
    return Judgement(reason, permanent)


@dataclass(frozen=True)
class _Said:
    """An answer made ready for reading."""

    heard: str
    spoken: str
    """Without links, and with addresses as a sign that is no word."""
    codes: frozenset[str]
    status: str
    reply: int
    phase: Phase | None

    @classmethod
    def of(cls, facts: Facts) -> _Said:
        heard = re.sub(r"\s+", " ", facts.text.lower())
        links = re.sub(r"https?://\S+", " ", heard)
        # Long replies repeat "550-5.1.1" before each line; without it sentences can be matched whole.
        spoken = re.sub(r"\b[245]\d\d[- ](?:[245]\.\d{1,3}\.\d{1,3} ?)?", " ", links)
        # Local parts have words in them too. What stands for an address must not be a word of its own.
        spoken = re.sub(r"\s+", " ", words.ADDRESS.sub(words.SIGN, spoken))
        # A link often carries the only word; an address is no reason even if it says spamhaus.
        heard = words.ADDRESS.sub(words.SIGN, heard)
        reply = facts.code or words.reply_code(heard)
        found = set(words.STATUS.findall(links))
        if facts.code:
            # RFC 2034: an enhanced code of another class than its reply is not believed.
            found = {code for code in found if code[0] == str(facts.code)[0]}
        codes = {code for code in found if not code.endswith(".0.0")} or found
        if facts.status and (not codes or not found - {facts.status}):
            codes |= {facts.status}
        return cls(heard, spoken, frozenset(codes), facts.status, reply, facts.phase or phase_in(heard))

    @property
    def details(self) -> frozenset[str]:
        """The codes without their class."""
        return frozenset(code[2:] for code in self.codes)

    @property
    def temporary(self) -> bool:
        return (
            400 <= self.reply < 500 or self.status.startswith("4.") or any(code.startswith("4.") for code in self.codes)
        )

    @property
    def words_of_dns_fault(self) -> bool:
        return words.DNS_FAULT.search(self.spoken) is not None


def phase_in(heard: str) -> Phase | None:
    """The command that a report (lower case, blanks collapsed) says was answered."""
    if words.AFTER_DATA.search(heard):
        return Phase.BODY
    for phase, pattern in ((Phase.RCPT, words.AT_RCPT), (Phase.MAIL, words.AT_MAIL), (Phase.CONNECT, words.AT_HELLO)):
        if pattern.search(heard):
            return phase
    return None


def _reason(said: _Said, facts: Facts) -> Reason:
    found = _about_us(said, facts) or _about_mailbox(said, facts)
    if said.phase in _BEFORE_RECIPIENT and _SCOPES.get(found) in (Scope.MAILBOX, Scope.DOMAIN):
        # MAIL speaks of the sender, and the greeting of the host that connects.
        lookup = facts.phase is None and found is Reason.NO_DOMAIN and said.phase is not Phase.MAIL
        return found if lookup else Reason.POLICY
    return found


def _about_us(said: _Said, facts: Facts) -> Reason | None:
    """What an answer blames on the sender, his host or his message; it stands above "user unknown"."""
    spoken, details = said.spoken, said.details
    if said.temporary and words.CHALLENGE.search(spoken):
        return Reason.CHALLENGE
    if words.PROTECTION.search(spoken):
        return Reason.PROTECTION
    if words.GREYLIST.search(spoken):
        return Reason.GREYLIST
    dialect = {"gmail": _GMAIL, "microsoft": _MICROSOFT}.get(facts.provider, {})
    for detail in details:
        if detail in dialect:
            return dialect[detail]
    if words.RECIPIENTS.search(spoken) or (details & {"5.3"} and not words.FULL.search(spoken)):
        return Reason.RATE if "per connection" in spoken or "messages" in spoken else Reason.RECIPIENTS
    if words.AUTHENTICATION.search(spoken):
        return Reason.AUTHENTICATION
    if words.BLOCKLIST.search(said.heard) or words.OUR_HOST.search(spoken):
        return Reason.REPUTATION
    if words.RATE.search(spoken) and not words.FULL.search(spoken):
        return Reason.RATE
    if details & {"2.2"} or words.FULL.search(spoken):
        return Reason.FULL
    if words.MICROSOFT_EDGE.search(said.heard):
        return Reason.UNKNOWN
    if details & {"3.4", "2.3"} or words.SIZE.search(spoken):
        return Reason.SIZE
    if words.SPAM.search(spoken):
        return Reason.SPAM
    if details & _SENDER or words.SENDER.search(spoken):
        return Reason.SENDER
    if details & {"7.10", "7.11", "7.30"}:
        return Reason.PROTECTION
    if details & _AUTHENTICATION and not _words_of_null_mx(said):
        return Reason.AUTHENTICATION
    if words.RELAY.search(spoken):
        return Reason.RELAY
    if any(detail.startswith("7.") for detail in details) and not _words_of_null_mx(said):
        return Reason.POLICY
    return None


def _words_of_null_mx(said: _Said) -> bool:
    """RFC 7505 has a 5.7.27 of its own for a sender's null MX; some say it of the recipient's domain."""
    return words.NULL_MX.search(said.spoken) is not None


def _about_mailbox(said: _Said, facts: Facts) -> Reason:
    """What is left when the answer blames nothing on us."""
    spoken, details = said.spoken, said.details
    surely = words.UNKNOWN_FOR_SURE.search(spoken)
    host = words.UNKNOWN_HOST.search(spoken)
    unknown = surely or words.UNKNOWN_USER.search(spoken) or host
    policy = words.POLICY.search(spoken)
    if policy and not surely and not (unknown and unknown.start() < policy.start()):
        return Reason.POLICY
    if said.phase is Phase.BODY and words.AFTER_DATA.search(said.heard) and not _named_at_data(said):
        # Systems that accept any recipient and say "unknown" only after DATA filter mail; the address lives.
        return Reason.UNSURE
    disabled = words.DISABLED.search(spoken)
    stock = not details - {"0.0"} and said.phase is not Phase.RCPT and words.STOCK_PHRASE.search(spoken)
    if details & {"2.1"}:
        # RFC 3463: the mailbox exists and is disabled. "Unknown" beside it counts where RCPT was answered.
        return Reason.UNKNOWN if surely and not disabled and said.phase is Phase.RCPT else Reason.DISABLED
    if surely and not disabled:
        elsewhere = details & {"3.0"} and said.phase is not Phase.RCPT
        if elsewhere or (stock and facts.prose):
            return Reason.UNSURE
        return Reason.UNKNOWN
    if said.reply == 551 and not details - {"0.0"} and "not local" in spoken:
        # RFC 5321's own words for 551: the mailbox is elsewhere, no proof that it is gone.
        return Reason.UNSURE
    if disabled and "1.1" in details:
        return Reason.DISABLED
    if (
        details & _NO_DOMAIN
        or said.reply == 556
        or (said.reply == 521 and "3.2" in details and not words.TEMPORARY.search(spoken))
    ):
        # RFC 7504: 556 for the domain, 521 with X.3.2 for the host that takes no mail.
        return Reason.NO_DOMAIN
    if details & _UNKNOWN:
        return Reason.UNKNOWN
    if host:
        return Reason.UNSURE if said.words_of_dns_fault else Reason.NO_DOMAIN
    if disabled:
        return Reason.DISABLED
    # "Address rejected" beside a code about the system, the content or the size says nothing of the address.
    elsewhere = any(not detail.endswith("0.0") and detail.split(".")[0] not in {"0", "1", "5"} for detail in details)
    if elsewhere or words.TEMPORARY.search(spoken):
        return Reason.UNSURE
    if unknown:
        return Reason.UNSURE if stock and facts.prose else Reason.UNKNOWN
    if any(detail.startswith(("5.", "6.")) for detail in details) and not said.temporary:
        return Reason.CONTENT
    if not details - {"0.0"} and said.reply in (452, 552) and not _has_words(spoken):
        return Reason.FULL
    return Reason.UNSURE


def _named_at_data(said: _Said) -> bool:
    """Whether a code of the recipient answered DATA itself, not the body: servers that refuse every RCPT of a
    pipelined group say so there (RFC 2920).
    """
    return "1.1" in said.details and not words.END_OF_DATA.search(said.heard)


def _has_words(text: str) -> bool:
    return len(re.sub(r"[^a-z]+", "", text)) > 8
