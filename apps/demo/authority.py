"""The demo's own certificate authority: certificates for its mail servers and its people.

Nothing trusts it unless a setting names its root (`CARELANE_MAIL_ROOTS`). Keys are made at the first start
and kept under the demo's folder, so that a restart changes no fingerprint.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Issued()"


@dataclass(frozen=True)
class Authority:
    """A root that can issue; make one with `create` or `open_folder`."""

    root: x509.Certificate
    key: CertificateIssuerPrivateKeyTypes

    @property
    def root_pem(self) -> bytes:
        """The root certificate, PEM."""
        return self.root.public_bytes(Encoding.PEM)

    def server(self, names: list[str], now: dt.datetime, *, expired: bool = False) -> Issued:
        """A server certificate for DNS names and IP addresses; `expired` ended thirty days ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        first, last = (now - 120 * DAY, now - 30 * DAY) if expired else (now - DAY, now + 397 * DAY)
        builder = self._begin(names[0], key, first, last).add_extension(
            x509.SubjectAlternativeName([_general_name(n) for n in names]), critical=False
        )
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        return self._finish(builder, key)

    def person(self, address: str, now: dt.datetime, *, expired: bool = False) -> Issued:
        """An S/MIME certificate for one address (RFC 8550: rfc822Name, emailProtection, RSA 2048)."""
        key = rsa.generate_private_key(65537, 2048)
        first, last = (now - 800 * DAY, now - 30 * DAY) if expired else (now - DAY, now + 730 * DAY)
        builder = self._begin(address, key, first, last).add_extension(
            x509.SubjectAlternativeName([x509.RFC822Name(address)]), critical=False
        )
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
        ).add_extension(_usage(signature=True, encipherment=True), critical=True)
        return self._finish(builder, key)

    def _begin(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
        first: dt.datetime,
        last: dt.datetime,
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])]))
            .issuer_name(self.root.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(first)
            .not_valid_after(last)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )

    def _finish(self, builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> Issued:
        certificate = builder.sign(self.key, hashes.SHA256())
        return Issued(
            certificate.public_bytes(Encoding.PEM),
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )


def create(name: str, now: dt.datetime) -> Authority:
    """A new root that lives ten years."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Carelane demo, trust nowhere else"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    root = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 400 * DAY)
        .not_valid_after(now + 3650 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(root, key)


def open_folder(folder: Path, now: dt.datetime) -> Authority:
    """The authority kept in `folder`, made at the first call."""
    root_path, key_path = folder / "root.pem", folder / "root-key.pem"
    if root_path.exists() and key_path.exists():
        key = load_pem_private_key(key_path.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return Authority(x509.load_pem_x509_certificate(root_path.read_bytes()), key)
    made = create("Carelane demo mail authority", now)
    assert isinstance(made.key, ec.EllipticCurvePrivateKey)
    write_private(key_path, made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    write_private(root_path, made.root_pem)
    return made


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner reads, complete or not at all."""
    for folder in (*reversed(path.parent.parents), path.parent):
        # `parents=True` would give the folders on the way the default mode.
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    part.replace(path)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signature: bool = False, encipherment: bool = False, certificates: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signature,
        content_commitment=False,
        key_encipherment=encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )
