"""How well one connection is protected: trust, pins and what was measured.

Python's `ssl` cannot both verify and go on after a failure, so a connection is tried verified first and,
when the certificate fails, opened anew without verification. What counts is always what was measured on
the connection that carries the message.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID


class TlsClass(IntEnum):
    """How well a connection to a mail server is protected, weakest first."""

    NONE = 0
    OPPORTUNISTIC = 1
    WEBPKI = 2
    AUTHENTICATED = 3


TLS_WORDS: Mapping[TlsClass, str] = MappingProxyType(
    {
        TlsClass.NONE: "no encryption",
        TlsClass.OPPORTUNISTIC: "encryption with an unverified certificate",
        TlsClass.WEBPKI: "TLS with a verified certificate",
        TlsClass.AUTHENTICATED: "TLS with a pinned certificate",
    }
)

# Evidence of a hop that never leaves this machine, and that the transport map vouches for.
TRUSTED_LOCALLY = "transport map: on this machine"


@dataclass(frozen=True)
class TlsEvidence:
    """What was seen on one connection (B-336). Times are ISO 8601 in UTC, fingerprints SHA-256 in hex."""

    tls_class: TlsClass = TlsClass.NONE
    version: str = ""
    cipher: str = ""
    names: tuple[str, ...] = ()
    issuer: str = ""
    not_after: str = ""
    fingerprint: str = ""
    key_fingerprint: str = ""
    # Why the class is not higher, in words; "" when nothing was wrong.
    fault: str = ""

    def to_json(self) -> dict[str, Any]:
        """A compact form for the sealed evidence; empty values are left out."""
        found = {k: v for k, v in asdict(self).items() if v not in ("", ())}
        return found | {"tls_class": int(self.tls_class)}


@dataclass(frozen=True)
class Trust:
    """What our side believes: the system's roots, one more file of roots, and pins by MX name.

    A pin is the SHA-256 (hex) of the server's certificate or of its public key. Where a name has pins,
    only they count: a certificate that matches none is never better than opportunistic.
    """

    extra_roots: str = ""
    pins: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def verified(self) -> ssl.SSLContext:
        """Chain, dates and name are checked by OpenSSL during the handshake; TLS 1.2 or later."""
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.extra_roots:
            context.load_verify_locations(self.extra_roots)
        return context

    @cached_property
    def unverified(self) -> ssl.SSLContext:
        """Encryption only: better than none for what may travel without any (RFC 7435)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    def pins_for(self, name: str) -> frozenset[str]:
        """The pins of an MX name."""
        return self.pins.get(name.rstrip(".").lower(), frozenset())

    def measure(self, tls: ssl.SSLObject, name: str, *, verified: bool, fault: str = "") -> TlsEvidence:
        """Read an established connection to `name`; `verified` says which context made it."""
        version = tls.version() or ""
        cipher = (tls.cipher() or ("",))[0]
        seen = _read_certificate(tls.getpeercert(binary_form=True))
        pins = self.pins_for(name)
        matches = bool(pins & {seen["fingerprint"], seen["key_fingerprint"]})
        if matches:
            tls_class = TlsClass.AUTHENTICATED
            fault = ""
        elif pins:
            tls_class = TlsClass.OPPORTUNISTIC
            fault = "The certificate is not the one an administrator pinned."
        elif verified:
            tls_class = TlsClass.WEBPKI
        else:
            tls_class = TlsClass.OPPORTUNISTIC
        return TlsEvidence(tls_class=tls_class, version=version, cipher=cipher, fault=fault, **seen)


def fault_of(error: ssl.SSLError) -> str:
    """An OpenSSL error as a sentence for the evidence; never the raw text of the peer."""
    if isinstance(error, ssl.SSLCertVerificationError):
        words = {
            10: "The certificate has expired.",
            9: "The certificate is not valid yet.",
            18: "The certificate is self-signed.",
            19: "The certificate chain ends in an unknown root.",
            20: "The certificate's issuer is unknown.",
            62: "The certificate does not name this mail server.",
            64: "The certificate does not name this mail server.",
        }
        return words.get(error.verify_code, "The certificate cannot be verified.")
    return "The TLS handshake failed (TLS 1.2 or later is needed)."


def _read_certificate(der: bytes | None) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "names": (),
        "issuer": "",
        "not_after": "",
        "fingerprint": "",
        "key_fingerprint": "",
    }
    if not der:
        return empty
    empty["fingerprint"] = hashlib.sha256(der).hexdigest()
    try:
        certificate = x509.load_der_x509_certificate(der)
        spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        names = _names(certificate)
        issuer = certificate.issuer.rfc4514_string()[:200]
        not_after = certificate.not_valid_after_utc.isoformat()
    except (ValueError, TypeError, x509.UnsupportedGeneralNameType):
        # A certificate too odd to read still has a fingerprint.
        return empty
    return {
        "names": names,
        "issuer": issuer,
        "not_after": not_after,
        "fingerprint": empty["fingerprint"],
        "key_fingerprint": hashlib.sha256(spki).hexdigest(),
    }


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [*san.get_values_for_type(x509.DNSName)]
        names += [str(ip) for ip in san.get_values_for_type(x509.IPAddress)]
    except x509.ExtensionNotFound:
        names = [str(a.value) for a in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return tuple(names[:20])
