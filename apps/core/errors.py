"""Expected refusals."""

from __future__ import annotations


class Refused(Exception):
    """An expected refusal. `str()` is one sentence for a person, says what to do and holds no personal data."""
