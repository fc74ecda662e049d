"""Returned mail of some sixty systems, read and judged. The rates asserted here are the ones reached."""

import email.message
import json
import re
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.mail.reports.bounces import Verdict, classify, parse, sanitize
from apps.mail.reports.returned_mail import MAX_READ
from tests.conftest import SHARED_DATA
from tests.sizes import examples

DATA = SHARED_DATA
SISIMAI = DATA / "bounces" / "sisimai"
FLUFL = DATA / "bounces" / "flufl"
# What must never end a person's mail, in the words of the corpus.
NEVER_HARD = {
    *(
        "mailboxfull",
        "spamdetected",
        "virusdetected",
        "authfailure",
        "badreputation",
        "blocked",
        "contenterror",
    ),
    *(
        "exceedlimit",
        "mesgtoobig",
        "norelaying",
        "notcompliantrfc",
        "policyviolation",
        "rejected",
        "requireptr",
    ),
    *("securityerror", "speeding", "toomanyconn", "expired", "networkerror", "systemerror", "mailererror"),
    *("onhold", "syntaxerror", "feedback", "vacation", "undefined"),
}


def sisimai(name):
    for folder in ("bsd", "dos", "mac", "not", "err", "."):
        path = SISIMAI / folder / name
        if path.exists():
            return path.read_bytes()
    raise FileNotFoundError(name)


def expected(folder):
    return json.loads((folder / "expected.json").read_text())


# By the file names of the small sets: dead, failed but alive, or no failure at all.
DEAD, ALIVE, NO_FAILURE = "dead", "alive", "no failure"
NAMED = {
    "flanker/bounce/zed.eml": DEAD,
    "flanker/bounce/office365.eml": DEAD,
    "flanker/bounce/gmail-invalid-address.eml": DEAD,
    "flanker/bounce/gmail-no-dns.eml": DEAD,
    "flanker/bounce/mailbox-full.eml": ALIVE,
    "flanker/bounce/no-mx.eml": NO_FAILURE,
    # Named after its 4.x.x; its Action is "failed".
    "flanker/bounce/delayed-broken.eml": ALIVE,
    "flanker/bounce/delayed.eml": ALIVE,
    "flanker/complaints/aol.eml": NO_FAILURE,
    "flanker/complaints/yahoo.eml": NO_FAILURE,
    "ruby-mail/multi_address_bounce1.eml": DEAD,
    "ruby-mail/multipart_report_multiple_status.eml": ALIVE,
    "ruby-mail/report_422.eml": NO_FAILURE,
    "ruby-mail/report_530.eml": DEAD,
    "arf/001.eml": NO_FAILURE,
    "arf/003.eml": ALIVE,
    "arf/005.eml": ALIVE,
}
# The set calls these "filtered" by what it knows of one provider; the server itself says that the mailbox is unknown,
# by code (5.1.1, 5.1.351) or to RCPT, and the addresses are called "userunknown" and "does-not-exist".
DEAD_BY_THEIR_OWN_WORDS = {"lhost-office365-04.eml", "lhost-receivingses-01.eml", "lhost-sendmail-27.eml"}


def fate(report):
    if report.verdict is Verdict.HARD:
        return DEAD
    return ALIVE if report.verdict.is_failure else NO_FAILURE


