"""Reading letters: their original bytes, what is proven of their sender, and the files that came along."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from apps.audit.actions import Action
from apps.audit.services import record_read
from apps.contacts.person.selectors import record_keys
from apps.core.actors import Actor
from apps.core.strangers.opening import Unopened
from apps.delivery.models import InboundMail, LetterProof
from apps.delivery.models.proof import PROOF_TABLE
from apps.delivery.selectors import mail_raw
from apps.mail.files import opening
from apps.mail.files.clamd import Scan, scan
from apps.mail.files.kinds import Danger
from apps.mail.files.opening import LetterFile, LetterFiles, Picture
from apps.mail.proof.verdicts import Proof, Verdict
from apps.vault import sealing

SHOWN_PICTURES = 6
"""Pictures of a letter that its page shows by itself; the others are a click away."""
# A letter that has none of these is words and nothing else: no process is started to look for files.
_MORE_THAN_WORDS = re.compile(
    rb"(?im)^content-(?:type:\s*(?:multipart/(?!alternative)|message/|application/|image/|audio/|video/)|disposition:)"
    rb"|\bname\s*\*?\d*\*?=|-----BEGIN PGP"
)


@dataclass(frozen=True)
class FileFor:
    """A file that is ready to be handed out: what it is, what the scanner said, and its bytes."""

    file: LetterFile
    scan: Scan
    data: bytes
    risky_inside: bool

    @property
    def needs_warning(self) -> bool:
        """It may run something, holds what may or cannot be looked into, or nobody knows what it is."""
        return self.file.kind.danger is not Danger.NONE or self.risky_inside or self.scan is Scan.FAILED


def unproven() -> Q:
    """Letters that name nobody: not to an address that we signed, no person, and nothing that proves the sender."""
    return Q(message__isnull=True, person__isnull=True) & ~Q(proof__state=LetterProof.State.PROVEN)


def letters() -> QuerySet[InboundMail]:
    """All letters, without their sealed bytes."""
    return InboundMail.objects.filter(kind=InboundMail.InboundKind.REPLY).defer("raw", "sealed")


def unproven_waiting() -> QuerySet[InboundMail]:
    """Unproven letters that wait for staff."""
    return letters().filter(unproven(), state=InboundMail.State.WAITING)


def key_of(mail: InboundMail) -> bytes | None:
    """The key that a mail is sealed under: its person's record key, None for the service key."""
    return record_keys([mail.person_id]).get(mail.person_id) if mail.person_id else None


def proof_facts(proof: LetterProof, key: bytes | None) -> dict[str, Any]:
    """What is sealed with a proof: ``mail_from`` and ``verdict``."""
    if key is None:
        found: dict[str, Any] = sealing.open_service(proof.sealed, table=PROOF_TABLE, row=proof.pk)
    else:
        found = sealing.open_sealed(key, proof.sealed, table=PROOF_TABLE, row=proof.pk)
    return found


def letter_parts(mail: InboundMail) -> dict[str, Any]:
    """What the page of a letter shows besides its words; the caller has recorded that it is opened."""
    raw = mail_raw(mail)
    files = opening.list_files(raw) if _MORE_THAN_WORDS.search(raw) else LetterFiles()
    proof = LetterProof.objects.select_related("chosen_by").filter(pk=mail.pk).first()
    return {
        "verdict": _verdict(proof, mail),
        "proof": proof,
        "unproven": mail.message is None and (proof is None or proof.state != LetterProof.State.PROVEN),
        "files": files,
        "sealed_words": opening.SEALED.get(files.sealed, ""),
        "pictures": [one.path for one in files.files if one.kind.picture and one.openable][:SHOWN_PICTURES],
        "scanner": bool(settings.CLAMD),
    }


def _verdict(proof: LetterProof | None, mail: InboundMail) -> Verdict | None:
    """What is proven of a letter; None when it came before letters were judged."""
    if proof is None:
        return None
    found = proof_facts(proof, key_of(mail)).get("verdict")
    return Verdict.from_json(found) if found else Verdict(Proof.WAITING)


def file_open(*, actor: Actor, mail: InboundMail, path: str) -> FileFor | None:
    """One file of a letter with what the scanner says; None when there is none there. On the trail first.

    Raises ``Unopened`` when it cannot be taken out.
    """
    _on_trail(actor, mail, path, "download")
    raw = mail_raw(mail)
    files = opening.list_files(raw)
    file = files.one(path)
    if file is None:
        return None
    inside = [one for one in files.files if one.path.startswith(f"{path}.")]
    risky = bool(file.notes) or any(one.kind.danger is not Danger.NONE or one.notes for one in inside)
    data = opening.part(raw, path)
    return FileFor(file, scan(data, settings.CLAMD), data, risky and file.kind.container)


def picture_open(*, actor: Actor, mail: InboundMail, path: str, page: int) -> Picture | None:
    """A picture of a letter, made anew from its pixels; None when it may not be shown. On the trail first."""
    _on_trail(actor, mail, path, "picture")
    raw = mail_raw(mail)
    try:
        # Its pixels could harm nobody; what is malware is not shown all the same.
        if settings.CLAMD and scan(opening.part(raw, path), settings.CLAMD) is Scan.INFECTED:
            return None
        return opening.picture_of(raw, path, page)
    except Unopened:
        return None


def _on_trail(actor: Actor, mail: InboundMail, path: str, way: str) -> None:
    """Record the opening of a file. Its number in the letter, never its name."""
    people = [mail.person_id] if mail.person_id else []
    record_read(
        actor=actor,
        action=Action.MAIL_FILE,
        kind="mail",
        subject=mail.pk,
        people=people,
        purpose="inbox",
        codes={"file": path, "as": way},
    )
