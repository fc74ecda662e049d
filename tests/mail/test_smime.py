"""S/MIME against OpenSSL and Python's mail parser, with the samples of RFC 9216 and a small CA."""

import email
import subprocess
from datetime import UTC, datetime, timedelta
from email import policy

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from apps.mail import smime
from apps.mail.envelopes import KeyRefused, neutral_head
from tests.conftest import SHARED_DATA
from tests.refusals import refused

DATA = SHARED_DATA / "crypto"
RFC = DATA / "smime-rfc9216"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HEAD = b"From: Harbor Clinic <care@harbor.example>\r\nTo: <bob@smime.example>\r\nSubject: Your diabetes check-up\r\n"
ENTITY = (
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nA1c, Jos=C3=A9.\r\n"
)


def rfc(start):
    return next(RFC.glob(f"{start}-*")).read_bytes()


class Authority:
    """A certificate authority of one afternoon."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test root")])
        self.certificate = self.issue(
            self.key.public_key(),
            subject=self.name,
            ca=True,
            usage={"key_cert_sign", "crl_sign"},
            purposes=None,
        )
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(
        self,
        public_key,
        *,
        address="pat@mail.example",
        subject=None,
        ca=False,
        usage=frozenset({"key_encipherment"}),
        purposes=(ExtendedKeyUsageOID.EMAIL_PROTECTION,),
        first=NOW - timedelta(days=10),
        last=NOW + timedelta(days=300),
        serial=None,
    ):
        subject = subject or x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Pat")])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public_key)
            .serial_number(serial or x509.random_serial_number())
            .not_valid_before(first)
            .not_valid_after(last)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        flags = dict.fromkeys(
            [
                "digital_signature",
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
                "key_cert_sign",
                "crl_sign",
                "encipher_only",
                "decipher_only",
            ],
            False,
        )
        builder = builder.add_extension(x509.KeyUsage(**{**flags, **dict.fromkeys(usage, True)}), critical=True)
        if address and not ca:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(address)]), critical=False)
        if purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        return builder.sign(self.key, hashes.SHA256())


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def private(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def openssl_decrypt(tmp_path, content, key):
    (tmp_path / "key.pem").write_bytes(key)
    done = subprocess.run(
        ["openssl", "cms", "-decrypt", "-inform", "SMIME", "-inkey", str(tmp_path / "key.pem")],
        input=content,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.usefixtures("shared_data")
@pytest.mark.parametrize(("who", "certificate", "key"), [("alice", "4.3", "4.4"), ("bob", "5.3", "5.4")])
def test_openssl_opens_what_we_seal_for_the_rfc9216_people(who, certificate, key, tmp_path):
    checked = smime.check(rfc(certificate), f"{who}@smime.example", NOW, anchors=rfc("3.1"))
    assert checked.algorithm == "RSA 2048"
    assert checked.notes == ("revocation unknown",)
    mail = smime.seal(ENTITY, neutral_head(HEAD, "Encrypted message from Harbor Clinic"), [checked], NOW)

    outer = email.message_from_bytes(mail.content, policy=policy.default)
    assert outer.get_content_type() == "application/pkcs7-mime"
    assert outer.get_param("smime-type") == "enveloped-data"
    assert outer["Subject"] == "Encrypted message from Harbor Clinic"
    assert b"diabetes" not in mail.content

    inner = email.message_from_bytes(openssl_decrypt(tmp_path, mail.content, rfc(key)), policy=policy.default)
    assert inner["Subject"] == "Your diabetes check-up"
    assert inner.get_content().strip() == "A1c, José."
    assert inner.get_param("hp") == "cipher"


@pytest.mark.usefixtures("shared_data")
def test_the_cipher_is_aes_256():
    checked = smime.check(rfc("5.3"), "bob@smime.example", NOW, anchors=rfc("3.1"))
    mail = smime.seal(ENTITY, neutral_head(HEAD), [checked], NOW)
    der = email.message_from_bytes(mail.content).get_payload(decode=True)
    content = cms.ContentInfo.load(der)["content"]["encrypted_content_info"]["content_encryption_algorithm"]
    assert content["algorithm"].native == "aes256_cbc"


@pytest.mark.usefixtures("shared_data")
def test_signed_then_encrypted_verifies_with_openssl(tmp_path):
    checked = smime.check(rfc("5.3"), "bob@smime.example", NOW, anchors=rfc("3.1"))
    signer = smime.Signer(key=rfc("4.2"), certificates=rfc("4.1"))
    mail = smime.seal(ENTITY, neutral_head(HEAD), [checked], NOW, signer=signer)
    signed = openssl_decrypt(tmp_path, mail.content, rfc("5.4"))
    (tmp_path / "ca.pem").write_bytes(rfc("3.1"))
    done = subprocess.run(
        [
            "openssl",
            "cms",
            "-verify",
            "-inform",
            "SMIME",
            "-CAfile",
            str(tmp_path / "ca.pem"),
            "-purpose",
            "any",
        ],
        input=signed,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    inner = email.message_from_bytes(done.stdout, policy=policy.default)
    assert inner["Subject"] == "Your diabetes check-up"
    assert inner.get_content().strip() == "A1c, José."


def test_a_broken_signing_key_says_where_to_mend_it(authority, rsa_key):
    checked = smime.check(pem(authority.issue(rsa_key.public_key())), "pat@mail.example", NOW, anchors=authority.pem)
    with refused("organization_key.unusable"):
        smime.seal(ENTITY, neutral_head(HEAD), [checked], NOW, signer=smime.Signer(b"x", b"y"))


@pytest.mark.parametrize("curve", [ec.SECP256R1, ec.SECP384R1])
def test_people_with_elliptic_curve_certificates_get_theirs_by_openssl(curve, authority, tmp_path):
    key = ec.generate_private_key(curve())
    certificate = authority.issue(key.public_key(), usage={"key_agreement"})
    checked = smime.check(pem(certificate), "pat@mail.example", NOW, anchors=authority.pem)
    mail = smime.seal(ENTITY, neutral_head(HEAD), [checked], NOW)
    inner = email.message_from_bytes(openssl_decrypt(tmp_path, mail.content, private(key)), policy=policy.default)
    assert inner["Subject"] == "Your diabetes check-up"


def test_every_way_in_which_a_certificate_can_be_wrong_has_its_code(authority, rsa_key):
    public = rsa_key.public_key()
    weak = rsa.generate_private_key(65537, 1024).public_key()
    stranger = Authority()
    cases = {
        "expired": authority.issue(public, last=NOW - timedelta(days=1)),
        "not_valid_yet": authority.issue(public, first=NOW + timedelta(days=1)),
        "of_another_address": authority.issue(public, address="other@mail.example"),
        "only_signs": authority.issue(public, usage={"digital_signature"}),
        "not_for_mail": authority.issue(public, purposes=[ExtendedKeyUsageOID.SERVER_AUTH]),
        "too_weak": authority.issue(weak),
        "of_an_authority": authority.certificate,
        "authority_not_trusted": stranger.issue(public),
    }
    for wrong, certificate in cases.items():
        with refused(f"recipient_key.{wrong}") as refusal:
            smime.check(pem(certificate), "pat@mail.example", NOW, anchors=authority.pem)
        assert "@" not in str(refusal.value)
    with refused("recipient_key.no_authority_trusted"):
        smime.check(pem(authority.issue(public)), "pat@mail.example", NOW)


def test_a_person_cannot_issue_certificates(authority, rsa_key):
    middle_key = ec.generate_private_key(ec.SECP256R1())
    middle = authority.issue(middle_key.public_key(), usage={"digital_signature"})
    forger = Authority.__new__(Authority)
    forger.key, forger.name = middle_key, middle.subject
    leaf = forger.issue(rsa_key.public_key(), address="pat@mail.example")
    with pytest.raises(KeyRefused):
        smime.check(pem(leaf) + pem(middle), "pat@mail.example", NOW, anchors=authority.pem)


def test_an_intermediate_that_came_along_completes_the_chain(authority, rsa_key):
    middle_key = ec.generate_private_key(ec.SECP256R1())
    middle = authority.issue(
        middle_key.public_key(),
        subject=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Middle")]),
        ca=True,
        usage={"key_cert_sign"},
        purposes=None,
    )
    helper = Authority.__new__(Authority)
    helper.key, helper.name = middle_key, middle.subject
    leaf = helper.issue(rsa_key.public_key())
    assert smime.check(pem(leaf) + pem(middle), "pat@mail.example", NOW, anchors=authority.pem)
    with refused("recipient_key.authority_not_trusted"):
        smime.check(pem(leaf), "pat@mail.example", NOW, anchors=authority.pem)


def test_revoked_certificates_are_found_in_the_list_and_a_covered_one_has_no_note(authority, rsa_key):
    good = authority.issue(rsa_key.public_key())
    bad = authority.issue(rsa_key.public_key())
    revoked = x509.RevokedCertificateBuilder().serial_number(bad.serial_number).revocation_date(NOW).build()
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.name)
        .last_update(NOW)
        .next_update(NOW + timedelta(days=7))
        .add_revoked_certificate(revoked)
        .sign(authority.key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    assert smime.check(pem(good), "pat@mail.example", NOW, anchors=authority.pem, crls=crl).notes == ()
    with refused("recipient_key.revoked"):
        smime.check(pem(bad), "pat@mail.example", NOW, anchors=authority.pem, crls=crl)
    later = NOW + timedelta(days=8)
    assert smime.check(pem(good), "pat@mail.example", later, anchors=authority.pem, crls=crl).notes


def test_private_keys_and_pkcs12_are_refused(authority, rsa_key):
    certificate = authority.issue(rsa_key.public_key())
    bundle = pkcs12.serialize_key_and_certificates(
        b"pat", rsa_key, certificate, None, serialization.BestAvailableEncryption(b"secret")
    )
    for material in (private(rsa_key) + pem(certificate), bundle):
        with refused("recipient_key.private"):
            smime.check(material, "pat@mail.example", NOW, anchors=authority.pem)


@pytest.mark.parametrize(
    "junk", [b"", b"hello", b"\x30\x03\x02\x01\x03", b"-----BEGIN CERTIFICATE-----\nxx\n", b"x" * 70_000]
)
def test_junk_is_refused_politely(junk, authority):
    with pytest.raises(KeyRefused):
        smime.check(junk, "pat@mail.example", NOW, anchors=authority.pem)


def test_der_works_like_pem(authority, rsa_key):
    certificate = authority.issue(rsa_key.public_key())
    checked = smime.check(
        certificate.public_bytes(serialization.Encoding.DER), "Pat@Mail.Example", NOW, anchors=authority.pem
    )
    assert checked.expires == certificate.not_valid_after_utc


def test_a_certificate_that_expires_before_the_message_leaves_is_not_used(authority, rsa_key):
    checked = smime.check(pem(authority.issue(rsa_key.public_key())), "pat@mail.example", NOW, anchors=authority.pem)
    with refused("recipient_key.expired"):
        smime.seal(ENTITY, neutral_head(HEAD), [checked], NOW + timedelta(days=400))
    with pytest.raises(KeyRefused):
        smime.seal(ENTITY, neutral_head(HEAD), [], NOW)


@pytest.mark.usefixtures("shared_data")
def test_rfc4134_relics_are_refused():
    for path in sorted((DATA / "smime-rfc4134").glob("*.cer")):
        with pytest.raises(KeyRefused):
            smime.check(path.read_bytes(), "BobRSA@example.com", NOW, anchors=rfc("3.1"))


def test_a_server_without_openssl_says_so(authority, monkeypatch):
    certificate = authority.issue(ec.generate_private_key(ec.SECP256R1()).public_key(), usage={"key_agreement"})
    checked = smime.check(pem(certificate), "pat@mail.example", NOW, anchors=authority.pem)
    monkeypatch.setenv("PATH", "/nonexistent")
    with refused("recipient_key.checker_missing"):
        smime.seal(ENTITY, neutral_head(HEAD), [checked], NOW)
