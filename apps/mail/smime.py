"""S/MIME (RFC 8551): check a recipient's certificate against configured anchors, and seal a message for it.

RSA recipients get CMS EnvelopedData with AES-256-CBC from `cryptography` (0.5 ms). Elliptic-curve recipients
go through `openssl cms`, which alone knows their key agreement; it is slower, and their number is small.
"""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from apps.mail.envelopes import (
    CheckedKey,
    KeyRefused,
    SealedMail,
    SealHead,
    SealingRefused,
    protect,
    same_mailbox,
    sealed,
)
from apps.mail.pgp import gpg_home

MAX_CERTIFICATE_BYTES = 64 * 1024
_SMTP_UTF8_MAILBOX = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9")  # RFC 9598
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_NOT_A_CERTIFICATE = (
    "This file is not a certificate. Ask for the public S/MIME certificate as a .cer, .crt or .pem file, "
    "or take it from a signed mail."
)


@dataclass(frozen=True)
class Signer:
    """The organization's own S/MIME identity: PEM private key without passphrase, and certificate chain."""

    key: bytes = field(repr=False)
    certificates: bytes = field(repr=False)
    """PEM; the first one belongs to the key."""


def check(material: bytes, address: str, now: datetime, *, anchors: bytes = b"", crls: bytes = b"") -> CheckedKey:
    """Decide whether an uploaded certificate (PEM, DER or PKCS#7) can seal mail for `address` at `now`.

    `anchors` are the trusted roots as PEM, `crls` revocation lists as PEM; neither is ever fetched. RFC 8550:
    chain, dates, rfc822Name (or SmtpUTF8Mailbox) equal to the address, key usage, extended key usage. Raises
    KeyRefused with what to do. When no list covers the issuer, the note "revocation unknown" says so.
    """
    if len(material) > MAX_CERTIFICATE_BYTES:
        raise KeyRefused(
            "recipient_key.file_too_large",
            "This file is too large for a certificate. Upload only the person's own certificate.",
        )
    leaf, others = _parse(material)
    if leaf.not_valid_before_utc > now:
        raise KeyRefused(
            "recipient_key.not_valid_yet", "This certificate is only valid from a later day. Upload it again then."
        )
    if leaf.not_valid_after_utc <= now:
        raise KeyRefused("recipient_key.expired", "This certificate has expired. Ask its owner for the current one.")
    algorithm = _algorithm(leaf)
    _check_usage(leaf)
    if not any(same_mailbox(name, address) for name in _mailboxes(leaf)):
        raise KeyRefused(
            "recipient_key.of_another_address",
            "This certificate is not made for the address it is meant for. "
            "Check that it belongs to this person, or ask for one that names this address.",
        )
    chain = _chain(leaf, others, anchors, now)
    notes = _check_revocation(chain, crls, now)
    return CheckedKey(
        kind="smime",
        fingerprint=leaf.fingerprint(hashes.SHA256()).hex().upper(),
        expires=leaf.not_valid_after_utc,
        algorithm=algorithm,
        material=leaf.public_bytes(serialization.Encoding.DER),
        notes=notes,
    )


def seal(
    entity: bytes,
    head: SealHead,
    keys: Sequence[CheckedKey],
    now: datetime,
    *,
    signer: Signer | None = None,
) -> SealedMail:
    """Seal a MIME entity (`Content-Type` first, CRLF) for `keys` as application/pkcs7-mime, AES-256.

    With `signer`, signed first and then encrypted (B-373). Raises KeyRefused without a key, or when one
    expired or cannot be read any more; SealingRefused when the signing identity is unusable.
    """
    certificates = [_recipient(key, now) for key in keys]
    if not certificates:
        raise KeyRefused("recipient_key.missing", "There is no S/MIME certificate to seal this message for.")
    inner = protect(entity, head)
    if signer is not None:
        inner = _sign(inner, signer)
    if all(isinstance(one.public_key(), rsa.RSAPublicKey) for one in certificates):
        der = _envelope(inner, certificates)
    else:
        der = _envelope_with_openssl(inner, certificates)
    body = _mime(der, "enveloped-data")
    return sealed(head, body, inner, " ".join(key.fingerprint for key in keys))


def _envelope(inner: bytes, certificates: Sequence[x509.Certificate]) -> bytes:
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(inner).set_content_encryption_algorithm(AES256)
    for certificate in certificates:
        builder = builder.add_recipient(certificate)
    # Binary: the text is already canonical, and nothing may touch a byte that we have to prove.
    return builder.encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


