"""DMARC's record and alignment by RFC 9989 (May 2026): the tree walk in place of a list of public suffixes. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Texts = Callable[[str], Sequence[str]]
"""The TXT records of a name; raises what its owner raises when nobody answers."""
_QUERIES = 8


@dataclass(frozen=True)
class Record:
    """A policy record, and the domain that has it."""

    domain: str
    tags: dict[str, str]

    @property
    def policy(self) -> str:
        """``none``, ``quarantine`` or ``reject``; a record without one asks for nothing (section 4.7)."""
        asked = self.tags.get("p", "none").lower()
        return asked if asked in {"none", "quarantine", "reject"} else "none"

    @property
    def psd(self) -> str:
        """``y`` for a public suffix, ``n`` for the head of an organization, else ``u``."""
        return self.tags.get("psd", "u").lower()

    def is_strict(self, tag: str) -> bool:
        """Whether ``adkim`` or ``aspf`` asks for the very same domain."""
        return self.tags.get(tag, "r").lower() == "s"


def parse(text: str) -> dict[str, str] | None:
    """The tags of a record; None when it is none of DMARC's. Unknown tags are ignored (section 4.7)."""
    if not re.match(r"v\s*=\s*DMARC1\s*(?:;|$)", text.strip()):
        return None
    tags: dict[str, str] = {}
    for piece in text.split(";"):
        name, equals, value = piece.partition("=")
        if equals:
            tags.setdefault(name.strip().lower(), value.strip())
    return tags


def walk(domain: str, texts: Texts) -> list[Record]:
    """The records on the way up from ``domain``, longest name first (section 4.10): at most eight questions."""
    labels = domain.strip(".").lower().split(".")
    found: list[Record] = []
    names = [labels]
    # A long name is asked itself, and then its last seven labels.
    rest = labels[1:] if len(labels) < _QUERIES else labels[-(_QUERIES - 1) :]
    while rest:
        names.append(rest)
        rest = rest[1:]
    for number, parts in enumerate(names[:_QUERIES]):
        name = ".".join(parts)
        records = [tags for text in texts(f"_dmarc.{name}") if (tags := parse(text)) is not None]
        if len(records) != 1:
            # Several are as good as none.
            continue
        record = Record(name, records[0])
        found.append(record)
        if record.psd == "n" or (record.psd == "y" and number):
            break
    return found


def organization(domain: str, records: Sequence[Record]) -> str:
    """The organizational domain of ``domain`` by the records of its walk (section 4.10.2)."""
    for record in records:
        if record.psd == "n":
            return record.domain
        if record.psd == "y" and record.domain != domain:
            below = len(record.domain.split(".")) + 1
            return ".".join(domain.split(".")[-below:])
    return records[-1].domain if records else domain


def policy_record(author: str, records: Sequence[Record]) -> Record | None:
    """The record that speaks for ``author``: its own, else its organization's, else its public suffix's."""
    top = organization(author, records)
    by_name = {record.domain: record for record in records}
    suffix = next((record for record in records if record.psd == "y"), None)
    return by_name.get(author) or by_name.get(top) or suffix


def is_aligned(domain: str, author: str, *, strict: bool, organization_of: Callable[[str], str]) -> bool:
    """Whether an authenticated ``domain`` speaks for ``author`` (section 4.4)."""
    if domain == author:
        return True
    # Nobody's organization reaches across top-level domains: no walk is needed to know.
    if strict or domain.split(".")[-1] != author.split(".")[-1]:
        return False
    return organization_of(domain) == organization_of(author)
