"""Judge a letter: runs inside (``apps.core.strangers``), where the DNS is asked by questions to the outside. Pure.

dkimpy checks signatures, pyspf the sending server. Signatures by SHA-1, under a testing key, over a part of the body
(``l=``), or not over From prove nothing (RFC 8301 section 3.1, RFC 6376 sections 3.6.1, 8.2 and 5.4).
"""

from __future__ import annotations

import email.header
import email.message
import email.utils
import ipaddress
import re
import types
from collections.abc import Sequence
from functools import cache
from typing import Any

import dkim
import idna
import spf

from apps.mail import header_words
from apps.mail.proof import dmarc, results
from apps.mail.reports.returned_mail import message_of

SIGNATURES = 6
"""Signatures of one letter that are looked at, the topmost first."""

_ONCE = frozenset(
    [
        *("from", "sender", "reply-to", "to", "cc", "date", "subject", "message-id", "mime-version"),
        *("content-type", "content-transfer-encoding", "content-disposition"),
    ]
)
"""Fields that stand once (RFC 5322 section 3.6, RFC 2045 section 3): of two, whoever signed and whoever reads may look
at another one."""
_SIGNED = (b"from", b"subject", b"date")
"""What staff reads above the words of a letter, and a signature must be over where it is there."""

# What a mail program might show otherwise than it is read here is nobody's; older Pythons cannot say so.
_STRICT = {"strict": True} if getattr(email.utils, "supports_strict_parsing", False) else {}


class _Unanswered(Exception):
    pass


class _Dns:
    """Questions about names, each asked once."""

    def __init__(self, ask: Any) -> None:
        self.look_up = cache(lambda name, record: self._ask(ask, name, record))
        self.failed = False

    def _ask(self, ask: Any, name: str, record: str) -> tuple[str, ...]:
        answer = ask({"name": name.rstrip("."), "record": record})
        if answer is None:
            self.failed = True
            raise _Unanswered
        return tuple(str(row) for row in answer)

    def texts(self, name: str) -> Sequence[str]:
        """TXT records."""
        found: Sequence[str] = self.look_up(name.lower().rstrip("."), "TXT")
        return found


def judge(
    data: bytes,
    *,
    ask: Any,
    now: int,
    address: str,
    greeting: str,
    mail_from: str,
    names: list[str],
    ours: Sequence[str] = (),
) -> tuple[Any, bytes]:
    """What is proven of a letter; see ``verdicts.Verdict`` for what is handed back.

    ``now``: seconds since 1970. ``address``, ``greeting``, ``mail_from``: the sending server as our MX saw it, where it
    told. ``names``: the authserv-ids of our own MX. ``ours``: domains that people write to us at; a letter that was
    written to others only may have been passed on by anybody who has it (RFC 6376 section 8.6).
    """
    # Expiry is judged by the time that was given: the libraries ask this module for it.
    dkim.time = types.SimpleNamespace(time=lambda: now)
    names_ = _Dns(ask)
    message = message_of(data)
    writer, problem = _writer(data, message)
    author = _domain(writer.rpartition("@")[2])
    signatures = _signatures(data, names_)
    fields = [(str(name), _unfolded(value)) for name, value in message.raw_items()]
    if not address:
        address, greeting = results.sending_server(fields, names)
    server = _server(names_, address, greeting, mail_from)
    own = results.of_our_own(fields, names)
    if not server["result"]:
        server = _server_by(own)
    found: dict[str, Any] = {
        "author": author,
        "address": writer,
        "problem": problem,
        "dkim": signatures,
        "spf": server,
        "own": [{"method": one.method, "result": one.result} for one in own][:20],
        "policy": "",
        "state": "unproven",
        "by": "",
        "domain": "",
    }
    if author:
        try:
            _align(found, names_, own)
        except _Unanswered:
            found["state"] = "unchecked"
        # A server that is proven handed the letter over for this very mailbox; a signature goes wherever it is sent.
        if found["state"] == "proven" and found["by"] != "spf" and _is_for_others(message, ours):
            found["state"], found["problem"] = "unproven", "elsewhere"
    return found, b""