def _envelope_with_openssl(inner: bytes, certificates: Sequence[x509.Certificate]) -> bytes:
    """The same envelope for elliptic-curve recipients (RFC 5753). Plain text goes in by pipe, not by file."""
    with gpg_home() as home:
        files = []
        for number, certificate in enumerate(certificates):
            path = home / f"{number}.pem"
            path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
            files.append(str(path))
        try:
            done = subprocess.run(
                ["openssl", "cms", "-encrypt", "-binary", "-aes-256-cbc", "-outform", "DER", *files],
                input=inner,
                capture_output=True,
                timeout=30,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            raise KeyRefused(
                "recipient_key.checker_missing",
                "OpenSSL does not answer on the server, and this certificate needs it. Ask for one with an RSA key.",
            ) from None
    if done.returncode != 0 or not done.stdout:
        raise KeyRefused(
            "recipient_key.cannot_encrypt", "OpenSSL cannot encrypt for this certificate. Ask for one with an RSA key."
        )
    return done.stdout


def _sign(inner: bytes, signer: Signer) -> bytes:
    """Opaque signed-data (RFC 8551 section 3.5.2): one part, so no gateway can rewrap what was signed."""
    try:
        key = serialization.load_pem_private_key(signer.key, password=None)
        own, *chain = x509.load_pem_x509_certificates(signer.certificates)
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise ValueError
        builder = pkcs7.PKCS7SignatureBuilder().set_data(inner).add_signer(own, key, hashes.SHA256())
        for certificate in chain:
            builder = builder.add_certificate(certificate)
        der = builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SealingRefused(
            "organization_key.unusable",
            "The organization's S/MIME signing key cannot be used. Upload it again in the delivery settings.",
        ) from None
    return _mime(der, "signed-data")


def _mime(der: bytes, smime_type: str) -> bytes:
    name = "smime.p7m"
    lines = base64.encodebytes(der).replace(b"\n", b"\r\n")
    return (
        f"Content-Type: application/pkcs7-mime; smime-type={smime_type};\r\n"
        f' name="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="{name}"\r\n'
        "\r\n"
    ).encode("ascii") + lines


def _recipient(key: CheckedKey, now: datetime) -> x509.Certificate:
    if key.kind != "smime":
        raise KeyRefused("recipient_key.kind_wrong", "This key is not an S/MIME certificate.")
    if key.expires is not None and key.expires <= now:
        raise KeyRefused(
            "recipient_key.expired",
            "The recipient's S/MIME certificate has expired. Ask for the current one, or send by the portal.",
        )
    try:
        certificate = x509.load_der_x509_certificate(key.material)
    except ValueError:
        raise KeyRefused(
            "recipient_key.damaged", "The stored S/MIME certificate cannot be read. Upload it again."
        ) from None
    if certificate.fingerprint(hashes.SHA256()).hex().upper() != key.fingerprint:
        raise KeyRefused(
            "recipient_key.damaged", "The stored S/MIME certificate is not the one that was checked. Upload it again."
        )
    return certificate


def _parse(material: bytes) -> tuple[x509.Certificate, list[x509.Certificate]]:
    """The person's certificate, and the other ones that came with it."""
    if b"PRIVATE KEY" in material or _is_pkcs12(material):
        raise KeyRefused(
            "recipient_key.private",
            "This file holds a private key, which its owner must never give away. "
            "Nothing was kept; upload the certificate only.",
        )
    certificates: list[x509.Certificate] = []
    for load in (
        x509.load_pem_x509_certificates,
        lambda data: [x509.load_der_x509_certificate(data)],
        pkcs7.load_pem_pkcs7_certificates,
        pkcs7.load_der_pkcs7_certificates,
    ):
        try:
            certificates = list(load(material))
        except (ValueError, UnsupportedAlgorithm):
            continue
        if certificates:
            break
    try:
        people = [one for one in certificates if not _is_authority(one)]
    except (ValueError, x509.DuplicateExtension):
        raise KeyRefused("recipient_key.file_unreadable", _NOT_A_CERTIFICATE) from None
    if not certificates:
        raise KeyRefused("recipient_key.file_unreadable", _NOT_A_CERTIFICATE)
    if not people:
        raise KeyRefused(
            "recipient_key.of_an_authority",
            "This is the certificate of an authority, not of a person. Upload the person's own one.",
        )
    if len(people) > 1:
        raise KeyRefused(
            "recipient_key.not_one", "This file holds certificates of several people. Upload only the person's own one."
        )
    return people[0], [one for one in certificates if one is not people[0]]


def _is_pkcs12(material: bytes) -> bool:
    """A certificate never loads as PKCS#12; a missing passphrase proves the container too."""
    if not material.startswith(b"\x30"):
        return False
    try:
        pkcs12.load_pkcs12(material, None)
    except ValueError as error:
        return "password" in str(error).lower()
    return True


def _extension(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> Any:
    try:
        return certificate.extensions.get_extension_for_oid(oid).value
    except x509.ExtensionNotFound:
        return None
    except (ValueError, x509.DuplicateExtension):
        raise KeyRefused("recipient_key.file_unreadable", _NOT_A_CERTIFICATE) from None


def _is_authority(certificate: x509.Certificate) -> bool:
    constraints = _extension(certificate, ExtensionOID.BASIC_CONSTRAINTS)
    return bool(constraints and constraints.ca)


def _algorithm(leaf: x509.Certificate) -> str:
    try:
        key = leaf.public_key()
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < 2048:
            raise KeyRefused(
                "recipient_key.too_weak",
                f"The key of this certificate is too weak (RSA with {key.key_size} bits). "
                "Ask for one with 2048 or more.",
            )
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES):
        return f"NIST P-{key.curve.key_size}"
    raise KeyRefused(
        "recipient_key.algorithm_unknown",
        "The key of this certificate is of a kind that cannot be used. Ask for one with an RSA key.",
    )


def _check_usage(leaf: x509.Certificate) -> None:
    usage = _extension(leaf, ExtensionOID.KEY_USAGE)
    if usage is not None:
        if isinstance(leaf.public_key(), rsa.RSAPublicKey):
            may = usage.key_encipherment
        else:
            may = usage.key_agreement
        if not may:
            raise KeyRefused(
                "recipient_key.only_signs",
                "This certificate is for signing only. Ask its owner for the encryption certificate: "
                "many people have two.",
            )
    purposes = _extension(leaf, ExtensionOID.EXTENDED_KEY_USAGE)
    if purposes is not None and not {
        ExtendedKeyUsageOID.EMAIL_PROTECTION,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    } & set(purposes):
        raise KeyRefused(
            "recipient_key.not_for_mail",
            "This certificate is not made for mail. Ask for one issued for e-mail protection (S/MIME).",
        )


def _mailboxes(leaf: x509.Certificate) -> list[str]:
    """The mail addresses it names. RFC 8550 section 3: subjectAltName first; emailAddress in old subjects."""
    names = _extension(leaf, ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    found: list[str] = []
    if names is not None:
        found += names.get_values_for_type(x509.RFC822Name)
        for other in names.get_values_for_type(x509.OtherName):
            # DER UTF8String: tag 0x0C and, for anything an address can be, a short or one-byte long length.
            if other.type_id == _SMTP_UTF8_MAILBOX and other.value[:1] == b"\x0c":
                start = 3 if other.value[1:2] == b"\x81" else 2
                found.append(other.value[start:].decode("utf-8", "replace"))
    if not found:
        found += [str(one.value) for one in leaf.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
    return found


def _chain(
    leaf: x509.Certificate, others: list[x509.Certificate], anchors: bytes, now: datetime
) -> list[x509.Certificate]:
    """The verified path, leaf first."""
    try:
        roots = x509.load_pem_x509_certificates(anchors) if anchors.strip() else []
    except ValueError:
        roots = []
    if not roots:
        raise KeyRefused(
            "recipient_key.no_authority_trusted",
            "No certificate authority is trusted for S/MIME yet. "
            "An administrator adds the authority's root in the delivery settings.",
        )
    rules = verification.ExtensionPolicy.permit_all()
    authorities = rules.require_present(
        x509.BasicConstraints, verification.Criticality.AGNOSTIC, _must_be_authority
    ).may_be_present(x509.KeyUsage, verification.Criticality.AGNOSTIC, _may_sign_certificates)
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store(roots))
        .time(now.astimezone(UTC).replace(tzinfo=None))
        .extension_policies(ca_policy=authorities, ee_policy=rules)
        .build_client_verifier()
    )
    try:
        return list(verifier.verify(leaf, others).chain)
    except (verification.VerificationError, ValueError):
        raise KeyRefused(
            "recipient_key.authority_not_trusted",
            "This certificate was not issued by an authority that this organization trusts for S/MIME. "
            "Upload it with its intermediate certificates, or ask an administrator about the authority.",
        ) from None


def _must_be_authority(_policy: object, _certificate: x509.Certificate, value: x509.BasicConstraints) -> None:
    if not value.ca:
        raise ValueError("not an authority")


def _may_sign_certificates(_policy: object, _certificate: x509.Certificate, value: x509.KeyUsage | None) -> None:
    if value is not None and not value.key_cert_sign:
        raise ValueError("may not sign certificates")


def _check_revocation(chain: list[x509.Certificate], crls: bytes, now: datetime) -> tuple[str, ...]:
    """Look the path up in the given lists, whose own signatures and dates must hold."""
    lists = []
    for block in crls.split(b"-----END X509 CRL-----"):
        if b"-----BEGIN X509 CRL-----" in block:
            try:
                lists.append(x509.load_pem_x509_crl(block + b"-----END X509 CRL-----\n"))
            except ValueError:
                continue
    covered = True
    for certificate, issuer in pairwise(chain):
        key: Any = issuer.public_key()
        current = [
            one
            for one in lists
            if one.issuer == issuer.subject
            and one.is_signature_valid(key)
            and (one.next_update_utc is None or one.next_update_utc > now)
        ]
        covered = covered and bool(current)
        for one in current:
            if one.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
                raise KeyRefused(
                    "recipient_key.revoked",
                    "This certificate was revoked by its authority. Ask its owner for a new one.",
                )
    return () if covered else ("revocation unknown",)
