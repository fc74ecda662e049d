"""Whom a letter is from: judged by what its sender's domain proves, or chosen by staff. Nobody is named before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.models import Person, PersonIdentity
from apps.contacts.person import search_values
from apps.contacts.person.selectors import record_keys
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.delivery import selectors as delivery
from apps.delivery.letters import selectors
from apps.delivery.models import InboundMail, LetterProof
from apps.delivery.models.inbound import INBOUND_TABLE, RAW_PLACE
from apps.delivery.models.proof import PROOF_TABLE
from apps.jobs import waking
from apps.mail import mx
from apps.mail.proof import verdicts
from apps.mail.proof.names import DnsNames, Names, NoNames
from apps.mail.proof.verdicts import Proof, Server, Verdict
from apps.vault import keys, sealing

LEASE = timedelta(minutes=5)
"""A worker that took a letter and died gives it back after this."""
AGAIN = timedelta(minutes=30)
"""How long the DNS is left alone after it did not answer."""
PATIENCE = timedelta(days=1)
"""How long a letter is judged again while the DNS does not answer."""
_AT_ONCE = 25


def proof_begin(*, mail_id: int, key: bytes | None, mail_from: str) -> None:
    """Note that a letter is to be judged, in the transaction that keeps it; ``mail_from`` is the envelope's sender."""
    facts = {"mail_from": mail_from[:320]}
    LetterProof.objects.create(mail_id=mail_id, sealed=_seal(key, facts, mail_id), due_at=clock.now())
    waking.wake("apps.delivery.tasks.judge_letters")


def letters_judge(*, actor: Actor, names: Names | None = None, limit: int = _AT_ONCE) -> int:
    """Judge letters that are due, one transaction each; returns how many. ``names``: the DNS, or a test's."""
    asked = names or (DnsNames() if settings.MAIL_DNS else NoNames())
    done = 0
    while done < limit and (proof := _take()) is not None:
        mail = InboundMail.objects.get(pk=proof.pk)
        server = Server(mail_from=str(selectors.proof_facts(proof, selectors.key_of(mail))["mail_from"]))
        verdict = verdicts.judge(
            delivery.mail_raw(mail),
            names=asked,
            now=mail.received_at,
            server=server,
            authserv_ids=settings.AUTHSERV_IDS,
            ours=_our_domains(),
        )
        _settle(actor, mail.pk, verdict, more=asked is not None and not isinstance(asked, NoNames))
        done += 1
    return done


def _our_domains() -> frozenset[str]:
    """The domains at which people write to us."""
    setup = delivery.setup()
    return frozenset(name.lower() for name in (setup.sending_domain, setup.bounces) if name)


@transaction.atomic
def person_choose(*, actor: Actor, mail_id: int, person_id: int) -> None:
    """Say whom an unproven letter is from. Raises ``Refused``."""
    mail, proof = _locked(mail_id)
    if mail is None or mail.person_id is not None or mail.message is not None:
        raise Refused("letter.named", "A colleague has already said whom this letter is from. Open it again.")
    _give(mail, proof, person_id)
    if proof is not None:
        proof.chosen_by_id, proof.chosen_at = int(actor.id), clock.now()
        proof.save(update_fields=["chosen_by", "chosen_at", "sealed"])
    record(
        actor=actor,
        action=Action.MAIL_NAME,
        kind="mail",
        subject=mail.pk,
        people=[person_id],
        codes={"how": "chosen"},
    )


@transaction.atomic
def person_release(*, actor: Actor, mail_id: int) -> None:
    """Take back whom staff said a letter is from: it names nobody again. Raises ``Refused``."""
    mail, proof = _locked(mail_id)
    if mail is None or mail.person_id is None or proof is None or proof.chosen_by_id is None:
        raise Refused("letter.not_chosen", "Nobody chose whom this letter is from, so there is nothing to take back.")
    person_id = mail.person_id
    _reseal(mail, proof, None, None)
    proof.chosen_by_id, proof.chosen_at = None, None
    proof.save(update_fields=["chosen_by", "chosen_at", "sealed"])
    record(actor=actor, action=Action.MAIL_RELEASE, kind="mail", subject=mail.pk, people=[person_id])


def malware_refused(*, actor: Actor, mail: InboundMail, path: str) -> None:
    """Note that a file was not handed out because the scanner found malware in it."""
    people = [mail.person_id] if mail.person_id else []
    record(actor=actor, action=Action.MAIL_MALWARE, kind="mail", subject=mail.pk, people=people, codes={"file": path})


