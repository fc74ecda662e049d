"""What was approved is what is there: the one comparison. Each app says what its fingerprint is of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from apps.vault.tokens import token128


def fingerprint(kind: str, whole: Mapping[str, Any]) -> bytes:
    """The keyed hash of everything that an approval of this kind holds for, as JSON."""
    canonical = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    return token128(f"{kind}.approval", hashlib.sha256(canonical.encode()).hexdigest())


def is_same(approved: bytes | memoryview | None, now: bytes) -> bool:
    """Whether ``approved``, as it was written down, is of what is there now."""
    return approved is not None and bytes(approved) == now
