"""PGP/MIME against GnuPG and Python's own mail parser, with published test keys."""

import email
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from email import policy
from pathlib import Path

import pysequoia
import pytest

from apps.mail import pgp
from apps.mail.envelopes import SealHead, SealingRefused, neutral_head, protect, same_mailbox
from tests.conftest import SHARED_DATA
from tests.refusals import refused

DATA = SHARED_DATA / "crypto"
NOW = datetime.now(UTC)
HEAD = (
    b"From: Harbor Clinic <care@harbor.example>\r\n"
    b"To: Bob Babbage <bob@openpgp.example>\r\n"
    b"Subject: Your diabetes check-up on\r\n Tuesday\r\n"
    b"List-Id: <diabetes.harbor.example>\r\n"
    b"Date: Sun, 22 Nov 2026 09:00:00 -0500\r\n"
    b"Message-ID: <1@harbor.example>\r\n"
    b"List-Unsubscribe: <https://mail.harbor.example/u/x>\r\n"
)
ENTITY = (
    b'Content-Type: multipart/alternative;\r\n boundary="b1"\r\n\r\n'
    b"--b1\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"Your A1c is due, Jos=C3=A9.\r\n"
    b"--b1\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"<p>Your A1c is due, Jos=C3=A9.</p>\r\n"
    b"--b1--\r\n"
)


@pytest.fixture
def gpg_home():
    """GnuPG with an agent of its own, stopped at the end."""
    with pgp.gpg_home() as home:
        yield home
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


def gpg(home, *arguments, data=b""):
    return subprocess.run(
        [
            "gpg",
            "--homedir",
            str(home),
            "--batch",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
            *arguments,
        ],
        input=data,
        capture_output=True,
        check=False,
    )


def bob(name="bob"):
    return (DATA / "openpgp-samples" / f"{name}-cert.asc").read_bytes()


@pytest.mark.usefixtures("shared_data")
@pytest.mark.parametrize("who", ["alice", "bob"])
def test_gnupg_reads_what_we_seal_and_the_parser_finds_the_real_message_inside(who, gpg_home):
    key = pgp.check(bob(who), f"{who}@openpgp.example", NOW)
    mail = pgp.seal(ENTITY, neutral_head(HEAD, "Encrypted message from Harbor Clinic"), [key], NOW)

    outer = email.message_from_bytes(mail.content, policy=policy.default)
    assert outer.get_content_type() == "multipart/encrypted"
    assert outer.get_param("protocol") == "application/pgp-encrypted"
    control, data = outer.iter_parts()
    assert control.get_content_type() == "application/pgp-encrypted"
    assert control.get_content().strip() == b"Version: 1"
    assert data.get_content_type() == "application/octet-stream"

    gpg(gpg_home, "--import", data=(DATA / "openpgp-samples" / f"{who}-key.asc").read_bytes())
    opened = gpg(gpg_home, "--decrypt", data=data.get_payload(decode=True))
    assert opened.returncode == 0, opened.stderr
    inner = email.message_from_bytes(opened.stdout, policy=policy.default)
    assert inner["Subject"] == "Your diabetes check-up on Tuesday"
    assert inner.get_body(("plain",)).get_content() == "Your A1c is due, José."
    assert inner.get_param("hp") == "cipher"
    shown = inner.get_all("HP-Outer")
    assert "Subject: Encrypted message from Harbor Clinic" in shown
    assert "Message-ID: <1@harbor.example>" in shown
    assert mail.recipient_key_id == key.fingerprint
    assert mail.length == len(mail.entity)


@pytest.mark.usefixtures("shared_data")
def test_nothing_outside_the_encryption_tells_why_we_write():
    key = pgp.check(bob(), "bob@openpgp.example", NOW)
    mail = pgp.seal(ENTITY, neutral_head(HEAD, "Encrypted message from Harbor Clinic"), [key], NOW)
    assert b"diabetes" not in mail.content
    assert b"<p>" not in mail.content
    assert b"List-Unsubscribe: <https" in mail.head
    assert mail.head.count(b"Subject:") == 1
    assert all(len(line) <= 78 for line in mail.content.split(b"\r\n"))
    assert b"\n" not in mail.content.replace(b"\r\n", b"")


