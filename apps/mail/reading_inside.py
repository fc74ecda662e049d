"""The words of a letter: runs inside (``apps.core.strangers``). Pure."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from apps.mail import reply_text


def words(data: bytes, *, ask: Any, zone: str) -> tuple[Any, bytes]:
    """What ``reply_text.read`` finds, as JSON."""
    return reply_text.read(data, zone=ZoneInfo(zone)).to_json(), b""
