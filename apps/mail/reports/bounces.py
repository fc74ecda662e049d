"""What a returned mail says: pure reading of delivery reports, complaints and automatic replies.

Standards: RFC 3464 (delivery status), RFC 3463 (status codes), RFC 5965 (feedback reports), RFC 3834
(automatic answers). Many systems follow none of them, so words are read too. One thing must never go wrong: a
person is suppressed for an address that is dead, and for nothing else. So whatever speaks of spam, a full
mailbox or greylisting wins over "user unknown", a 4.x.x is never final, and a 5.7.x never ends a person's
mail (B-351).

Nothing here trusts the body about *whom* it concerns: that comes from the signed return path (returnpath.py).
"""

from __future__ import annotations

import email
import email.message
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from apps.mail.reports import bounce_words as words
from apps.mail.reports.returned_mail import (
    MAX_READ,
    MAX_TEXT,
    SHORT_FIELDS,
    Absurd,
    decoded_header,
    leaf_text,
    message_of,
    message_parts,
    raw_header,
    spoken_words,
    status_blocks,
)


class Verdict(StrEnum):
    """What a returned mail means for the address it concerns."""

    HARD = "hard"
    SOFT = "soft"
    POLICY = "policy"
    SPAM = "spam"
    FULL = "full"
    GREYLIST = "greylist"
    DELAYED = "delayed"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto_reply"
    NOT_A_BOUNCE = "not_a_bounce"

    @property
    def is_failure(self) -> bool:
        """Whether the message did not arrive and will not."""
        return self in _FAILURES


_FAILURES = frozenset({Verdict.HARD, Verdict.SOFT, Verdict.POLICY, Verdict.SPAM, Verdict.FULL, Verdict.GREYLIST})


@dataclass(frozen=True)
class Outcome:
    """What was said about one recipient."""

    verdict: Verdict
    status: str
    """Enhanced status code ("5.1.1"), or empty."""
    reply: int
    """SMTP reply code, or 0."""
    diagnostic: str = field(repr=False)
    """What the other side wrote, without addresses, names in quotes and links; at most 300 characters."""


@dataclass(frozen=True)
class Report:
    """A returned mail, read. `outcomes` has one entry for each recipient the report tells apart."""

    verdict: Verdict
    status: str = ""
    reply: int = 0
    diagnostic: str = field(default="", repr=False)
    outcomes: tuple[Outcome, ...] = field(default=(), repr=False)
    feedback_type: str = ""
    original_mail_from: tuple[str, ...] = field(default=(), repr=False)
    """Return paths the report claims for the original: tokens to verify, never addresses to believe."""
    original_message_id: str = field(default="", repr=False)


# --- the way in ---------------------------------------------------------------------------------------------


def parse(raw: bytes) -> Report:
    """Read a returned mail (the whole message as received, any bytes). Never raises."""
    data = raw[:MAX_READ]
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    try:
        message = message_of(data)
        parts = message_parts(message)
    except (RecursionError, Absurd):
        # Thousands of nested parts: nobody's mail system writes that.
        return Report(Verdict.NOT_A_BOUNCE)
    complaint = _complaint(parts) or _old_complaint(message, parts)
    if complaint is not None:
        return complaint
    blocks = status_blocks(parts)
    text = spoken_words(parts)
    if blocks:
        report = _delivery_report(blocks, text)
        if report is not None:
            return _with_clues(report, parts)
    if _looks_like_bounce(message, text):
        return _with_clues(_from_words(text), parts)
    if _is_auto_reply(message):
        return Report(Verdict.AUTO_REPLY)
    return Report(Verdict.NOT_A_BOUNCE)