@pytest.mark.usefixtures("shared_data")
def test_at_least_97_of_100_labelled_reports_agree_and_no_living_mailbox_is_stopped():
    table, misses, stopped = Counter(), [], set()
    for name, people in expected(SISIMAI).items():
        dead = parse(sisimai(name)).verdict is Verdict.HARD
        right = dead == all(person["hardbounce"] for person in people)
        table["sisimai", right] += 1
        misses += [] if right else [name]
        stopped |= {name} if dead and not right else set()
    for name, people in expected(FLUFL).items():
        failed = parse((FLUFL / name).read_bytes()).verdict.is_failure
        right = failed != any(person["temporary"] for person in people)
        table["flufl", right] += 1
        misses += [] if right else [name]
    for path, wanted in NAMED.items():
        found = fate(parse((DATA / "bounces" / path).read_bytes()))
        table[path.partition("/")[0], found == wanted] += 1
        misses += [] if found == wanted else [path]
        stopped |= {path} if found == DEAD != wanted else set()
    right, of = sum(n for (_, ok), n in table.items() if ok), sum(table.values())
    for name in sorted({name for name, _ in table}):
        print(f"{name:10} {table[name, True]:4} of {table[name, True] + table[name, False]:4}")
    print(f"{'all':10} {right:4} of {of:4} = {right / of:.1%}; misses: {', '.join(sorted(misses))}")
    assert right / of >= 0.97
    assert stopped - DEAD_BY_THEIR_OWN_WORDS == set()


@pytest.mark.usefixtures("shared_data")
def test_nothing_about_policy_spam_full_or_greylisting_is_ever_hard():
    seen = Counter()
    for name, people in expected(SISIMAI).items():
        reasons = {person["reason"] for person in people}
        if reasons <= NEVER_HARD:
            seen[parse(sisimai(name)).verdict] += 1
    assert Verdict.HARD not in seen
    assert sum(seen.values()) >= 180


@pytest.mark.usefixtures("shared_data")
def test_full_mailboxes_complaints_and_vacations_are_called_by_name():
    wanted = {"mailboxfull": Verdict.FULL, "vacation": Verdict.AUTO_REPLY, "feedback": Verdict.COMPLAINT}
    found = {reason: Counter() for reason in wanted}
    for name, people in expected(SISIMAI).items():
        reason = people[0]["reason"]
        if reason in wanted:
            found[reason][parse(sisimai(name)).verdict is wanted[reason]] += 1
    # The other two say that the sending server still tries: delays, whatever their words (RFC 3464 section 2.3.3).
    assert found["mailboxfull"] == {True: 24, False: 2}
    assert found["vacation"] == {True: 2}
    # The eleventh is Amazon's own JSON in a text mail, which no MX of ours ever gets.
    assert found["feedback"] == {True: 10, False: 1}


@pytest.mark.usefixtures("shared_data")
def test_failed_or_only_delayed_agrees_with_mailman():
    right, wrong = 0, []
    for name, people in expected(FLUFL).items():
        verdict = parse((FLUFL / name).read_bytes()).verdict
        if verdict.is_failure != any(person["temporary"] for person in people):
            right += 1
        else:
            wrong.append(name)
    # A person's answer that quotes a bounce, and an "Auto reply" with nothing in it.
    assert sorted(wrong) == ["groupwise_03.txt", "qmail_08.txt"]
    assert right == 55


@pytest.mark.usefixtures("shared_data")
@pytest.mark.parametrize(
    ("path", "verdict", "status"),
    [
        ("flanker/bounce/zed.eml", Verdict.HARD, "5.1.1"),
        ("flanker/bounce/office365.eml", Verdict.HARD, "5.1.10"),
        ("flanker/bounce/gmail-invalid-address.eml", Verdict.HARD, "5.1.0"),
        ("flanker/bounce/gmail-no-dns.eml", Verdict.HARD, ""),
        ("flanker/bounce/mailbox-full.eml", Verdict.FULL, "5.2.2"),
        ("flanker/bounce/delayed-broken.eml", Verdict.FULL, "4.2.2"),
        ("flanker/bounce/no-mx.eml", Verdict.DELAYED, "4.4.4"),
        ("flanker/complaints/aol.eml", Verdict.COMPLAINT, ""),
        ("flanker/complaints/yahoo.eml", Verdict.COMPLAINT, ""),
        ("ruby-mail/multi_address_bounce1.eml", Verdict.HARD, "5.1.1"),
        ("ruby-mail/multipart_report_multiple_status.eml", Verdict.SOFT, "5.3.0"),
        ("ruby-mail/report_422.eml", Verdict.DELAYED, "4.2.2"),
        ("ruby-mail/report_530.eml", Verdict.HARD, "5.3.0"),
        ("arf/001.eml", Verdict.COMPLAINT, ""),
        ("arf/003.eml", Verdict.POLICY, ""),
        ("arf/005.eml", Verdict.POLICY, ""),
    ],
)
def test_single_reports(path, verdict, status):
    report = parse((DATA / "bounces" / path).read_bytes())
    assert (report.verdict, report.status) == (verdict, status)


