"""What lies in Redis is read as JSON: whoever can write there runs nothing here.

Django's own serializer is pickle, which builds whatever object the bytes name, and with it calls whatever function.
"""

from __future__ import annotations

import json
from typing import Any


class JsonSerializer:
    """Serializer of the Redis cache: numbers, words, lists, mappings with words as keys. Tuples come back as lists."""

    def dumps(self, value: Any) -> int | bytes:
        """Whole numbers stay as they are, so that Redis can count with them. Raises ``TypeError`` for objects."""
        if type(value) is int:
            return value
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")

    def loads(self, data: bytes) -> Any:
        """The value; None for bytes that we did not write."""
        try:
            return json.loads(data)
        except ValueError:
            return None
