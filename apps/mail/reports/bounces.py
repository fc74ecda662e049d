"""What a returned mail says: pure reading of delivery reports, complaints and automatic replies.

Standards: RFC 3464 (delivery status), RFC 3463 (status codes), RFC 5965 (feedback reports), RFC 3834
(automatic answers). Many systems follow none of them, so words are read too. One thing must never go wrong: a
person is suppressed for an address that is dead, and for nothing else. So whatever speaks of spam, a full
mailbox or greylisting wins over "user unknown", a 4.x.x is never final, and a 5.7.x never ends a person's
mail (B-351).

Nothing here trusts the body about *whom* it concerns: that comes from the signed return path (returnpath.py).
"""

from __future__ import annotations

import contextlib
import email
import email.message
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from apps.mail.judge import Facts, Reason, judge, phase_in
from apps.mail.reports import bounce_words as words
from apps.mail.reports.returned_mail import (
    MAX_READ,
    MAX_TEXT,
    REPORT_WORK,
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
    ELSEWHERE = "elsewhere"
    """Another mailbox than the one written to failed: a forward. The message did arrive where we sent it."""

    @property
    def is_failure(self) -> bool:
        """Whether the message did not arrive and will not."""
        return self in _FAILURES


_FAILURES = frozenset({Verdict.HARD, Verdict.SOFT, Verdict.POLICY, Verdict.SPAM, Verdict.FULL, Verdict.GREYLIST})


@dataclass(frozen=True)
class RecipientOutcome:
    """What was said about one recipient."""

    verdict: Verdict
    status: str
    """Enhanced status code ("5.1.1"), or empty."""
    reply: int
    """SMTP reply code, or 0."""
    diagnostic: str = field(repr=False)
    """What the other side wrote, without addresses, names in quotes and links; at most 300 characters."""
    recipients: tuple[str, ...] = field(default=(), repr=False)
    """The mailboxes that the report names for it: to be compared with the one written to, never to be believed."""


@dataclass(frozen=True)
class Report:
    """A returned mail, read. `outcomes` has one entry for each recipient the report tells apart."""

    verdict: Verdict
    status: str = ""
    reply: int = 0
    diagnostic: str = field(default="", repr=False)
    outcomes: tuple[RecipientOutcome, ...] = field(default=(), repr=False)
    feedback_type: str = ""
    original_mail_from: tuple[str, ...] = field(default=(), repr=False)
    """Return paths the report claims for the original: tokens to verify, never addresses to believe."""
    original_message_id: str = field(default="", repr=False)
    arrived: bool = False
    """Whether it says that the message was delivered, or handed on, after all."""


# --- the way in ---------------------------------------------------------------------------------------------


def parse(raw: bytes) -> Report:
    """Read a returned mail (the whole message as received, any bytes). Never raises."""
    data = raw[:MAX_READ]
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    try:
        message = message_of(data, work=REPORT_WORK)
        parts = message_parts(message)
    except (RecursionError, Absurd):
        # Thousands of nested parts: nobody's mail system writes that.
        return Report(Verdict.NOT_A_BOUNCE)
    complaint = _complaint(parts) or _old_complaint(message, parts)
    if complaint is not None:
        return complaint
    blocks = status_blocks(parts)
    text = without_footers(spoken_words(parts))
    if blocks:
        report = _delivery_report(blocks, text)
        if report is not None:
            return _with_clues(report, parts)
    if _looks_like_bounce(message, text):
        return _with_clues(_from_words(text, _named_in(message, text)), parts)
    if _is_auto_reply(message):
        return Report(Verdict.AUTO_REPLY)
    return Report(Verdict.NOT_A_BOUNCE)


_VERDICTS = {
    Reason.DISABLED: Verdict.SOFT,
    Reason.FULL: Verdict.FULL,
    Reason.GREYLIST: Verdict.GREYLIST,
    Reason.SPAM: Verdict.SPAM,
    Reason.SIZE: Verdict.SOFT,
    Reason.CONTENT: Verdict.SOFT,
    Reason.UNSURE: Verdict.SOFT,
    Reason.CHALLENGE: Verdict.DELAYED,
    Reason.SUCCESS: Verdict.NOT_A_BOUNCE,
}


def classify(status: str, text: str, *, final: bool = True) -> Verdict:
    """Judge one outcome from its enhanced status code and the words that came with it (see ``judge``).

    `final` is False for an outcome that says the sender will try again (RFC 3464 section 2.3.3): no failure, whatever
    its words.
    """
    return _verdict_of(Facts(text, status=status)) if final else Verdict.DELAYED


def _verdict_of(facts: Facts) -> Verdict:
    found = judge(facts)
    if found.is_dead:
        return Verdict.HARD
    if found.reason in (Reason.UNKNOWN, Reason.NO_DOMAIN):
        return Verdict.SOFT
    return _VERDICTS.get(found.reason, Verdict.POLICY)


def about(report: Report, address: str) -> Report:
    """What a report says of the mailbox `address`, the one written to; ``ELSEWHERE`` when only others failed.

    RFC 3464 section 2.3.2: Final-Recipient is the mailbox that the report is about; where somebody forwards or an
    alias spreads a message it is another than the one written to. A report that names nobody is about ours.
    """
    if not report.verdict.is_failure or not report.outcomes or "@" not in address:
        return report
    ours = [each for each in report.outcomes if not each.recipients or _same(each.recipients[0], address)]
    if len(ours) == len(report.outcomes):
        return report
    kept = _combine(ours or list(report.outcomes))
    return replace(
        report,
        verdict=kept.verdict if ours else Verdict.ELSEWHERE,
        status=kept.status,
        reply=kept.reply,
        diagnostic=kept.diagnostic,
        outcomes=kept.outcomes,
    )


def _same(one: str, other: str) -> bool:
    return _plain(one) == _plain(other)


def _plain(address: str) -> tuple[str, str]:
    """An address for comparing: case, a "+tag" and the writing of its domain make no other mailbox."""
    local, _, domain = address.strip().lower().rpartition("@")
    with contextlib.suppress(UnicodeError):
        domain = domain.rstrip(".").encode("idna").decode("ascii")
    return local.strip('"').partition("+")[0], domain


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
        report.arrived,
    )