@pytest.mark.usefixtures("shared_data")
def test_automatic_replies_are_told_from_people_who_mention_vacations():
    folder = DATA / "inbound" / "auto-replies"
    for name, label in json.loads((folder / "labels.json").read_text()).items():
        wanted = Verdict.AUTO_REPLY if label["auto_reply"] else Verdict.NOT_A_BOUNCE
        assert parse((folder / name).read_bytes()).verdict is wanted


@pytest.mark.usefixtures("shared_data")
def test_other_line_ends_change_nothing():
    for folder in ("dos", "mac"):
        for path in sorted((SISIMAI / folder).iterdir()):
            unix = SISIMAI / "bsd" / path.name
            if unix.exists():
                assert parse(path.read_bytes()).verdict is parse(unix.read_bytes()).verdict, path.name


@pytest.mark.usefixtures("shared_data")
def test_nothing_in_the_inbound_corpus_crashes_it_or_ends_anybodys_mail():
    judged = Counter()
    for path in sorted((DATA / "inbound").rglob("*")):
        if path.is_file():
            report = parse(path.read_bytes())
            judged[report.verdict] += 1
            assert "@" not in report.diagnostic
    assert judged[Verdict.HARD] == 0
    # Five reports lie among the broken MIME samples; two out-of-office notices are labelled as such.
    assert judged[Verdict.AUTO_REPLY] == 2
    assert sum(judged.values()) - judged[Verdict.NOT_A_BOUNCE] - 2 == 6


@pytest.mark.usefixtures("shared_data")
def test_diagnostics_keep_no_address():
    for folder in (SISIMAI / "bsd", FLUFL):
        for path in sorted(folder.iterdir()):
            report = parse(path.read_bytes())
            for said in (report.diagnostic, *(one.diagnostic for one in report.outcomes)):
                assert "@" not in said
                assert "kijitora" not in said.lower() or not re.search(r"kijitora@", path.read_text("latin-1"))
                assert len(said) <= 300
                assert "\n" not in said


@pytest.mark.parametrize(
    ("status", "said", "verdict"),
    [
        ("5.1.1", "550 5.1.1 user unknown", Verdict.HARD),
        ("5.1.1", "", Verdict.HARD),
        ("5.1.2", "550 5.1.2 bad destination system", Verdict.HARD),
        ("", "550 No such user here", Verdict.HARD),
        ("5.1.1", "550 5.1.1 <x@y.example> mailbox full", Verdict.FULL),
        ("5.2.2", "", Verdict.FULL),
        ("4.2.2", "452 4.2.2 over quota", Verdict.FULL),
        ("5.7.1", "550 5.7.1 user unknown", Verdict.POLICY),
        ("5.7.26", "550 5.7.26 unauthenticated mail is prohibited", Verdict.POLICY),
        ("5.1.1", "550 5.7.1 IP address blacklisted by recipient", Verdict.POLICY),
        ("5.1.8", "553 5.1.8 Domain of sender address does not exist", Verdict.POLICY),
        ("4.7.1", "450 4.7.1 Greylisted, please try again in 300 seconds", Verdict.GREYLIST),
        ("5.7.1", "554 5.7.1 message considered spam", Verdict.SPAM),
        ("4.1.1", "450 4.1.1 user unknown in virtual alias table", Verdict.SOFT),
        ("5.3.4", "552 5.3.4 message too large", Verdict.SOFT),
        ("5.0.0", "550 failed", Verdict.SOFT),
        ("", "", Verdict.SOFT),
        ("5.2.1", "550 5.2.1 The email account is disabled", Verdict.SOFT),
        ("5.1.1", "550 5.1.1 unknown user (in reply to end of DATA command)", Verdict.SOFT),
    ],
)
def test_how_single_answers_are_judged(status, said, verdict):
    assert classify(status, said) is verdict


