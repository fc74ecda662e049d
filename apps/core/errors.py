"""Expected refusals."""

from __future__ import annotations


class Refused(Exception):
    """An expected refusal. `str()` is one sentence that says what to do, without personal data."""
