"""A clinical code as the builder's picker shows it and as a person types it."""

from __future__ import annotations

from collections.abc import Callable

#: Looks a term up by system and code; None when the vocabulary has none.
Terms = Callable[[str, str], str | None]


def join_code(term: str | None, system: str, code: str) -> str:
    """A code as the picker shows it: ``Influenza, seasonal (CVX 140)``."""
    return f"{term} ({system} {code})" if term else f"{system} {code}"


def split_code(text: str) -> tuple[str, str, str]:
    """Term, system and code of a picked or typed code; a bare code has no system."""
    term, system_code = "", text.strip()
    if system_code.endswith(")") and "(" in system_code:
        term, _, system_code = system_code[:-1].rpartition("(")
    system, _, code = system_code.strip().rpartition(" ")
    return term.strip(), system.strip(), code.strip()