def test_an_answer_that_will_be_retried_is_a_delay():
    assert classify("4.4.1", "connection timed out", final=False) is Verdict.DELAYED


def test_a_local_part_that_says_spam_is_not_spam():
    assert classify("5.1.1", "550 5.1.1 <spam@x.example>: user unknown") is Verdict.HARD


def report(*groups, text="Could not be delivered."):
    parts = "\r\n".join(f"{group}\r\n" for group in ("Reporting-MTA: dns; mx.example\r\n", *groups))
    return (
        "From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered Mail\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\n{parts}"
        "--b\r\nContent-Type: message/rfc822\r\n\r\nReturn-Path: <bounce+aaaa@bounce.example>\r\n"
        "Message-ID: <42@carelane.example>\r\nSubject: x\r\n\r\nhi\r\n--b--\r\n"
    ).encode()


def group(action, status, said, who="pat@mail.example"):
    head = f"Final-Recipient: rfc822; {who}\r\nAction: {action}\r\n"
    return f"{head}Status: {status}\r\nDiagnostic-Code: smtp; {said}"


def test_an_alias_with_one_dead_mailbox_behind_it_is_not_dead():
    raw = report(group("failed", "5.1.1", "550 user unknown"), group("failed", "5.2.2", "552 full"))
    found = parse(raw)
    assert found.verdict is Verdict.FULL
    assert [one.verdict for one in found.outcomes] == [Verdict.HARD, Verdict.FULL]


def test_success_reports_are_not_bounces():
    assert parse(report(group("delivered", "2.0.0", "250 ok"))).verdict is Verdict.NOT_A_BOUNCE
    assert parse(report(group("relayed", "2.0.0", "250 ok"))).verdict is Verdict.NOT_A_BOUNCE


def test_a_warning_about_a_dead_looking_address_is_only_a_delay():
    found = parse(report(group("delayed", "4.4.7", "451 will retry")))
    assert found.verdict is Verdict.DELAYED
    assert not found.verdict.is_failure


def test_the_human_part_can_contradict_the_fields():
    found = parse(report(group("failed", "5.1.1", "550 5.1.1 User unknown"), text="Not enough disk space"))
    assert found.verdict is Verdict.FULL


def test_clues_about_the_original_are_kept_apart_for_verification():
    found = parse(report(group("failed", "5.1.1", "550 user unknown")))
    assert found.original_mail_from == ("bounce+aaaa@bounce.example",)
    assert found.original_message_id == "<42@carelane.example>"
    assert "aaaa" not in repr(found)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("550 5.1.1 <pat.lee@mail.example>: user unknown", "550 5.1.1 (address): user unknown"),
        ('unknown user: "pat.lee"', "unknown user: (name)"),
        ("550 Unknown user pat.lee", "550 Unknown user (name)"),
        ("see https://help.example/?who=pat", "see (link)"),
        ("User pat.lee not found", "User (name) not found"),
        ("a\r\nb\x00c", "a b c"),
    ],
)
def test_what_is_kept_of_a_diagnostic(said, kept):
    assert sanitize(said) == kept


def test_the_recipients_own_local_part_goes_wherever_it_stands():
    assert "pat.lee" not in sanitize("mailbox of PAT.LEE is gone", ("pat.lee",)).lower()


def test_thousands_of_nested_parts_do_not_exhaust_us():
    raw = b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\n" * 3000
    started = time.perf_counter()
    assert parse(raw).verdict is Verdict.NOT_A_BOUNCE
    nested = b"Content-Type: message/rfc822\r\n\r\n" * 5000
    assert parse(nested).verdict is Verdict.NOT_A_BOUNCE
    assert time.perf_counter() - started < 10


