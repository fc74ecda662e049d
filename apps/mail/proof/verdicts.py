"""What is proven of a letter, in words. Judged inside; the DNS is asked here, with an end to its patience."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from apps.core.strangers.opening import Limits, Trouble, Unopened, open_file
from apps.mail.proof.names import RECORDS, Names, Unanswered

_LIMITS = Limits(computing=8, seconds=45.0, output=256 * 1024, questions=120)
PATIENCE = 20.0
"""Seconds that all questions to the DNS about one letter may take together."""


class Proof(StrEnum):
    """Whether a letter is from whom it says."""

    WAITING = "waiting"
    PROVEN = "proven"
    UNPROVEN = "unproven"
    UNCHECKED = "unchecked"


@dataclass(frozen=True)
class Server:
    """The sending server as our MX saw it, where it told us: address, greeting, and the sender of the envelope."""

    address: str = ""
    greeting: str = ""
    mail_from: str = field(default="", repr=False)


@dataclass(frozen=True)
class Signature:
    """A DKIM signature and what became of it."""

    domain: str
    selector: str
    result: str

    @property
    def words(self) -> str:
        """In words."""
        return _SIGNATURE_WORDS.get(self.result, _SIGNATURE_WORDS["fail"]).format(self.domain or "an unreadable domain")


_SIGNATURE_WORDS = {
    "pass": "signed by {}",
    "fail": "the signature of {} does not fit: forged, or changed on its way",
    "changed": "the text is not what {} signed: changed on its way, or forged",
    "invalid": "the signature of {} is malformed",
    "expired": "the signature of {} has expired",
    "weak": "the signature of {} is of a kind that can be forged (SHA-1)",
    "partial": "the signature of {} covers only a part of the text",
    "testing": "the signature of {} says of itself that it is a test",
    "no_key": "the key that {} signed with is not published",
    "temperror": "the key of {} could not be looked up",
}
_SPF_WORDS = {
    "pass": "sent by a server of {}",
    "fail": "sent by a server that {} says is not its own",
    "softfail": "sent by a server that {} says is probably not its own",
    "neutral": "{} says nothing about the server that sent it",
    "none": "{} names no servers of its own",
    "temperror": "the servers of {} could not be looked up",
    "permerror": "what {} says about its servers cannot be read",
}
_PROBLEMS = {
    "none": "it names no sender",
    "several": "it names more than one sender",
    "unreadable": "its sender cannot be read",
    "doubled": "a line of its head that stands once in every letter stands there twice",
    "elsewhere": "it was written to somebody else, and whoever has it may have passed it on",
    "walls": "this server cannot open safely what strangers wrote (see CARELANE_SANDBOX in the documentation)",
}


@dataclass(frozen=True)
class Verdict:
    """What is proven of a letter.

    ``author`` is the domain in From, ``address`` the one mailbox that every reader finds there. ``by``: ``dkim`` (its
    signature), ``spf`` (its server, where it publishes DMARC), ``mx`` (our own mail server says so). ``domain``: what
    spoke for the author. ``policy``: what its DMARC record asks.
    """

    state: Proof
    author: str = ""
    by: str = ""
    domain: str = ""
    policy: str = ""
    problem: str = ""
    signatures: tuple[Signature, ...] = ()
    server: str = ""
    server_domain: str = ""
    address: str = field(default="", repr=False)

    @property
    def words(self) -> str:
        """One sentence: proven by what, or why not."""
        if self.state is Proof.PROVEN:
            return {
                "dkim": f"Proven: signed by {self.domain}",
                "spf": f"Proven: sent by a server of {self.domain}, which says by DMARC that this is enough",
                "mx": f"Proven: our own mail server checked that it comes from {self.domain}",
            }.get(self.by, f"Proven: comes from {self.domain}")
        if self.state is Proof.WAITING:
            return "Not checked yet"
        if self.state is Proof.UNCHECKED and self.problem:
            return f"Could not be checked: {_PROBLEMS[self.problem]}"
        if self.state is Proof.UNCHECKED:
            return "Could not be checked: the names that prove it could not be looked up. It is tried again for a day"
        return f"Unproven: {self._why}"

    @property
    def _why(self) -> str:
        if self.problem:
            return _PROBLEMS[self.problem]
        near = [one for one in self.signatures if one.result != "pass"]
        passed = [one for one in self.signatures if one.result == "pass"]
        if passed:
            return f"signed by {passed[0].domain}, which does not speak for {self.author}"
        return near[0].words if near else "it is not signed"

    @property
    def details(self) -> list[tuple[str, str]]:
        """What was found by each method, for whoever wants to know more."""
        signed = "; ".join(one.words for one in self.signatures) or "not signed"
        sent = _SPF_WORDS.get(self.server, "").format(self.server_domain or "the sender's domain")
        record = f"{self.author} asks for: {self.policy}" if self.policy else "No record"
        return [
            ("Signature (DKIM)", signed[:1].upper() + signed[1:]),
            (
                "Sending server (SPF)",
                sent[:1].upper() + sent[1:] or "Not checked: our mail server did not tell its address",
            ),
            ("Rule of the domain (DMARC, RFC 9989)", record),
        ]

    def to_json(self) -> dict[str, Any]:
        """The form that is sealed with the letter."""
        return {
            "state": self.state.value,
            "author": self.author,
            "address": self.address,
            "by": self.by,
            "domain": self.domain,
            "policy": self.policy,
            "problem": self.problem,
            "dkim": [{"domain": s.domain, "selector": s.selector, "result": s.result} for s in self.signatures],
            "spf": {"result": self.server, "domain": self.server_domain},
        }

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Verdict:
        """What ``to_json`` wrote, or what judging hands out. Raises ``KeyError``, ``TypeError``, ``ValueError``."""
        problem = str(found["problem"])
        return cls(
            state=Proof(found["state"]),
            author=str(found["author"])[:253],
            # A verdict of before has none.
            address=str(found.get("address", ""))[:320],
            by=str(found["by"]),
            domain=str(found["domain"])[:253],
            policy=str(found["policy"])[:20],
            problem=problem if problem in _PROBLEMS else "",
            signatures=tuple(
                Signature(str(one["domain"])[:253], str(one["selector"])[:63], str(one["result"])[:12])
                for one in found["dkim"]
            ),
            server=str(found["spf"]["result"])[:12],
            server_domain=str(found["spf"]["domain"])[:253],
        )


def judge(
    raw: bytes,
    *,
    names: Names,
    now: datetime,
    server: Server,
    authserv_ids: frozenset[str],
    ours: Collection[str] = (),
) -> Verdict:
    """The verdict on a letter. Raises nothing: what cannot be judged is unproven, and says why.

    ``ours``: the domains that people write to us at; without any, it is not asked whom a letter was written to.
    """
    patience = time.monotonic() + PATIENCE

    def answer(question: Any) -> list[str] | None:
        try:
            name, record = str(question["name"]), str(question["record"])
            if record not in RECORDS or len(name) > 253 or time.monotonic() > patience:
                return None
            return list(names.look_up(name, record))
        except (Unanswered, KeyError, TypeError):
            return None

    try:
        opened = open_file(
            "apps.mail.proof.judging:judge",
            raw,
            limits=_LIMITS,
            answer=answer,
            now=int(now.timestamp()),
            address=server.address,
            greeting=server.greeting[:255],
            mail_from=server.mail_from[:320],
            names=sorted(authserv_ids),
            ours=sorted(ours),
        )
        return Verdict.from_json(opened.value)
    except Unopened as unopened:
        if unopened.trouble is Trouble.WALLS:
            return Verdict(Proof.UNCHECKED, problem="walls")
    except (KeyError, TypeError, ValueError):
        pass
    return Verdict(Proof.UNPROVEN, problem="unreadable")
