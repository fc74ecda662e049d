"""What was read of a mail: its pieces in order, each with who wrote it, and what came along."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Attachment:
    """Name, type and size of something that came along; never opened here."""

    name: str = field(repr=False)
    kind: str
    size: int


@dataclass(frozen=True)
class Piece:
    """A stretch of a mail.

    ``kind`` is ``words`` (the sender's own), ``quoted``, ``forwarded`` (a mail of ``who``; its pieces are in
    ``pieces``), ``calendar`` (an invitation or answer in words), ``file`` (a text file, ``name``, shown within),
    ``other`` (another version of the same words) or ``report`` (what a mail system wrote).
    """

    kind: str
    text: str = field(default="", repr=False)
    who: str = field(default="", repr=False)
    about: str = field(default="", repr=False)
    when: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    pieces: tuple[Piece, ...] = field(default=(), repr=False)

    def to_json(self) -> dict[str, Any]:
        """Only what is there."""
        found: dict[str, Any] = {"kind": self.kind}
        for key in ("text", "who", "about", "when", "name"):
            if value := getattr(self, key):
                found[key] = value
        if self.pieces:
            found["pieces"] = [piece.to_json() for piece in self.pieces]
        return found

    def flat(self) -> str:
        """The piece as one text, with a line that says what it is where it is not the sender's own words."""
        inner = "\n\n".join(text for text in (self.text, *(piece.flat() for piece in self.pieces)) if text)
        if self.kind == "forwarded":
            facts = ", ".join(each for each in (self.who or "somebody", self.when, self.about) if each)
            return f"[Forwarded, written by {facts}]\n{inner}"
        if self.kind == "quoted" and self.who:
            return f"{self.who}\n{inner}"
        if self.kind == "file":
            return f"[File {self.name}]\n{inner}"
        if self.kind == "other":
            return f"[Another version of this mail]\n{inner}"
        return inner


@dataclass(frozen=True)
class ReplyText:
    """What a mail says of itself. The sender is a claim, not a fact."""

    sender: str = field(repr=False)
    sender_name: str = field(repr=False)
    subject: str = field(repr=False)
    date: str = field(repr=False)
    text: str = field(repr=False)
    attachments: tuple[Attachment, ...] = field(default=(), repr=False)
    pieces: tuple[Piece, ...] = field(default=(), repr=False)
    looks_automatic: bool = False
    """Whether words suggest that a program wrote it: a mark for whoever reads it, no more."""
    is_cut: bool = False
    """Whether there is more than is shown here; the original has it."""
    version: int = 2

    def to_json(self) -> dict[str, Any]:
        """The form that is sealed."""
        return {
            "version": self.version,
            "sender": self.sender,
            "sender_name": self.sender_name,
            "subject": self.subject,
            "date": self.date,
            "text": self.text,
            "pieces": [piece.to_json() for piece in self.pieces],
            "attachments": [[one.name, one.kind, one.size] for one in self.attachments],
            "looks_automatic": self.looks_automatic,
            "is_cut": self.is_cut,
        }