def test_words_that_make_slow_patterns_slow_do_not():
    started = time.perf_counter()
    for word in ("user ", "address ", "unknown ", "exceed ", "sender ", "a@", '"', "<", "550 "):
        classify("", word * 4000)
        sanitize(word * 4000)
        parse(b"From: MAILER-DAEMON@x\r\nSubject: failure notice\r\n\r\n" + (word * 4000).encode())
    assert time.perf_counter() - started < 10


def test_what_lies_beyond_the_limit_is_not_read():
    raw = b"From: a@b.example\r\nSubject: hi\r\n\r\n" + b"x" * MAX_READ + b"\r\n550 5.1.1 user unknown"
    assert parse(raw).verdict is Verdict.NOT_A_BOUNCE


@settings(max_examples=examples(150), deadline=None)
@given(st.binary(max_size=600))
def test_any_bytes_are_read_without_a_fault(raw):
    assert parse(raw).verdict in Verdict
    parse(
        b'Content-Type: multipart/report; boundary="b"\r\n\r\n--b\r\n'
        b"Content-Type: message/delivery-status\r\n\r\n" + raw
    )


@pytest.mark.usefixtures("shared_data")
@settings(max_examples=examples(150), deadline=None)
@given(
    st.sampled_from(["lhost-postfix-71.eml", "arf-01.eml", "lhost-exim-05.eml", "lhost-office365-01.eml"]),
    st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=12)), max_size=12),
)
def test_damaged_reports_are_read_without_a_fault(name, damage):
    raw = bytearray(sisimai(name))
    for place, junk in damage:
        at = int(place * len(raw))
        raw[at : at + len(junk)] = junk
    assert parse(bytes(raw)).verdict in Verdict


def test_a_plain_letter_is_not_a_bounce():
    letter = email.message.EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = (
        "pat@mail.example",
        "care@harbor.example",
        "My appointment",
    )
    letter.set_content("I am unable to come on Tuesday. The address is unknown to my driver.")
    assert parse(letter.as_bytes()).verdict is Verdict.NOT_A_BOUNCE


# -- the kinds of docs/returns.md: one judge, whatever the words ---------------------------------------------------


@pytest.mark.parametrize(
    ("status", "said", "verdict"),
    [
        (
            "",
            "<pat@mail.example>: Remote host said: 554 INVALID IP FOR SENDING MAIL OF DOMAIN x.example",
            Verdict.POLICY,
        ),
        ("5.1.3", "smtp; 553 http://www.spamhaus.org/query/bl?ip=192.0.2.2", Verdict.POLICY),
        ("5.1.1", "550 5.1.1 Your IP 192.0.2.2 is on https://www.spamhaus.org/sbl/", Verdict.POLICY),
        ("5.1.1", "550 5.1.1 user unknown, see https://dnsbl.example.net/?ip=192.0.2.2", Verdict.POLICY),
        ("5.1.7", "smtp; 550 5.1.7 No such domain clinic.example", Verdict.POLICY),
        ("5.1.1", "550 5.1.1 No such user (in reply to MAIL FROM command)", Verdict.POLICY),
        ("", "550 5.2.1 Mailbox unavailable. Your IP address 192.0.2.7 is blacklisted using X-XBL", Verdict.POLICY),
        ("", "550 Mailbox unavailable. Your IP is listed at bl.spamcop.net", Verdict.POLICY),
        ("", "550 Too many invalid recipients", Verdict.POLICY),
        ("5.5.3", "550 5.5.3 No such user", Verdict.POLICY),
        ("", "550 Access denied - Invalid HELO name; unknown user", Verdict.POLICY),
        ("5.1.1", "550 5.1.1 unknown recipient: message failed DMARC", Verdict.POLICY),
        ("", "550 Sender verify failed: No Such User Here", Verdict.POLICY),
        ("5.1.1", "550 5.1.1 relaying denied, no such user", Verdict.POLICY),
        ("5.4.4", "Name service error for name=x.example type=MX: Malformed or unexpected reply", Verdict.SOFT),
        ("5.4.4", "Host or domain name not found. Name service error for name=x: Host not found", Verdict.HARD),
        ("5.1.2", "an MX or SRV record indicated no SMTP service", Verdict.HARD),
        ("", "500 (err.nosuchuser)", Verdict.HARD),
        ("", "556 domain takes no mail", Verdict.HARD),
        ("", "551 User not local; please try <c@d.example>", Verdict.SOFT),
        ("5.1.1", "550 5.1.1 Mailbox disabled", Verdict.SOFT),
        ("", "550 Unknown recipient; connection from 192.0.2.1 rejected", Verdict.POLICY),
        ("5.2.1", "550 5.2.1 User unknown", Verdict.SOFT),
        ("5.1.1", "550 5.1.1 <bl@spamhaus.example>: user unknown", Verdict.HARD),
        ("5.1.1", "550 5.1.1 no such mailbox, see https://mail.example/policies/5", Verdict.HARD),
    ],
)
def test_what_speaks_of_us_stands_above_what_speaks_of_the_mailbox(status, said, verdict):
    assert classify(status, said) is verdict


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("4.2.2", "452 4.2.2 Mailbox full"),
        ("4.7.1", "450 4.7.1 Greylisted, try again in 300 seconds"),
        ("4.7.1", "451 4.7.1 this looks like spam"),
        ("4.4.7", "delivery delayed, will be retried"),
    ],
)
def test_a_delay_is_no_failure_whatever_its_words(status, said):
    assert parse(report(group("delayed", status, said))).verdict is Verdict.DELAYED