def classify(status: str, text: str, *, final: bool = True) -> Verdict:
    """Judge one outcome from its enhanced status code and the words that came with it.

    `final` is False for an outcome that says the sender will try again. Also used for live SMTP replies.
    """
    heard = re.sub(r"https?://\S+", " ", re.sub(r"\s+", " ", text.lower()))
    # Long replies repeat "550-5.1.1" before each line; without it sentences can be matched whole.
    spoken = re.sub(r"\b[245]\d\d[- ](?:[245]\.\d{1,3}\.\d{1,3} ?)?", " ", heard)
    # Local parts have words in them too.
    spoken = re.sub(r"\s+", " ", words.ADDRESS.sub("(address)", spoken))
    codes = set(words.STATUS.findall(heard))
    said = {code for code in codes if not code.endswith((".0.0",))} or codes
    if status and (not said or not codes - {status}):
        said = said | {status}
    reply = _reply_code(heard)
    if words.GREYLIST.search(spoken):
        return Verdict.GREYLIST
    if words.FULL.search(spoken) or {"5.2.2", "4.2.2"} & said:
        return Verdict.FULL
    if words.MICROSOFT_EDGE.search(heard):
        return Verdict.HARD
    if words.SPAM.search(spoken):
        return Verdict.SPAM
    if any(code.split(".")[1] == "7" for code in said) or words.SENDER.search(spoken):
        return Verdict.POLICY
    for_sure = words.UNKNOWN_FOR_SURE.search(spoken)
    unknown = for_sure or words.UNKNOWN_USER.search(spoken) or words.UNKNOWN_HOST.search(spoken)
    policy = words.POLICY.search(spoken)
    if policy and not for_sure and not (unknown and unknown.start() < policy.start()):
        return Verdict.POLICY
    if not final:
        return Verdict.DELAYED
    if words.SIZE.search(spoken):
        return Verdict.SOFT
    temporary = status.startswith("4.") or any(code.startswith("4.") for code in said) or 400 <= reply < 500
    if temporary:
        return Verdict.SOFT
    if words.AFTER_DATA.search(heard):
        return Verdict.SOFT
    if for_sure or words.HARD_STATUS & said:
        return Verdict.HARD
    if words.UNKNOWN_HOST.search(spoken):
        return Verdict.SOFT if "try again" in spoken else Verdict.HARD
    # "Address rejected" beside a code about the system, the content or the size says nothing of the address.
    elsewhere = any(not code.endswith(".0.0") and code.split(".")[1] not in {"0", "1", "5"} for code in said)
    if words.DISABLED.search(spoken) or elsewhere or words.TEMPORARY.search(spoken):
        return Verdict.SOFT
    return Verdict.HARD if unknown else Verdict.SOFT


def sanitize(text: str, hide: Iterable[str] = ()) -> str:
    """A diagnostic that may be kept: no addresses, quoted names or links; one line of at most 300 characters.

    `hide` names strings that must not appear either, such as the recipient's local part.
    """
    text = re.sub(r"https?://\S+|www\.\S+", "(link)", text)
    text = words.ADDRESS.sub("(address)", text)
    text = re.sub(r"[\"'`][^\"'`\n]{1,80}[\"'`]", "(name)", text)
    text = re.sub(r"<[^<>\n]{0,200}>", "(address)", text)
    for word in hide:
        if len(word) > 1:
            text = re.sub(re.escape(word), "(name)", text, flags=re.IGNORECASE)
    # "user kim unknown", "Unknown user: kim.lee": what stands where a name stands is a name.
    text = words.NAME_AFTER.sub(r"\1 (name)", text)
    text = words.NAME_BETWEEN.sub(r"\1 (name)", text)
    text = re.sub(r"[^\x20-\x7e\u00a0-\uffff]+", " ", text)
    text = re.sub(r"\s+", " ", text).strip()
    return text[:300]


# --- complaints and clues ------------------------------------------------------------------------------------


def _complaint(parts: list[email.message.Message]) -> Report | None:
    for part in parts:
        if part.get_content_type() != "message/feedback-report":
            continue
        payload = part.get_payload()
        if isinstance(payload, list) and payload and isinstance(payload[0], email.message.Message):
            fields = payload[0]
        else:
            fields = email.message_from_string(str(payload)[:MAX_TEXT].lstrip(), policy=SHORT_FIELDS)
        kind = raw_header(fields, "Feedback-Type").strip().lower()
        if kind == "not-spam":
            return Report(Verdict.NOT_A_BOUNCE, feedback_type=kind)
        if kind == "auth-failure":
            # RFC 6591: the receiver tells that our authentication failed; the person said nothing.
            return _with_clues(Report(Verdict.POLICY, feedback_type=kind), parts)
        report = Report(Verdict.COMPLAINT, feedback_type=kind if kind in words.COMPLAINTS else "other")
        claimed = raw_header(fields, "Original-Mail-From").strip(" <>")
        return _with_clues(report, parts, first=(claimed,) if claimed else ())
    return None


