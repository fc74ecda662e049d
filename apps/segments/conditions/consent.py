"""What a person said to a purpose: "Consent for marketing is granted"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from apps.contacts.person.fields import FieldSpec
from apps.core.purposes import Purpose
from apps.segments.conditions.base import controls, tokens
from apps.segments.conditions.base.controls import Drawn, Entry, Offer, Posted, Terms
from apps.segments.conditions.base.documents import Document, Json
from apps.segments.conditions.base.nodes import Condition, Fragment, Opened, Search, Words, has_tokens

STATES = {"granted": "granted", "denied": "denied", "none": "not recorded"}
PURPOSES = ("treatment", "operations", "payment", "marketing", "fundraising", "b2b")


@dataclass(frozen=True, repr=False)
class ConsentCondition(Condition):
    """What a person said to a purpose: granted, denied, or none (nothing recorded)."""

    KEY: ClassVar[str] = "consent"

    purpose: str
    state: str

    @classmethod
    def parse(cls, document: Document) -> ConsentCondition:
        """Read the condition."""
        document.only("consent", "state")
        return cls(document.choice("consent", PURPOSES), document.choice("state", STATES))

    def to_document(self) -> Json:
        """The condition as it is stored."""
        return {"consent": self.purpose, "state": self.state}

    def holds(self, opened: Opened) -> bool:
        """Whether the latest word is this one."""
        return opened.record.consents.get(self.purpose, "none") == self.state

    def sql(self, search: Search) -> Fragment:
        """The token of the state; nothing recorded is neither of the two."""
        if self.state != "none":
            return has_tokens("@>", [tokens.consent(self.purpose, self.state)])
        said = [tokens.consent(self.purpose, state) for state in ("granted", "denied")]
        return has_tokens("&&", said).wrapped("NOT ")

    def token(self, fields: Mapping[str, FieldSpec]) -> int | None:
        """The token of what was said."""
        return tokens.consent(self.purpose, self.state) if self.state != "none" else None

    def sentence(self, words: Words) -> str:
        """``Consent for marketing is granted``."""
        purpose = "B2B" if self.purpose == "b2b" else self.purpose
        return f"Consent for {purpose} is {STATES[self.state]}"

    @classmethod
    def entries(cls, offer: Offer) -> list[Entry]:
        """One line for each purpose."""
        return [Entry("Consent", f"consent:{name}", f"Consent: {Purpose(name).word}") for name in PURPOSES]

    @classmethod
    def from_form(cls, form: Posted) -> Json:
        """Granted until somebody chose."""
        return {"consent": form.detail, "state": form.get("op") or "granted"}

    @classmethod
    def draw(cls, document: Json, offer: Offer, terms: Terms) -> Drawn:
        """The state."""
        states = [(name, f"is {word}") for name, word in STATES.items()]
        return Drawn(f"consent:{document['consent']}", (controls.comparison(states, str(document.get("state", ""))),))