def test_a_delay_that_calls_itself_expired_is_an_end():
    text = "A message could not be delivered: pat@mail.example: Envelope expired"
    assert parse(report(group("delayed", "4.4.7", ""), text=text)).verdict is Verdict.SOFT


def test_failed_stands_above_a_status_that_says_nothing():
    said = "DNS Error: 1 DNS type 'mx' lookup of gone.example responded with code NXDOMAIN Domain name not found"
    assert parse(report(group("failed", "4.0.0", said))).verdict is Verdict.HARD
    assert (
        parse(report(group("failed", "4.4.4", "DNS lookup of x timed out: domain not found"))).verdict is Verdict.SOFT
    )


@pytest.mark.parametrize(
    "footer",
    [
        "This email has been scanned for all viruses and spam by ExampleScan",
        "Message scanned by Example spam filter",
        "This e-mail and its attachments are confidential. Mailbox full of secrets",
    ],
)
def test_a_scanners_footer_is_nobodys_reason(footer):
    found = parse(report(group("failed", "5.1.1", "550 5.1.1 User unknown"), text=f"Sorry.\r\n\r\n{footer}"))
    assert found.verdict is Verdict.HARD


def test_the_far_sides_answer_stands_above_the_sending_servers_status():
    assert parse(report(group("failed", "5.7.1", "553 Invalid recipient pat@mail.example"))).verdict is Verdict.HARD
    assert parse(report(group("failed", "5.1.1", "554 5.7.1 Access denied"))).verdict is Verdict.POLICY


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded", "deliverable"])
def test_success_is_no_bounce_and_says_that_it_arrived(action):
    found = parse(report(group(action, "2.1.5", "250 2.1.5 OK")))
    assert (found.verdict, found.arrived) == (Verdict.NOT_A_BOUNCE, True)


def test_a_challenge_has_not_failed():
    said = "450 4.7.0 Sender not pre-approved, follow the instructions"
    assert not parse(report(group("failed", "4.7.0", said))).verdict.is_failure


def test_a_report_names_the_mailbox_it_speaks_of():
    (one,) = parse(report(group("failed", "5.1.1", "550 user unknown", "Other@else.example"))).outcomes
    assert one.recipients == ("other@else.example",)
    assert "else" not in repr(one)
