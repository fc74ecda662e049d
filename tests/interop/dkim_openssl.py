"""A second DKIM verifier that shares no code with ours or with dkimpy.

Written from RFC 6376 and RFC 8463; the standard library's mail parser splits the message, canonicalisation
goes character by character, and the `openssl` program judges the signature.
"""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import subprocess
import tempfile
from pathlib import Path

# The 12 bytes before a raw Ed25519 public key in its SubjectPublicKeyInfo (RFC 8410).
_ED25519_PREFIX = bytes.fromhex("302a300506032b6570032100")


def _squeeze(text: str) -> str:
    out, blank = [], False
    for c in text:
        if c in " \t":
            blank = True
            continue
        if blank and out:
            out.append(" ")
        blank = False
        out.append(c)
    return "".join(out)


def _canonical_field(name: str, value: str) -> str:
    return f"{name.lower().strip()}:{_squeeze(value.replace(chr(13), '').replace(chr(10), ''))}"


def _canonical_body(body: bytes) -> bytes:
    lines = body.decode("latin-1").split("\r\n")
    squeezed = []
    for line in lines:
        leading = " " if line[:1] in (" ", "\t") and line.strip(" \t") else ""
        squeezed.append(leading + _squeeze(line))
    while squeezed and squeezed[-1] == "":
        squeezed.pop()
    return "".join(line + "\r\n" for line in squeezed).encode("latin-1")


def _tags(value: str) -> dict[str, str]:
    pairs = (part.split("=", 1) for part in value.split(";") if "=" in part)
    return {k.strip(): "".join(v.split()) for k, v in pairs}


def _openssl(kind: str, public: bytes, signature: bytes, signed: bytes) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        if kind == "ed25519":
            public = _ED25519_PREFIX + public
            signed = hashlib.sha256(signed).digest()
        (at / "key.der").write_bytes(public)
        (at / "signature").write_bytes(signature)
        (at / "signed").write_bytes(signed)
        if kind == "rsa":
            command = ["openssl", "dgst", "-sha256", "-verify", "key.der", "-keyform", "DER"]
            command += ["-signature", "signature", "signed"]
        else:
            command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.der", "-keyform", "DER"]
            command += ["-rawin", "-in", "signed", "-sigfile", "signature"]
        return subprocess.run(command, cwd=at, capture_output=True, check=False).returncode == 0


def verify(message: bytes, records: dict[str, str]) -> list[bool]:
    """One verdict per DKIM-Signature field, top first; `records` maps DNS names to TXT values."""
    head, _, body = message.partition(b"\r\n\r\n")
    parsed = email.message_from_bytes(head + b"\r\n\r\n", policy=email.policy.compat32)
    fields = parsed.items()
    verdicts = []
    for at, (name, value) in enumerate(fields):
        if name.lower() != "dkim-signature":
            continue
        tags = _tags(value)
        record = _tags(records[f"{tags['s']}._domainkey.{tags['d']}"])
        body_good = base64.b64encode(hashlib.sha256(_canonical_body(body)).digest()).decode() == tags["bh"]
        left = [field for i, field in enumerate(fields) if i != at]
        text = ""
        for wanted in tags["h"].split(":"):
            for i in range(len(left) - 1, -1, -1):
                if left[i][0].lower() == wanted.lower():
                    text += _canonical_field(*left.pop(i)) + "\r\n"
                    break
        # The signature's own field counts with an empty b= (the last tag here).
        text += _canonical_field(name, value[: value.rindex("b=") + 2])
        kind = tags["a"].split("-")[0]
        good = _openssl(kind, base64.b64decode(record["p"]), base64.b64decode(tags["b"]), text.encode("latin-1"))
        verdicts.append(body_good and good and record["k"] == kind)
    return verdicts