@transaction.atomic
def _take() -> LetterProof | None:
    """The letter that waits longest, leased; it comes again if the worker dies."""
    now = clock.now()
    proof = LetterProof.objects.select_for_update(skip_locked=True).filter(due_at__lte=now).order_by("due_at").first()
    if proof is not None:
        proof.due_at, proof.tries = now + LEASE, proof.tries + 1
        proof.save(update_fields=["due_at", "tries"])
    return proof


@transaction.atomic
def _settle(actor: Actor, mail_id: int, verdict: Verdict, *, more: bool) -> None:
    mail, proof = _locked(mail_id)
    if mail is None or proof is None:
        return
    now = clock.now()
    again = more and verdict.state is Proof.UNCHECKED and now < mail.received_at + PATIENCE
    proof.state, proof.judged_at, proof.due_at = verdict.state.value, now, now + AGAIN if again else None
    key = selectors.key_of(mail)
    facts = {**selectors.proof_facts(proof, key), "verdict": verdict.to_json()}
    proof.sealed = _seal(key, facts, proof.pk)
    named = None
    if verdict.state is Proof.PROVEN and mail.person_id is None and mail.message is None:
        named = _proven_person(mail, verdict)
        if named is not None:
            _give(mail, proof, named)
    proof.save(update_fields=["state", "judged_at", "due_at", "sealed"])
    record(
        actor=actor,
        action=Action.MAIL_JUDGE,
        kind="mail",
        subject=mail.pk,
        people=[named] if named else [],
        codes={"state": verdict.state.value, "by": verdict.by},
    )


def _locked(mail_id: int) -> tuple[InboundMail | None, LetterProof | None]:
    mail = InboundMail.objects.select_for_update().filter(pk=mail_id, kind=InboundMail.InboundKind.REPLY).first()
    return mail, LetterProof.objects.select_for_update().filter(pk=mail_id).first()


def _proven_person(mail: InboundMail, verdict: Verdict) -> int | None:
    """The one person whose mailbox wrote a proven letter. A household has several: nobody is guessed."""
    sender = str(sealing.open_service(mail.sealed, table=INBOUND_TABLE, row=mail.pk).get("sender", ""))
    local, at, domain = sender.rpartition("@")
    try:
        # What was read as the sender, the whole mailbox, is exactly what was proven.
        if not at or not local or mx.ascii_domain(domain) != verdict.author or sender != verdict.address:
            return None
    except ValueError:
        return None
    found = PersonIdentity.objects.filter(
        kind=PersonIdentity.IdentityKind.EMAIL, token=search_values.mailbox(sender), person__erased_at__isnull=True
    ).values_list("person_id", flat=True)[:2]
    return found[0] if len(found) == 1 else None


def _give(mail: InboundMail, proof: LetterProof | None, person_id: int) -> None:
    """Put a letter under a person's record key. Raises ``Refused`` when the person is gone."""
    if not Person.objects.filter(pk=person_id, erased_at__isnull=True).exists():
        raise Refused("letter.person_gone", "This person is not there any more. Choose somebody else.")
    key = record_keys([person_id]).get(person_id)
    if key is None:
        raise Refused("letter.person_gone", "This person is not there any more. Choose somebody else.")
    _reseal(mail, proof, person_id, key)


def _reseal(mail: InboundMail, proof: LetterProof | None, person_id: int | None, key: bytes | None) -> None:
    before = selectors.key_of(mail)
    raw = delivery.mail_raw(mail)
    facts = _open(before, mail.sealed, INBOUND_TABLE, mail.pk)
    if proof is not None:
        proof.sealed = _seal(key, selectors.proof_facts(proof, before), proof.pk)
    mail.person_id = person_id
    if key is None:
        mail.sealed = sealing.seal_service(facts, table=INBOUND_TABLE, row=mail.pk)
        mail.raw = sealing.seal_bytes(keys.ring().service, raw, table=RAW_PLACE, row=mail.pk, epoch=sealing.SERVICE_KEY)
    else:
        mail.sealed = sealing.seal(key, facts, table=INBOUND_TABLE, row=mail.pk)
        mail.raw = sealing.seal_bytes(key, raw, table=RAW_PLACE, row=mail.pk)
    mail.save(update_fields=["person", "sealed", "raw"])


def _open(key: bytes | None, blob: sealing.Blob, table: str, row: int) -> Any:
    if key is None:
        return sealing.open_service(blob, table=table, row=row)
    return sealing.open_sealed(key, blob, table=table, row=row)


def _seal(key: bytes | None, facts: dict[str, Any], row: int) -> bytes:
    if key is None:
        return sealing.seal_service(facts, table=PROOF_TABLE, row=row)
    return sealing.seal(key, facts, table=PROOF_TABLE, row=row)