@pytest.mark.usefixtures("shared_data")
def test_the_sealed_content_is_integrity_protected_and_aes():
    key = pgp.check(bob(), "bob@openpgp.example", NOW)
    mail = pgp.seal(ENTITY, neutral_head(HEAD), [key], NOW)
    armored = mail.entity[mail.entity.index(b"-----BEGIN") :]
    listing = subprocess.run(
        ["gpg", "--batch", "--list-packets"], input=armored, capture_output=True, check=False
    ).stdout.decode("latin-1")
    assert "encrypted data packet" in listing
    assert "mdc_method: 2" in listing


@pytest.mark.usefixtures("shared_data")
def test_the_organization_may_sign_inside_the_encryption(gpg_home):
    key = pgp.check(bob(), "bob@openpgp.example", NOW)
    secret = (DATA / "openpgp-samples" / "alice-key.asc").read_bytes()
    mail = pgp.seal(ENTITY, neutral_head(HEAD), [key], NOW, signing_key=secret)
    gpg(gpg_home, "--import", data=(DATA / "openpgp-samples" / "bob-key.asc").read_bytes())
    gpg(gpg_home, "--import", data=bob("alice"))
    armored = mail.entity[mail.entity.index(b"-----BEGIN") : mail.entity.index(b"-----END")]
    opened = gpg(gpg_home, "--status-fd", "2", "--decrypt", data=armored + b"-----END PGP MESSAGE-----\r\n")
    assert b"GOODSIG" in opened.stderr


def public_part(path):
    """gopenpgp's odd keys are secret keys: what their owner would upload is the public part."""
    return bytes(pysequoia.Tsk.from_bytes(path.read_bytes()).extract_certificate())


@pytest.mark.usefixtures("shared_data")
@pytest.mark.parametrize(
    ("file", "address", "code"),
    [
        ("key_expiredKey", "a@b.com", "recipient_key.expired"),
        ("key_futureKey", None, "recipient_key.not_valid_yet"),
        ("key_revoked", "sending-pref11@proton.black", "recipient_key.revoked"),
    ],
)
def test_unusable_keys_are_refused_with_what_to_do(file, address, code):
    path = DATA / "openpgp-gopenpgp" / file
    material = path.read_bytes() if file == "key_revoked" else public_part(path)
    with refused(code) as refusal:
        pgp.check(material, address or "someone@example.com", NOW)
    assert "@" not in str(refusal.value)
    assert str(refusal.value).endswith(".")


@pytest.mark.usefixtures("shared_data")
def test_a_private_key_is_refused_and_said_to_be_private():
    for secret in [
        (DATA / "openpgp-gopenpgp" / "key_mismatching_eddsa_key").read_bytes(),
        bytes(pysequoia.Tsk.from_bytes((DATA / "openpgp-samples" / "bob-key.asc").read_bytes())),
    ]:
        with refused("recipient_key.private"):
            pgp.check(secret, "info@bob.com", NOW)


@pytest.mark.usefixtures("shared_data")
def test_a_key_of_someone_else_is_refused():
    with refused("recipient_key.of_another_address"):
        pgp.check(bob(), "alice@openpgp.example", NOW)
    assert pgp.check(bob(), "BOB@OpenPGP.example", NOW).fingerprint


@pytest.mark.usefixtures("shared_data")
def test_alice_of_autocrypt_expired_in_2021_but_was_good_before():
    material = (DATA / "openpgp-autocrypt" / "alice@autocrypt.example.pub.asc").read_bytes()
    with refused("recipient_key.expired"):
        pgp.check(material, "alice@autocrypt.example", NOW)


def test_a_key_that_only_signs_is_refused(gpg_home):
    gpg(gpg_home, "--quick-generate-key", "Sam <sam@example.com>", "ed25519", "sign", "never")
    material = gpg(gpg_home, "--export").stdout
    with refused("recipient_key.only_signs"):
        pgp.check(material, "sam@example.com", datetime.now(UTC))