def _align(found: dict[str, Any], names: _Dns, own: Sequence[results.Result]) -> None:
    author = found["author"]
    # What our MX found out needs no DNS.
    for one in own:
        if (one.method, one.result) == ("dmarc", "pass") and _domain(one.properties.get("header.from", "")) == author:
            _prove(found, "mx", author)
            return
    try:
        records = dmarc.walk(author, names.texts)
    except _Unanswered:
        # Without its record nothing is known of what the domain asks for; its own signature is still its own.
        if _take(found, _passed(found, own), lambda domain: domain == author):
            return
        raise
    record = dmarc.policy_record(author, records)
    found["policy"] = record.policy if record else ""

    @cache
    def organization_of(domain: str) -> str:
        return dmarc.organization(domain, records if domain == author else dmarc.walk(domain, names.texts))

    def speaks(domain: str, tag: str) -> bool:
        strict = record is not None and record.is_strict(tag)
        return dmarc.is_aligned(domain, author, strict=strict, organization_of=organization_of)

    if _take(found, _passed(found, own), lambda domain: speaks(domain, "adkim")):
        return
    server = found["spf"]
    # A server's word counts where the domain has said by a DMARC record that it relies on it.
    if record is not None and server["result"] == "pass" and speaks(server["domain"], "aspf"):
        _prove(found, "spf", server["domain"])
    elif any(one["result"] == "temperror" and speaks(one["domain"], "adkim") for one in found["dkim"]) or (
        server["result"] == "temperror" and record is not None
    ):
        found["state"] = "unchecked"


def _prove(found: dict[str, Any], by: str, domain: str) -> None:
    found["state"], found["by"], found["domain"] = "proven", by, domain


def _passed(found: dict[str, Any], own: Sequence[results.Result]) -> list[tuple[str, str]]:
    """Domains whose signature fits, and who says so."""
    ours = [(one["domain"], "dkim") for one in found["dkim"] if one["result"] == "pass"]
    theirs = [
        (_domain(one.properties.get("header.d", "") or one.properties.get("header.i", "").rpartition("@")[2]), "mx")
        for one in own
        if (one.method, one.result) == ("dkim", "pass")
    ]
    return [(domain, by) for domain, by in [*ours, *theirs] if domain]


def _take(found: dict[str, Any], passed: list[tuple[str, str]], speaks: Any) -> bool:
    for domain, by in passed:
        if speaks(domain):
            _prove(found, by, domain)
            return True
    return False


def _unfolded(value: Any) -> str:
    text = str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return re.sub(r"\r?\n[ \t]*", " ", text)


def _writer(data: bytes, message: email.message.Message) -> tuple[str, str]:
    """The one address in From, or why there is none: RFC 9989 section 4.3 judges one author of one field only.

    Whatever one program reads otherwise than another names nobody: the one who signs, our MX, and the page that staff
    look at must have seen the same letter.
    """
    fields = [_unfolded(value) for name, value in message.raw_items() if name.lower() == "from"]
    head = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[0]
    if re.search(rb"\r(?!\n)|\0", head):
        # Some take a bare CR for the end of a line and some do not (RFC 5322 section 2.2 forbids it).
        return "", "unreadable"
    if not fields:
        return "", "none"
    if len(fields) > 1:
        return "", "several"
    names = [name.lower() for name, _ in message.raw_items()]
    if any(names.count(name) > 1 for name in _ONCE):
        return "", "doubled"
    try:
        addresses = email.utils.getaddresses(fields, **_STRICT)
    except (RecursionError, ValueError):
        return "", "unreadable"
    if len(addresses) != 1:
        return "", "several"
    address = addresses[0][1]
    raw = fields[0].encode("utf-8", "replace")
    if not _domain(address.rpartition("@")[2]) or header_words.sender(raw)[1] != address:
        return "", "unreadable"
    return address, ""


def _is_for_others(message: email.message.Message, ours: Sequence[str]) -> bool:
    """Whether a letter says whom it was written to, and none of them is ours, above or below it."""
    fields = [_unfolded(value) for name, value in message.raw_items() if name.lower() in {"to", "cc"}]
    try:
        found = {_domain(address.rpartition("@")[2]) for _, address in email.utils.getaddresses(fields)} - {""}
    except (RecursionError, ValueError):
        return False
    if not ours or not found:
        return False
    return not any(f".{one}".endswith(f".{our}") or f".{our}".endswith(f".{one}") for one in found for our in ours)


def _domain(text: str) -> str:
    """A domain in A-labels and lower case; empty when it is none."""
    bare = text.strip().rstrip(".").lower()
    if not bare.isascii():
        try:
            bare = idna.encode(bare, uts46=True).decode("ascii")
        except idna.IDNAError:
            return ""
    return bare if re.fullmatch(r"(?=.{1,253}\Z)(?:[a-z0-9_-]{1,63}\.)+[a-z0-9-]{1,63}", bare) else ""