def _old_complaint(message: email.message.Message, parts: list[email.message.Message]) -> Report | None:
    """Microsoft's complaint reports (JMRP) are the message itself, attached to a mail with this subject."""
    if not decoded_header(message, "Subject").strip().lower().startswith("complaint about message from"):
        return None
    if not _carries_original(message):
        return None
    return _with_clues(Report(Verdict.COMPLAINT, feedback_type="abuse"), parts)


def _with_clues(report: Report, parts: list[email.message.Message], first: tuple[str, ...] = ()) -> Report:
    """Add what the report says of the original: return paths and Message-ID, to be verified elsewhere."""
    paths = list(first)
    message_id = ""
    for part in parts[1:]:
        source: email.message.Message = part
        if part.get_content_type() in {"text/rfc822-headers", "text/rfc822"}:
            source = email.message_from_string(leaf_text(part).lstrip(), policy=SHORT_FIELDS)
        for value in (raw_header(source, "Return-Path"), raw_header(source, "X-Original-Return-Path")):
            if "@" in value and len(paths) < 5:
                paths.append(value.strip(" <>"))
        message_id = message_id or raw_header(source, "Message-ID").strip()
    return Report(
        report.verdict,
        report.status,
        report.reply,
        report.diagnostic,
        report.outcomes,
        report.feedback_type,
        tuple(paths),
        message_id[:250],
    )


# --- judging ------------------------------------------------------------------------------------------------


def _delivery_report(blocks: list[email.message.Message], text: str) -> Report | None:
    outcomes = []
    for block in blocks:
        action = raw_header(block, "Action").strip().lower().split(" ")[0].split("(")[0]
        if action in {"delivered", "relayed", "expanded"}:
            continue
        outcomes.append(_outcome_of_block(block, action, text, alone=len(blocks) == 1))
    if not outcomes:
        return Report(Verdict.NOT_A_BOUNCE)
    return _combine(outcomes)


def _outcome_of_block(block: email.message.Message, action: str, text: str, *, alone: bool) -> Outcome:
    found = words.STATUS.search(raw_header(block, "Status"))
    status = found.group(1) if found else ""
    diagnostic = " ".join(str(value) for value in block.get_all("Diagnostic-Code", []))
    diagnostic = re.sub(r"\s+", " ", diagnostic)
    comment = re.sub(r"^[\s\d.]+", "", raw_header(block, "Status"))
    said = f"{comment} {diagnostic}".strip()
    final = action not in {"delayed", "delay"}
    verdict = classify(status, said, final=final)
    # A report may keep the reason for its human part: look there when the fields say little.
    plain = re.sub(r"(?i)^\s*(?:smtp|x-[\w-]+|dns)\s*;", "", diagnostic)
    if alone and (verdict is Verdict.SOFT or (verdict is Verdict.HARD and not _spoken(plain))):
        fuller = classify(status, f"{said} {text}", final=final)
        if fuller is not Verdict.HARD or not status.startswith("4."):
            verdict = fuller
            if not _spoken(plain):
                diagnostic = f"{diagnostic} {_telling(text)}"
    elif alone and verdict is Verdict.HARD and _after_data(f"{said} {text}"):
        verdict = classify(status, f"{said} {text}", final=final)
    if alone and verdict is Verdict.HARD:
        # Only what nobody contradicts is hard.
        other = classify("", text, final=True)
        verdict = other if other in {Verdict.FULL, Verdict.GREYLIST, Verdict.SPAM} else verdict
    if not final and verdict not in {Verdict.GREYLIST, Verdict.FULL, Verdict.SPAM, Verdict.POLICY}:
        verdict = Verdict.DELAYED
    specific = _most_telling_status(diagnostic, status)
    recipient = raw_header(block, "Final-Recipient").rpartition(";")[2].strip(" <>")
    hide = {recipient.rpartition("@")[0], *_local_parts(f"{diagnostic} {text}")}
    return Outcome(verdict, specific, _reply_code(diagnostic.lower()), sanitize(diagnostic, hide))