def test_a_key_revoked_by_its_owner_with_gnupg_is_refused(gpg_home):
    gpg(gpg_home, "--quick-generate-key", "Rita <rita@example.com>", "default", "default", "1y")
    material = gpg(gpg_home, "--export").stdout
    key = pgp.check(material, "rita@example.com", datetime.now(UTC))
    assert key.expires is not None
    assert abs(key.expires - NOW - timedelta(days=365)) < timedelta(days=2)
    gpg(gpg_home, "--quick-revoke-uid", "rita@example.com", "Rita <rita@example.com>")
    certificate = next((gpg_home / "openpgp-revocs.d").iterdir()).read_text().replace(":-----BEGIN", "-----BEGIN")
    gpg(gpg_home, "--import", data=certificate.encode())
    with refused("recipient_key.revoked"):
        pgp.check(gpg(gpg_home, "--export").stdout, "rita@example.com", datetime.now(UTC))


def test_a_key_that_expires_before_the_message_leaves_is_not_used():
    short = pysequoia.Tsk.generate(user_id="Kim <kim@example.com>", validity_seconds=3600).extract_certificate()
    key = pgp.check(bytes(short), "kim@example.com", datetime.now(UTC))
    assert pgp.seal(ENTITY, neutral_head(HEAD), [key], NOW)
    with refused("recipient_key.expired"):
        pgp.seal(ENTITY, neutral_head(HEAD), [key], NOW + timedelta(hours=2))


def test_a_revoked_user_id_no_longer_counts():
    secret = pysequoia.Tsk.generate(user_ids=["Lee <lee@old.example>", "Lee <lee@new.example>"])
    certificate = secret.extract_certificate()
    old = next(uid for uid in certificate.user_ids if "old" in str(uid))
    gone = certificate.revoke_user_id(old, secret.certifier())
    updated = pysequoia.Cert.from_bytes(bytes(certificate) + bytes(gone)) if gone else certificate
    assert pgp.check(bytes(certificate), "lee@old.example", datetime.now(UTC))
    with pytest.raises(pgp.KeyRefused):
        pgp.check(bytes(updated), "lee@old.example", datetime.now(UTC))


@pytest.mark.parametrize(
    "junk", [b"", b"hello", b"\x00" * 100, b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxx\n", b"x" * 300_000]
)
def test_junk_is_refused_politely(junk):
    with pytest.raises(pgp.KeyRefused):
        pgp.check(junk, "kim@example.com", datetime.now(UTC))


def test_an_rfc9580_v6_key_that_gnupg_cannot_read_is_refused():
    modern = pysequoia.Tsk.generate(user_id="Kim <kim@example.com>", profile=pysequoia.Profile.RFC9580)
    with refused("recipient_key.version_too_new"):
        pgp.check(bytes(modern.extract_certificate()), "kim@example.com", datetime.now(UTC))


def test_gpg_homes_are_private_in_memory_and_gone_afterwards():
    with pgp.gpg_home() as home:
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        if Path("/dev/shm").is_dir():
            assert home.parent == Path("/dev/shm")
    assert not home.exists()


def test_no_key_no_message():
    with pytest.raises(pgp.KeyRefused):
        pgp.seal(ENTITY, neutral_head(HEAD), [], NOW)


def test_heads_that_could_smuggle_are_refused():
    for head in [b"Subject: a\nBcc: x@example.com\r\n", b"Subject: a", b"no field\r\n", b"A: b\rc\r\n"]:
        with pytest.raises(SealingRefused):
            neutral_head(head)
    with pytest.raises(SealingRefused):
        neutral_head(HEAD, "two\r\nlines")
    with pytest.raises(SealingRefused):
        protect(b"no body", SealHead(b"", b""))


def test_what_prints_shows_no_content():
    mail_head = neutral_head(HEAD)
    assert "harbor" not in repr(mail_head)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a@b.example", "A@B.example", True),
        ("a@bücher.example", "a@xn--bcher-kva.example", True),
        ("a@b.example", "a@c.example", False),
        ("", "", False),
        ("a", "a", False),
    ],
)
def test_same_mailbox(one, other, same):
    assert same_mailbox(one, other) is same


@pytest.mark.usefixtures("shared_data")
def test_a_server_without_gnupg_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with refused("recipient_key.checker_missing"):
        pgp.check(bob(), "bob@openpgp.example", NOW)
