"""Where did the data go? The evidence of a message as sentences, pure (S-015, B-356)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from apps.delivery.policy.routing import HELD_WORDS, Held
from apps.mail.reports.bounces import sanitize
from apps.mail.smtp_replies import CAUSE_WORDS, RESTORED, Cause, Fault
from apps.mail.tls import TLS_WORDS, TRUSTED_LOCALLY, TlsClass
from apps.ui import datewords

_FAULTS = {
    Fault.NO_SUCH_DOMAIN: "The domain has no mail server.",
    Fault.NULL_MX: "The domain says that it takes no mail.",
    Fault.LOOKUP_FAILED: "The DNS did not answer.",
    Fault.REFUSED: "The mail server refused the connection.",
    Fault.NOT_PUBLIC: "The domain's mail server stands at an address inside a private network, so we do not go there.",
    Fault.TIMEOUT: "The mail server did not answer in time.",
    Fault.DROPPED: "The mail server hung up.",
    Fault.TLS_FAILED: "The connection could not be encrypted.",
    Fault.TLS_TOO_WEAK: "The connection was not protected well enough, so nothing was sent over it.",
    Fault.NOT_SMTP: "What answered is no mail server.",
    Fault.NEEDS_UTF8: "The mail server cannot take addresses with these letters.",
    Fault.NEEDS_8BIT: "The mail server cannot take this message's encoding.",
    Fault.TOO_LARGE: "The message is larger than the mail server takes.",
}


# What reports say of a message that left and has not failed.
_REPORTED = {
    "delayed": "A mail server says that it has not delivered it yet and still tries",
    "elsewhere": "It was forwarded and the forward failed; the address written to is not stopped",
}


@dataclass(frozen=True)
class Chapter:
    """One entry of the timeline. `facts` are (name, value) pairs."""

    title: str
    icon: str
    tone: str
    at: datetime | None
    text: str = ""
    facts: tuple[tuple[str, str], ...] = field(default=())


def reason_words(code: str) -> str:
    """The words of a message's reason: a hold code or a cause."""
    if not code:
        return ""
    if code in set(Held):
        return HELD_WORDS[Held(code)]
    if code in set(Cause):
        return CAUSE_WORDS[Cause(code)]
    if code in _REPORTED:
        return _REPORTED[code]
    if code == RESTORED:
        return "It waited when a backup was made that was restored; it may have left since"
    return code.replace("_", " ").capitalize()


def names_in(address: str) -> list[str]:
    """What of an address must not show in a server's words: itself, its local part, and the words of that."""
    local = address.rpartition("@")[0]
    words = [word for word in re.split(r"[^\w]|_", local) if len(word) > 2]
    return [each for each in (address, local, *sorted(words, key=len, reverse=True)) if each]


def tell(attempts: Sequence[Mapping[str, Any]], hide: Sequence[str] = ()) -> list[Chapter]:
    """The attempts of a message in order. `hide` are addresses that must not show in a server's words."""
    return [_chapter(attempt, hide) for attempt in attempts]


def _chapter(attempt: Mapping[str, Any], hide: Sequence[str]) -> Chapter:
    at = datetime.fromisoformat(attempt["at"]) if attempt.get("at") else None
    host = attempt.get("mx", "")
    facts = _facts(attempt, hide)
    code = attempt.get("code")
    if code is not None and 200 <= code < 300:
        title = f"Handed over to {host}" if attempt.get("relay") else f"Taken by {host}"
        text = "The relay took it; what happens after it, only its reports can tell." if attempt.get("relay") else ""
        return Chapter(title, "mail-check", "good", at, text, facts)
    fault = attempt.get("fault")
    where = f" at {host}" if host else ""
    if fault:
        words = _FAULTS.get(Fault(fault), "The connection failed.") if fault in set(Fault) else str(fault)
        if fault == Fault.TLS_TOO_WEAK:
            return Chapter(f"Not sent{where}", "shield-x", "caution", at, words, facts)
        if attempt.get("phase") == "body":
            words += " The message had been handed in, so it may have arrived."
        return Chapter(f"No answer{where}", "alert-triangle", "caution", at, words, facts)
    cause = attempt.get("cause", "")
    words = CAUSE_WORDS[Cause(cause)] + "." if cause in set(Cause) else ""
    tone = "bad" if code is not None and code >= 500 else "caution"
    return Chapter(f"Not taken{where}", "mail-x", tone, at, words, facts)


def _facts(attempt: Mapping[str, Any], hide: Sequence[str]) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    tls = attempt.get("tls") or {}
    if "tls_class" in tls:
        local = tls.get("issuer") == TRUSTED_LOCALLY
        words = (
            "a server on this machine, trusted by the transport map" if local else TLS_WORDS[TlsClass(tls["tls_class"])]
        )
        found.append(("Protection", words[:1].upper() + words[1:]))
    if tls.get("fault"):
        found.append(("Why not better", str(tls["fault"])))
    if tls.get("version"):
        found.append(("Encryption", f"{str(tls['version']).replace('TLSv', 'TLS ')}, {tls.get('cipher', '')}"))
    if tls.get("names"):
        found.append(("Certificate for", ", ".join(tls["names"])))
    if tls.get("issuer"):
        found.append(("Issued by", str(tls["issuer"])))
    if tls.get("not_after"):
        found.append(("Valid until", datewords.day(date.fromisoformat(str(tls["not_after"])[:10]))))
    if tls.get("fingerprint"):
        found.append(("SHA-256", str(tls["fingerprint"])))
    if attempt.get("ip"):
        found.append(("IP address", str(attempt["ip"])))
    if attempt.get("requiretls"):
        found.append(("REQUIRETLS", "Asked for and accepted"))
    if attempt.get("code") is not None:
        answer = f"{attempt['code']} {attempt.get('response', '')}".strip()
        found.append(("Answer", sanitize(answer, hide)))
    if attempt.get("skipped"):
        found.append(("Note", "Decided by the answer another message had just got from this server"))
    return tuple(found)
