"""What a change was, sealed: names of facts with their values before and after.

Only for what the installation sets about itself: settings, staff, vendors and agreements. Facts of patients and
contacts never come here: their entries name fields.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import date
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from apps.audit import marks
from apps.ui import datewords

_PLACE = b"audit change"
_SECRETS = ("password", "secret", "key", "token")


def seal_change(before: Mapping[str, Any], after: Mapping[str, Any]) -> bytes | None:
    """The facts that differ, as ``[[name, before, after], ...]`` in order of names; None when none does.

    Nested facts are named with a dot. Of passwords and keys only that they changed is kept.
    """
    old, new = _flat(before), _flat(after)
    rows = [
        [name, _shown(name, old.get(name), "before"), _shown(name, new.get(name), "after")]
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
    if not rows:
        return None
    nonce = os.urandom(12)
    return nonce + AESGCM(marks.key()).encrypt(nonce, json.dumps(rows).encode(), _PLACE)


def open_change(blob: bytes) -> list[tuple[str, str, str]]:
    """The rows of ``seal_change``; an altered value raises ``ValueError``."""
    blob = bytes(blob)
    try:
        raw = AESGCM(marks.key()).decrypt(blob[:12], blob[12:], _PLACE)
    except InvalidTag:
        raise ValueError("The sealed change of an audit entry was altered.") from None
    return [(str(name), str(before), str(after)) for name, before, after in json.loads(raw)]


def _flat(facts: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            found.update(_flat(value, f"{path}{name}."))
        else:
            found[f"{path}{name}"] = value
    return found


def _shown(name: str, value: Any, when: str) -> str:
    if value in (None, "", [], ()):
        return "—"
    if any(word in name.rpartition(".")[2].lower() for word in _SECRETS):
        return f"(the one {when}, kept secret)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return datewords.day(value)
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value)
    return str(value)