def _signatures(data: bytes, names: _Dns) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    try:
        signed = dkim.DKIM(data, minkey=1024)
    except dkim.DKIMException:
        return found
    number = sum(1 for name, _ in signed.headers if name.lower() == b"dkim-signature")
    for index in range(min(number, SIGNATURES)):
        found.append(_signature(data, index, names))
    return found


def _signature(data: bytes, index: int, names: _Dns) -> dict[str, str]:
    """Domain, selector and result of one signature: a word of RFC 8601 section 2.7.1, or why it is void."""
    signed = dkim.DKIM(data, minkey=1024)
    state = {"testing": False, "missing": False, "failed": False}

    def texts(name: bytes | str, timeout: int = 5) -> bytes | None:
        plain = name.decode("ascii", "replace") if isinstance(name, bytes) else name
        try:
            rows = names.texts(plain)
        except _Unanswered:
            state["failed"] = True
            return None
        row = next(iter(rows), None)
        state["missing"] = row is None
        flags = re.search(r"(?:^|;)\s*t\s*=\s*([^;]*)", row or "")
        state["testing"] = flags is not None and "y" in {each.strip() for each in flags.group(1).split(":")}
        return row.encode("latin-1", "replace") if row is not None else None

    result = "fail"
    try:
        if signed.verify(index, dnsfunc=texts):
            result = "pass"
    except dkim.DKIMException as error:
        result = (
            "expired" if "x= value is past" in str(error) else "changed" if "body hash" in str(error) else "invalid"
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError):
        # Odd keys and fields make the library stumble; such a signature proves nothing.
        result = "invalid"
    fields = getattr(signed, "signature_fields", None) or {}
    if state["failed"]:
        result = "temperror"
    elif state["missing"]:
        result = "no_key"
    elif result == "pass":
        there = {name.lower() for name, _ in signed.headers}
        result = _void(fields, there, state["testing"]) or "pass"
    return {
        "domain": _domain(_ascii(fields.get(b"d", b""))),
        "selector": _ascii(fields.get(b"s", b""))[:63],
        "result": result,
    }


def _void(fields: dict[bytes, bytes], there: set[bytes], testing: bool) -> str:
    """Why a signature that fits proves nothing all the same; ``there``: the names of the letter's fields."""
    covered = {each.strip().lower() for each in fields.get(b"h", b"").split(b":")}
    if b"from" not in covered:
        return "invalid"
    if fields.get(b"a", b"").strip().lower() == b"rsa-sha1":
        return "weak"
    if b"l" in fields or any(name in there and name not in covered for name in _SIGNED):
        return "partial"
    return "testing" if testing else ""


def _ascii(value: bytes) -> str:
    return value.decode("ascii", "replace").strip()


def _server(names: _Dns, address: str, greeting: str, mail_from: str) -> dict[str, str]:
    """SPF of the sending server; without its address there is nothing to check."""
    try:
        ip = str(ipaddress.ip_address(address))
    except ValueError:
        return {"result": "", "domain": ""}

    def look_up(name: str, record: str, *_: Any) -> list[Any]:
        if record not in {"TXT", "A", "AAAA", "MX", "PTR"}:
            return []
        try:
            rows = names.look_up(str(name).lower().rstrip("."), record)
        except _Unanswered:
            raise spf.TempError("DNS") from None
        return [((str(name), record), _as_pyspf(row, record)) for row in rows]

    spf.DNSLookup = look_up
    sender = mail_from.strip().strip("<>")
    domain = _domain(sender.rpartition("@")[2] if "@" in sender else greeting)
    if not domain:
        return {"result": "none", "domain": ""}
    try:
        result, _, _ = spf.query(i=ip, s=sender, h=greeting or domain, timeout=20, querytime=0).check()
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, UnicodeError, RecursionError):
        result = "permerror"
    return {"result": str(result).lower(), "domain": domain}


def _as_pyspf(row: str, record: str) -> Any:
    if record == "TXT":
        return (row.encode("latin-1", "replace"),)
    if record == "MX":
        preference, _, host = row.partition(" ")
        return int(preference), host.rstrip(".")
    return row.rstrip(".") if record == "PTR" else row


def _server_by(own: Sequence[results.Result]) -> dict[str, str]:
    """What our MX found about the sending server, when it told us no address."""
    for one in own:
        if one.method == "spf":
            sender = one.properties.get("smtp.mailfrom", "") or one.properties.get("smtp.helo", "")
            return {"result": one.result, "domain": _domain(sender.rpartition("@")[2])}
    return {"result": "", "domain": ""}
