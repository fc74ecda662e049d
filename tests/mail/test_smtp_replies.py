"""What mail servers say, as a table. The words are those of real servers, addresses replaced."""

from datetime import timedelta

import pytest

from apps.delivery.policy.retries import wait_before
from apps.mail.smtp_replies import Cause, Fault, Next, Phase, Reply, ReplyOutcome, of_fault, of_reply, provider_of

GMAIL = "gmail"


@pytest.mark.parametrize(
    ("phase", "code", "text", "provider", "expected_next", "cause"),
    [
        (Phase.BODY, 250, "2.0.0 OK 1732 queued", "", Next.SENT, Cause.NONE),
        # dead mailboxes
        (
            Phase.RCPT,
            550,
            "5.1.1 The email account that you tried to reach does not exist.",
            GMAIL,
            Next.GIVE_UP,
            Cause.HARD,
        ),
        (
            Phase.RCPT,
            550,
            "5.1.1 <x@old.test>: Recipient address rejected: User unknown",
            "",
            Next.GIVE_UP,
            Cause.HARD,
        ),
        (
            Phase.RCPT,
            550,
            "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found",
            "microsoft",
            Next.GIVE_UP,
            Cause.HARD,
        ),
        (Phase.RCPT, 550, "No such user here", "", Next.GIVE_UP, Cause.HARD),
        (Phase.RCPT, 550, "5.1.6 mailbox moved", "", Next.GIVE_UP, Cause.HARD),
        (
            Phase.RCPT,
            550,
            # RFC 3463: a mailbox that exists, and may be enabled again.
            "5.2.1 The email account that you tried to reach is disabled.",
            GMAIL,
            Next.GIVE_UP,
            Cause.SOFT,
        ),
        (Phase.BODY, 550, "5.1.1 mailbox unknown", "", Next.GIVE_UP, Cause.HARD),
        # not about the mailbox, so never hard
        (Phase.MAIL, 550, "5.1.1 user unknown", "", Next.GIVE_UP, Cause.POLICY),
        (Phase.RCPT, 550, "5.1.1 rejected, looks like spam", "", Next.GIVE_UP, Cause.SPAM),
        (Phase.RCPT, 550, "", "", Next.GIVE_UP, Cause.POLICY),
        (
            Phase.RCPT,
            550,
            "5.7.1 Service unavailable; Client host blocked using Spamhaus",
            "",
            Next.GIVE_UP,
            Cause.SPAM,
        ),
        (Phase.RCPT, 554, "5.7.1 Relay access denied", "", Next.GIVE_UP, Cause.POLICY),
        (Phase.RCPT, 550, "5.7.1 user unknown or not allowed", "", Next.GIVE_UP, Cause.POLICY),
        # full
        (
            Phase.RCPT,
            552,
            "5.2.2 The email account that you tried to reach is over quota",
            GMAIL,
            Next.GIVE_UP,
            Cause.FULL,
        ),
        (
            Phase.RCPT,
            452,
            "4.2.2 The email account that you tried to reach is over quota",
            GMAIL,
            Next.RETRY_LATER,
            Cause.FULL,
        ),
        (Phase.BODY, 552, "5.3.4 Message size exceeds fixed limit", "", Next.GIVE_UP, Cause.CONTENT),
        # greylisting and load
        (Phase.RCPT, 450, "4.2.0 Greylisted, see http://postgrey.test/", "", Next.RETRY_SOON, Cause.GREYLIST),
        (
            Phase.RCPT,
            451,
            "4.7.1 Greylisting in action, please come back later",
            "",
            Next.RETRY_SOON,
            Cause.GREYLIST,
        ),
        (
            Phase.CONNECT,
            421,
            "4.3.2 Service not available, closing transmission channel",
            "",
            Next.RETRY_SOON,
            Cause.SOFT,
        ),
        (Phase.RCPT, 451, "4.3.0 Temporary lookup failure", "", Next.RETRY_SOON, Cause.SOFT),
        (Phase.RCPT, 450, "4.1.1 mailbox temporarily unavailable", "", Next.RETRY_SOON, Cause.SOFT),
        # Gmail's list (B-258)
        (
            Phase.BODY,
            421,
            "4.7.23 The IP address sending this message does not have a PTR record",
            GMAIL,
            Next.RETRY_LATER,
            Cause.AUTHENTICATION,
        ),
        (
            Phase.BODY,
            550,
            "5.7.25 The IP address sending this message does not have a PTR record",
            GMAIL,
            Next.GIVE_UP,
            Cause.AUTHENTICATION,
        ),
        (
            Phase.BODY,
            550,
            "5.7.26 Unauthenticated email from this domain is not accepted",
            GMAIL,
            Next.GIVE_UP,
            Cause.AUTHENTICATION,
        ),
        (Phase.BODY, 421, "4.7.27 SPF did not pass", GMAIL, Next.RETRY_LATER, Cause.AUTHENTICATION),
        (Phase.BODY, 550, "5.7.27 SPF did not pass", GMAIL, Next.GIVE_UP, Cause.AUTHENTICATION),
        (
            Phase.BODY,
            421,
            "4.7.28 Gmail has detected an unusual rate of mail",
            GMAIL,
            Next.RETRY_LATER,
            Cause.RATE,
        ),
        (
            Phase.BODY,
            550,
            "5.7.28 Gmail has detected an unusual rate of mail",
            GMAIL,
            Next.RETRY_LATER,
            Cause.RATE,
        ),
        (
            Phase.MAIL,
            421,
            "4.7.29 This message was not sent over TLS",
            GMAIL,
            Next.RETRY_LATER,
            Cause.PROTECTION,
        ),
        (Phase.MAIL, 550, "5.7.29 This message was not sent over TLS", GMAIL, Next.GIVE_UP, Cause.PROTECTION),
        (Phase.BODY, 421, "4.7.30 DKIM did not pass", GMAIL, Next.RETRY_LATER, Cause.AUTHENTICATION),
        (Phase.BODY, 421, "4.7.31 no DMARC record", GMAIL, Next.RETRY_LATER, Cause.AUTHENTICATION),
        (
            Phase.BODY,
            421,
            "4.7.32 From: header is not aligned",
            GMAIL,
            Next.RETRY_LATER,
            Cause.AUTHENTICATION,
        ),
        # the trap: one number, two meanings
        (Phase.BODY, 550, "5.7.30 This message did not pass DKIM", GMAIL, Next.GIVE_UP, Cause.AUTHENTICATION),
        (Phase.MAIL, 550, "5.7.30 REQUIRETLS support required", "", Next.GIVE_UP, Cause.PROTECTION),
        (Phase.MAIL, 550, "5.7.30 REQUIRETLS support required", GMAIL, Next.GIVE_UP, Cause.PROTECTION),
        (Phase.BODY, 550, "5.7.30 DKIM did not pass", "", Next.GIVE_UP, Cause.AUTHENTICATION),
        (Phase.BODY, 550, "5.7.30", "", Next.GIVE_UP, Cause.PROTECTION),
        # Microsoft
        (
            Phase.BODY,
            550,
            "5.7.515 Access denied, sending domain does not meet the required authentication level.",
            "microsoft",
            Next.GIVE_UP,
            Cause.AUTHENTICATION,
        ),
        # a server that refuses us as a whole
        (Phase.CONNECT, 554, "5.7.1 No SMTP service here", "", Next.RETRY_LATER, Cause.POLICY),
        (Phase.HELLO, 550, "5.1.1 user unknown", "", Next.RETRY_LATER, Cause.POLICY),
        (
            Phase.STARTTLS,
            454,
            "4.7.0 TLS not available due to local problem",
            "",
            Next.RETRY_LATER,
            Cause.POLICY,
        ),
        # bare codes
        (Phase.RCPT, 551, "", "", Next.GIVE_UP, Cause.POLICY),
        (Phase.RCPT, 553, "", "", Next.GIVE_UP, Cause.POLICY),
        # qmail writes its code at the end
        (Phase.RCPT, 553, "sorry, that domain isn't in my list of rcpthosts (#5.7.1)", "", Next.GIVE_UP, Cause.POLICY),
        (Phase.RCPT, 553, "sorry, your envelope sender is in badmailfrom (#5.7.1)", "", Next.GIVE_UP, Cause.POLICY),
        (Phase.RCPT, 550, "sorry, no mailbox here by that name (#5.1.1)", "", Next.GIVE_UP, Cause.HARD),
        (Phase.MAIL, 552, "sorry, that size exceeds my databytes limit (#5.3.4)", "", Next.GIVE_UP, Cause.CONTENT),
        # what speaks of us stands above the code of the mailbox
        (Phase.RCPT, 550, "5.1.1 mailbox full", "", Next.GIVE_UP, Cause.FULL),
        (Phase.RCPT, 550, "5.1.1 Access denied, IP 192.0.2.2 banned", "", Next.GIVE_UP, Cause.SPAM),
        (Phase.RCPT, 550, "5.1.8 No such domain", "", Next.GIVE_UP, Cause.POLICY),
        (Phase.RCPT, 550, "User not exist", "", Next.GIVE_UP, Cause.HARD),
        (Phase.RCPT, 550, "5.7.1 This user does not accept mail from outside", "", Next.GIVE_UP, Cause.POLICY),
        (Phase.RCPT, 550, "Verification failed for <news@us.test> No such user", "", Next.GIVE_UP, Cause.POLICY),
        (Phase.RCPT, 550, "RP-001 mailbox unavailable", "", Next.GIVE_UP, Cause.SPAM),
        (Phase.RCPT, 550, "5.1.1 unknown user: rejected by URIBL", "", Next.GIVE_UP, Cause.SPAM),
        (Phase.RCPT, 550, "Benutzer unbekannt", "", Next.GIVE_UP, Cause.HARD),
        (Phase.RCPT, 550, "buzón inexistente", "", Next.GIVE_UP, Cause.HARD),
        (Phase.RCPT, 556, "5.1.10 Recipient address has null MX", "", Next.GIVE_UP, Cause.HARD),
        (Phase.RCPT, 451, "4.5.0 Not now", "", Next.RETRY_SOON, Cause.SOFT),
        (Phase.RCPT, 552, "", "", Next.GIVE_UP, Cause.FULL),
        (Phase.BODY, 554, "Transaction failed", "", Next.GIVE_UP, Cause.POLICY),
        (Phase.MAIL, 555, "parameters not recognized", "", Next.GIVE_UP, Cause.CONTENT),
        (Phase.DATA, 354, "go ahead twice", "", Next.RETRY_LATER, Cause.SOFT),
    ],
)
def test_each_answer(phase, code, text, provider, expected_next, cause):
    outcome = of_reply(phase, Reply(code, text), provider=provider)
    assert (outcome.next, outcome.cause) == (expected_next, cause)
    assert outcome.suppresses == (cause is Cause.HARD and expected_next is Next.GIVE_UP)
    assert outcome.sentence