_DELAYS = frozenset({"delayed", "delay"})
# RFC 3464 section 2.3.3, and Postfix's answer to a test.
_SUCCESSES = frozenset({"delivered", "relayed", "expanded", "deliverable"})


# --- judging ------------------------------------------------------------------------------------------------


def _delivery_report(blocks: list[email.message.Message], text: str) -> Report | None:
    outcomes = []
    for block in blocks:
        action = raw_header(block, "Action").strip().lower().split(" ")[0].split("(")[0]
        if action in _SUCCESSES or (not action and raw_header(block, "Status").strip().startswith("2.")):
            continue
        outcomes.append(_outcome_of_block(block, action, text, alone=len(blocks) == 1))
    if not outcomes:
        return Report(Verdict.NOT_A_BOUNCE, arrived=True)
    return _combine(outcomes)


def _outcome_of_block(block: email.message.Message, action: str, text: str, *, alone: bool) -> RecipientOutcome:
    found = words.STATUS.search(raw_header(block, "Status"))
    status = found.group(1) if found else ""
    diagnostic = " ".join(str(value) for value in block.get_all("Diagnostic-Code", []))
    diagnostic = re.sub(r"\s+", " ", diagnostic)
    comment = re.sub(r"^[\s\d.]+", "", raw_header(block, "Status"))
    said = f"{comment} {diagnostic}".strip()
    plain = re.sub(r"(?i)^\s*(?:smtp|x-[\w-]+|dns)\s*;", "", diagnostic)
    if action in _DELAYS and not words.EXPIRED.search(f"{said} {text}".lower()):
        verdict = Verdict.DELAYED
    else:
        verdict, more = _judged(_far_status(status, plain), said, text, action, plain, alone=alone)
        diagnostic = f"{diagnostic} {more}" if more else diagnostic
        if action in _DELAYS and verdict is Verdict.HARD:
            verdict = Verdict.SOFT
    specific = _most_telling_status(diagnostic, status)
    recipient = raw_header(block, "Final-Recipient").rpartition(";")[2].strip(" <>")
    original = raw_header(block, "Original-Recipient").rpartition(";")[2].strip(" <>")
    hide = {recipient.rpartition("@")[0], *_local_parts(f"{diagnostic} {text}")}
    named = tuple(dict.fromkeys(each.lower() for each in (recipient, original) if "@" in each))
    return RecipientOutcome(verdict, specific, words.reply_code(diagnostic.lower()), sanitize(diagnostic, hide), named)