def _after_data(text: str) -> bool:
    return words.AFTER_DATA.search(" ".join(text.lower().split())) is not None


def _spoken(text: str) -> bool:
    """Whether a diagnostic has words besides codes."""
    return len(re.sub(r"[^a-zA-Z]+", "", words.STATUS.sub("", text))) > 8


def _combine(outcomes: list[Outcome]) -> Report:
    """One verdict of several: hard only when all are (an alias may have one dead address behind it)."""
    worst = outcomes[0]
    for outcome in outcomes[1:]:
        if worst.verdict is Verdict.HARD and outcome.verdict is not Verdict.HARD:
            worst = outcome
    return Report(worst.verdict, worst.status, worst.reply, worst.diagnostic, tuple(outcomes))


def _from_words(text: str) -> Report:
    lowered = text.lower()
    final = not words.DEFERRED.search(re.sub(r"\s+", " ", lowered)) or bool(
        re.search(r"(?:gave|giving) up|permanent|has failed|delivery failed|final", lowered)
    )
    status = _most_telling_status(text, "")
    verdict = classify(status, text, final=final)
    diagnostic = sanitize(_telling(text), _local_parts(text))
    outcome = Outcome(verdict, status, _reply_code(lowered), diagnostic)
    return Report(verdict, outcome.status, outcome.reply, diagnostic, (outcome,))


def _local_parts(text: str) -> set[str]:
    """Every name that stands before an @ in a report, so that it can be hidden where it stands alone."""
    found = {address.rpartition("@")[0].strip('"<') for address in words.ADDRESS.findall(text[:MAX_TEXT])}
    return {name for name in sorted(found)[:50] if len(name) > 2 and name.lower() not in words.NO_NAMES}


def _telling(text: str) -> str:
    """The lines of a free-form bounce that carry a code or a reason."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for pattern in words.TELLING:
        for number, line in enumerate(lines):
            if pattern.search(line.lower()):
                return " ".join(lines[number : number + 3])
    return " ".join(lines[:2])


def _codes(text: str) -> Iterator[str]:
    yield from words.STATUS.findall(text)


def _most_telling_status(text: str, status: str) -> str:
    """The most specific code: what the far side wrote beats what our side made of it."""
    for code in _codes(text):
        if code[0] in "45" and not code.endswith(".0.0"):
            return code
    return status or next(_codes(text), "")


def _reply_code(heard: str) -> int:
    found = words.REPLY.search(heard)
    return int(found.group(1)) if found else 0


def _looks_like_bounce(message: email.message.Message, text: str) -> bool:
    if message.get("X-Failed-Recipients"):
        return True
    subject = decoded_header(message, "Subject").lower()
    sender = raw_header(message, "From").lower()
    if words.AUTO_SUBJECT.match(subject):
        return False
    heard = re.sub(r"\s+", " ", text.lower()[:6000])
    marks = (
        bool(words.SUBJECT_OF_BOUNCE.search(subject)) and not subject.startswith(("re:", "fwd:", "fw:")),
        bool(words.FROM_OF_BOUNCE.search(sender)),
        bool(words.BODY_OF_BOUNCE.search(heard)),
        raw_header(message, "Return-Path").strip() == "<>",
        "report-type" in raw_header(message, "Content-Type").lower(),
        bool(words.FROM_OF_BOUNCE.search(sender)) and _carries_original(message),
    )
    return sum(marks) >= 2


def _carries_original(message: email.message.Message) -> bool:
    return any(
        part.get_content_type() in {"message/rfc822", "text/rfc822-headers"} for part in message_parts(message)[1:]
    )


def _is_auto_reply(message: email.message.Message) -> bool:
    """RFC 3834, and what came before it. A person's answer to a notice begins with "Re:" and is none."""
    submitted = raw_header(message, "Auto-Submitted").strip().lower()
    if submitted.startswith("auto-replied"):
        return True
    if any(message.get(name) for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-AutoReply-From")):
        return True
    if raw_header(message, "Precedence").strip().lower() in {"auto_reply", "auto-reply"}:
        return True
    if raw_header(message, "X-Auto-Response-Suppress") and submitted.startswith("auto-generated"):
        return True
    return bool(words.AUTO_SUBJECT.match(decoded_header(message, "Subject")))