@pytest.mark.parametrize(
    ("phase", "fault", "expected_next", "suppresses"),
    [
        (Phase.BODY, Fault.DROPPED, Next.DOUBTFUL, False),
        (Phase.BODY, Fault.TIMEOUT, Next.DOUBTFUL, False),
        (Phase.DATA, Fault.DROPPED, Next.RETRY_LATER, False),
        (Phase.CONNECT, Fault.REFUSED, Next.RETRY_LATER, False),
        (Phase.CONNECT, Fault.TIMEOUT, Next.RETRY_LATER, False),
        (Phase.LOOKUP, Fault.NO_SUCH_DOMAIN, Next.GIVE_UP, True),
        (Phase.LOOKUP, Fault.NULL_MX, Next.GIVE_UP, True),
        (Phase.LOOKUP, Fault.LOOKUP_FAILED, Next.RETRY_LATER, False),
        (Phase.STARTTLS, Fault.TLS_FAILED, Next.RETRY_LATER, False),
        (Phase.MAIL, Fault.TLS_TOO_WEAK, Next.RETRY_SOON, False),
        (Phase.RCPT, Fault.NEEDS_UTF8, Next.GIVE_UP, False),
        (Phase.MAIL, Fault.TOO_LARGE, Next.GIVE_UP, False),
    ],
)
def test_each_end_without_an_answer(phase, fault, expected_next, suppresses):
    outcome = of_fault(phase, fault)
    assert outcome.next is expected_next
    assert outcome.suppresses is suppresses