def _far_status(status: str, plain: str) -> str:
    """The Status field, or nothing where the far side's own answer says otherwise: x.7.x is also what a sending server
    writes when it understood nothing, and then "invalid recipient" of the one who knows stands above it.
    """
    if status[2:].startswith("7.") and words.reply_code(plain.lower()) and not words.STATUS.search(plain):
        return "" if judge(Facts(plain)).is_dead else status
    return status


def _judged(status: str, said: str, text: str, action: str, plain: str, *, alone: bool) -> tuple[Verdict, str]:
    """The verdict on one recipient that failed, and what of the report's prose belongs to its reason.

    The fields stand above the prose: it fills in what they leave out, and can spare a mailbox that they call dead.
    """
    failed = action == "failed"
    around = " ".join(text.lower().split())
    # Of several recipients the transcript does not tell which one the refused DATA was about.
    phase = phase_in(said.lower()) or (phase_in(around) if alone or "need rcpt" not in around else None)
    prose = not words.REPLY.search(plain) and not words.STATUS.search(plain)
    verdict = _verdict_of(Facts(said, status=status, failed=failed, phase=phase, prose=prose))
    if not alone:
        return verdict, ""
    if verdict is Verdict.SOFT or (verdict is Verdict.HARD and not _spoken(plain)):
        fuller = _verdict_of(Facts(f"{said} {text}", status=status, failed=failed, prose=prose))
        if fuller is not Verdict.HARD or failed or not status.startswith("4."):
            telling = "" if _spoken(plain) else _telling(text)
            return _spared(fuller, text), telling
    elif verdict is Verdict.HARD and _after_data(f"{said} {text}"):
        verdict = _verdict_of(Facts(f"{said} {text}", status=status, failed=failed))
    return _spared(verdict, text), ""


def _spared(verdict: Verdict, text: str) -> Verdict:
    """Only what nobody contradicts is hard."""
    if verdict is not Verdict.HARD:
        return verdict
    other = classify("", text)
    return other if other in {Verdict.FULL, Verdict.GREYLIST} else verdict


def without_footers(text: str) -> str:
    """The words of a report without paragraphs of scanners and disclaimers."""
    return "\n\n".join(each for each in re.split(r"\n[ \t]*\n", text) if not _is_footer(each))


def _is_footer(paragraph: str) -> bool:
    flat = " ".join(paragraph.lower().split())
    return bool(words.FOOTER.search(flat)) and not words.STATUS.search(flat) and not words.REPLY.search(flat)


def _after_data(text: str) -> bool:
    return words.AFTER_DATA.search(" ".join(text.lower().split())) is not None


def _spoken(text: str) -> bool:
    """Whether a diagnostic has words besides codes."""
    return len(re.sub(r"[^a-zA-Z]+", "", words.STATUS.sub("", text))) > 8


def _combine(outcomes: list[RecipientOutcome]) -> Report:
    """One verdict of several: hard only when all are (an alias may have one dead address behind it)."""
    worst = outcomes[0]
    for outcome in outcomes[1:]:
        if worst.verdict is Verdict.HARD and outcome.verdict is not Verdict.HARD:
            worst = outcome
    return Report(worst.verdict, worst.status, worst.reply, worst.diagnostic, tuple(outcomes))


def _named_in(message: email.message.Message, text: str) -> tuple[str, ...]:
    """The mailbox that failed, where a report without fields names exactly one: Exim's header, or qmail's line."""
    header = raw_header(message, "X-Failed-Recipients")
    found = words.ADDRESS.findall(header) or re.findall(r"(?m)^\s*<([^\s<>]+@[^\s<>]+)>:\s*$", text)
    named = tuple(dict.fromkeys(each.lower() for each in found))
    return named if len(named) == 1 else ()


def _from_words(text: str, named: tuple[str, ...]) -> Report:
    lowered = text.lower()
    final = not words.DEFERRED.search(re.sub(r"\s+", " ", lowered)) or bool(
        re.search(r"(?:gave|giving) up|permanent|has failed|delivery failed|final", lowered)
    )
    status = _most_telling_status(text, "")
    verdict = _verdict_of(Facts(text, status=status, prose=True)) if final else Verdict.DELAYED
    diagnostic = sanitize(_telling(text), _local_parts(text))
    outcome = RecipientOutcome(verdict, status, words.reply_code(lowered), diagnostic, named)
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
