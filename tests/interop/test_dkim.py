"""Our signatures before two judges that share no code: dkimpy, and openssl behind a verifier of our own."""

import dkim
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.content import merging
from apps.mail.dkim import KeyKind, Signer, Unsignable, create_key, relaxed_body, sign
from tests.content.test_merging_property import COMPILED, HEADER_TEXT, HOSTILE, TEXT, envelope, facts
from tests.interop.dkim_openssl import verify
from tests.sizes import examples

NOW = 1_795_000_000
MESSAGE = (
    b"From: =?utf-8?q?Lakeside?= Clinic <news@clinic.test>\r\n"
    b"To: Pat Doe <pat@goodmail.test>\r\n"
    b"Subject: Your\r\n  appointment \t on Monday  \r\n"
    b"Date: Mon, 23 Nov 2026 09:00:00 -0500\r\n"
    b"Message-ID: <abc@clinic.test>\r\n"
    b"Reply-To: desk@clinic.test\r\n"
    b"List-Unsubscribe: <https://mail.clinic.test/u/" + b"x" * 60 + b">,\r\n <mailto:u@clinic.test>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: multipart/alternative; boundary=b1\r\n"
    b"\r\n"
    b"--b1\r\nContent-Type: text/plain\r\n\r\nHello  there \t \r\n\tindented\r\n.dot\r\n--b1--\r\n\r\n\r\n"
)


@pytest.fixture(scope="module")
def signers():
    return [
        Signer.load("clinic.test", "c2026a", create_key(KeyKind.RSA)),
        Signer.load("clinic.test", "c2026e", create_key(KeyKind.ED25519)),
    ]


def judges(message, signers):
    """The verdicts of both verifiers, one per signature."""
    records = {s.dns_name(): s.dns_value() for s in signers}

    def dns(name, timeout=5):
        return records.get(name.decode().rstrip("."), "").encode()

    def dkimpy(i):
        try:
            return dkim.DKIM(message).verify(idx=i, dnsfunc=dns)
        except dkim.DKIMException:
            return False

    return [dkimpy(i) for i in range(len(signers))] + verify(message, records)


def test_both_signatures_convince_both_judges(signers):
    signed = sign(MESSAGE, signers, NOW) + MESSAGE
    assert judges(signed, signers) == [True] * 4
    assert max(len(line) for line in signed.split(b"\r\n\r\n")[0].split(b"\r\n")) <= 110


def test_the_fields_that_matter_are_signed_and_two_of_them_once_more(signers):
    fields = sign(MESSAGE, signers[:1], NOW).replace(b"\r\n", b"").replace(b" ", b"")
    names = fields.split(b";h=")[1].split(b";")[0].decode().split(":")
    assert names.count("from") == names.count("subject") == 2
    for name in ("list-unsubscribe", "list-unsubscribe-post", "date", "to", "message-id", "reply-to"):
        assert name in names
    assert {"mime-version", "content-type"} <= set(names)
    assert b";l=" not in fields


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"appointment", b"appointmemt"),
        (b"one-click".title(), b"One-Clack"),
        (b"Hello", b"Hallo"),
        (b"From: ", b"From: a@evil.test\r\nFrom: "),
        (b"Subject: ", b"Subject: Free\r\nSubject: "),
    ],
)
def test_what_was_changed_convinces_nobody(signers, old, new):
    assert old in MESSAGE
    signed = sign(MESSAGE, signers, NOW) + MESSAGE.replace(old, new, 1)
    assert not any(judges(signed, signers))


def test_blanks_that_servers_may_change_do_not_matter(signers):
    changed = MESSAGE.replace(b"Hello  there \t ", b"Hello there").replace(b"Your\r\n  app", b"Your app")
    assert judges(sign(MESSAGE, signers, NOW) + changed, signers) == [True] * 4


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", b""),
        (b"\r\n", b""),
        (b"\r\n\r\n", b""),
        (b" \r\n", b""),
        (b"a", b"a\r\n"),
        (b"a \t", b"a\r\n"),
        (b" a\t\tb \r\n\r\n \r\n", b" a b\r\n"),
        (b"a\r\n\r\nb\r\n", b"a\r\n\r\nb\r\n"),
    ],
)
def test_the_body_is_relaxed_as_the_standard_says(body, expected):
    assert relaxed_body(body) == expected


lines = st.lists(
    st.text(st.characters(min_codepoint=9, max_codepoint=126, exclude_characters="\r\n"), max_size=40),
    max_size=8,
)


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(body=lines, subject=lines)
def test_any_text_convinces_both_judges(signers, body, subject):
    text = " ".join("".join(c for c in part if c.isprintable()) for part in subject).strip() or "x"
    message = (
        b"From: a@clinic.test\r\nSubject: "
        + text.encode()
        + b"\r\n\r\n"
        + "\r\n".join(body).replace("\x0b", "").replace("\x0c", "").encode()
        + b"\r\n"
    )
    assert judges(sign(message, signers, NOW) + message, signers) == [True] * 4


def merged(first, rest, kinds, to_name):
    return merging.merge(COMPILED, facts(first, rest, rest, rest, kinds), envelope(to_name=to_name)).message


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=HEADER_TEXT, rest=TEXT, kinds=st.lists(TEXT, max_size=2), to_name=HEADER_TEXT)
def test_whatever_was_merged_convinces_both_judges(signers, first, rest, kinds, to_name):
    message = merged(first, rest, kinds, to_name)
    assert judges(sign(message, signers, NOW) + message, signers) == [True] * 4


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_each_hostile_value_in_every_slot_convinces_both_judges(signers, value):
    message = merged("x", value, [value], "".join(" " if ch in "\r\n\0" else ch for ch in value))
    assert judges(sign(message, signers, NOW) + message, signers) == [True] * 4


@pytest.mark.parametrize(
    "broken",
    [
        b"From: a@b.test\r\nSubject: no body",
        b"From: a@b.test\r\nno colon here\r\n\r\nx\r\n",
        b"From: a@b.test\nSubject: bare\r\n\r\nx\r\n",
        b"Subject: nobody\r\n\r\nx\r\n",
        b"From: a@b.test\r\nFrom: c@d.test\r\n\r\nx\r\n",
    ],
)
def test_what_is_not_a_message_is_not_signed(signers, broken):
    with pytest.raises(Unsignable):
        sign(broken, signers, NOW)


def test_weak_keys_and_odd_names_sign_nothing():
    with pytest.raises(Unsignable):
        Signer.load("clinic.test", "s", b"nonsense")
    with pytest.raises(Unsignable):
        Signer.load("clinic.test\r\nx", "s", create_key(KeyKind.ED25519))
    assert "PRIVATE" not in repr(Signer.load("clinic.test", "s", create_key(KeyKind.ED25519)))