def test_an_enhanced_code_of_another_class_is_not_believed():
    assert Reply(450, "5.1.1 odd").status == ""
    assert not of_reply(Phase.RCPT, Reply(450, "5.1.1 user unknown")).suppresses


def test_the_text_of_a_reply_is_not_printed():
    assert "someone" not in repr(Reply(550, "5.1.1 <someone@old.test> unknown"))


def test_providers_are_known_by_their_mx():
    assert provider_of("gmail-smtp-in.l.google.com.") == "gmail"
    assert provider_of("clinic-test.mail.protection.outlook.com") == "microsoft"
    assert provider_of("mta5.am0.yahoodns.net") == "yahoo"
    assert provider_of("mx01.mail.icloud.com") == "apple"
    assert provider_of("mx.notgoogle.com.test") == ""


def test_retries_grow_and_end_after_about_four_days():
    later = ReplyOutcome(Next.RETRY_LATER, Cause.SOFT)
    waits = []
    while (wait := wait_before(later, len(waits) + 1)) is not None:
        waits.append(wait)
    assert waits == sorted(waits)
    assert timedelta(days=3) < sum(waits, timedelta()) < timedelta(days=5)
    assert wait_before(ReplyOutcome(Next.RETRY_SOON, Cause.GREYLIST), 1) == timedelta(minutes=1)
    assert wait_before(ReplyOutcome(Next.RETRY_LATER, Cause.RATE, True), 1) == timedelta(minutes=10)
    assert wait_before(ReplyOutcome(Next.GIVE_UP, Cause.HARD), 1) is None
    assert wait_before(ReplyOutcome(Next.DOUBTFUL, Cause.NETWORK), 1) is None
