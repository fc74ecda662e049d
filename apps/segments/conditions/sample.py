"""A random sample of everybody: "Is in a random sample of 10%"."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from apps.contacts.person.fields import FieldSpec
from apps.core.levels import Level
from apps.segments.conditions.base import controls
from apps.segments.conditions.base.controls import Drawn, Entry, Offer, Posted, Terms
from apps.segments.conditions.base.documents import Document, Json
from apps.segments.conditions.base.nodes import Condition, Fragment, Opened, Search, Words

_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, repr=False)
class SampleCondition(Condition):
    """A share of everybody, chosen by chance once and for all: the same people at every count, plan and sending.

    A person is in when SHA-256 of ``key`` and the person's number is below the share of all hashes. PostgreSQL and
    Python compute it alike to the last bit, in every version and without an extension, and nobody is opened. A copy of
    the condition keeps the key and so the people; another key is an independent sample; a larger share under the same
    key keeps everybody of the smaller one. The key is random so that samples are independent; it is no secret, for
    being chosen by chance says nothing about anybody.
    """

    KEY: ClassVar[str] = "sample"

    tenths: int  # of a percent
    key: str

    @classmethod
    def parse(cls, document: Document) -> SampleCondition:
        """Read the condition."""
        document.only("sample", "key")
        percent = document.get("sample")
        tenths = 0
        if isinstance(percent, int | float) and not isinstance(percent, bool) and 0 < percent < 100:
            tenths = round(percent * 10)
        if not 1 <= tenths <= 999 or abs(percent * 10 - tenths) > 1e-9:
            raise document.wrong(
                "condition.percentage_malformed", "give a percentage from 0.1 to 99.9 with at most one decimal."
            )
        key = document.get("key")
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise document.wrong(
                "condition.sample_key_malformed",
                "give the sample a “key” of up to 64 letters and digits: the same key, the same people.",
            )
        return cls(tenths, key)

    def to_document(self) -> Json:
        """The condition as it is stored."""
        percent = self.tenths / 10
        return {"sample": int(percent) if percent.is_integer() else percent, "key": self.key}

    @property
    def bound(self) -> bytes:
        """The first hash that is out: the share of all hashes, by their first eight bytes."""
        return (self.tenths * 2**64 // 1000).to_bytes(8, "big")

    def holds(self, opened: Opened) -> bool:
        """Whether the hash of key and person is below the bound, compared as bytes."""
        return hashlib.sha256(self.key.encode() + opened.record.id.to_bytes(8, "big")).digest() < self.bound

    def sql(self, search: Search) -> Fragment:
        """The same hash, compared as bytes."""
        return Fragment(
            "(sha256(%s::bytea || int8send(s.person_id)) < %s::bytea)",
            (self.key.encode(), self.bound),
        )

    def sentence(self, words: Words) -> str:
        """``Is in a random sample of 10%``."""
        return f"Is in a random sample of {self.to_document()['sample']}%"

    def level(self, fields: Mapping[str, FieldSpec]) -> Level:
        """Chance says nothing about anybody."""
        return Level.PUBLIC

    @classmethod
    def entries(cls, offer: Offer) -> list[Entry]:
        """One line."""
        return [Entry("Chance", "sample:", "Random sample")]

    @classmethod
    def from_form(cls, form: Posted) -> Json:
        """A tenth of everybody until somebody typed; a row that is new gets its key here, and keeps it."""
        return {"sample": form.decimal("percent", 10), "key": form.get("key") or secrets.token_hex(8)}

    @classmethod
    def draw(cls, document: Json, offer: Offer, terms: Terms) -> Drawn:
        """The percentage, and the key that comes back with it."""
        percent = controls.number("percent", "Percent of everybody", document.get("sample"), 4, decimal=True)
        part = controls.together(
            controls.words("of"),
            percent,
            controls.words("% of everybody"),
            controls.hidden("key", str(document.get("key", ""))),
        )
        return Drawn("sample:", (part,))
