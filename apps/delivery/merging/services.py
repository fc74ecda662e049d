"""Messages, letters and keys of somebody whose record is merged into another.

What was sent stays as it left, under the number and the key of the record it was made for: it is evidence. Whoever
reads a person's messages reads those of the merged records too (``selectors.former_records``). What still waits for the
merged record is stopped, and what waits for the kept one where the merged one's copy of the campaign has left or may
have. Letters that came in, and keys, go along.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.contacts.merging import parts
from apps.contacts.merging.parts import Merging, Notes, Part
from apps.contacts.merging.services.moved import Child, Moved, Seal
from apps.core import clock
from apps.delivery.models import InboundMail, LetterProof, OutboxMessage, ReadyMessage, RecipientKey
from apps.delivery.models.capability import KEY_TABLE
from apps.delivery.models.inbound import INBOUND_TABLE, RAW_PLACE
from apps.delivery.models.outbox import MessageKind, State
from apps.delivery.models.proof import PROOF_TABLE
from apps.delivery.policy.routing import Held

LETTERS = Moved(
    InboundMail,
    seals=(Seal("sealed", "record", INBOUND_TABLE), Seal("raw", "record", RAW_PLACE)),
    children=(Child(LetterProof, "mail", (Seal("sealed", "record", PROOF_TABLE),)),),
    noun=("letter or report by mail", "letters and reports by mail"),
    order=40,
)
_KEYS = Moved(RecipientKey, seals=(Seal("sealed", "profile", KEY_TABLE),), noun=("key", "keys"))


def reached_by(person_id: int, campaign_id: int) -> bool:
    """Whether this person's copy of a campaign has left, or may have: it is claimed, or in doubt."""
    return _left(OutboxMessage.objects.filter(person_id=person_id, source_id=campaign_id)).exists()


def _left(rows: QuerySet[OutboxMessage]) -> QuerySet[OutboxMessage]:
    waits = Exists(ReadyMessage.objects.filter(message=OuterRef("pk")))
    return rows.filter(
        Q(state__in=[State.SENT, State.DOUBTFUL]) | (Q(state=State.QUEUED) & ~waits), kind=MessageKind.CAMPAIGN
    )


def _messages_merge(merging: Merging) -> Notes:
    waiting = ReadyMessage.objects.filter(message__person_id=merging.merged.id).values_list("pk", flat=True)
    stopped = _stop(list(waiting))
    theirs = _left(OutboxMessage.objects.filter(person_id=merging.merged.id)).values_list("source_id", flat=True)
    second = ReadyMessage.objects.filter(
        message__person_id=merging.kept.id, kind=MessageKind.CAMPAIGN, source_id__in=list(theirs)
    )
    twice = _stop(list(second.values_list("pk", flat=True)))
    found = {"stopped": stopped, "twice": twice}
    return found if stopped or twice else {}


def _stop(messages: Sequence[int]) -> list[int]:
    """Stop those of these messages that still wait; a worker that has one already goes on with it."""
    locked = ReadyMessage.objects.select_for_update(skip_locked=True).filter(pk__in=messages)
    ids = sorted(locked.values_list("pk", flat=True))
    ReadyMessage.objects.filter(pk__in=ids).delete()
    OutboxMessage.objects.filter(pk__in=ids, state=State.QUEUED).update(
        state=State.STOPPED, reason=Held.MERGED.value, finished_at=clock.now()
    )
    return ids


def _messages_undo(merging: Merging, notes: Notes) -> list[str]:
    count = len(notes["stopped"]) + len(notes["twice"])
    if count == 1:
        return ["1 message that was stopped by the merge stays stopped."]
    return [f"{count} messages that were stopped by the merge stay stopped."]


def _messages_words(notes: Notes) -> list[str]:
    count = len(notes["stopped"]) + len(notes["twice"])
    return [f"{count} waiting {'message' if count == 1 else 'messages'} stopped"] if count else []


def _keys_merge(merging: Merging) -> Notes:
    """One key of a kind is in use: the kept record's stays, the merged one's is kept as replaced."""
    active = RecipientKey.KeyState.ACTIVE
    kinds = RecipientKey.objects.filter(person_id=merging.kept.id, state=active).values_list("kind", flat=True)
    second = RecipientKey.objects.filter(person_id=merging.merged.id, state=active, kind__in=list(kinds))
    replaced = sorted(second.values_list("pk", flat=True))
    second.update(state=RecipientKey.KeyState.REPLACED)
    return _KEYS.merge(merging) | ({"replaced": replaced} if replaced else {})


def _keys_undo(merging: Merging, notes: Notes) -> list[str]:
    _KEYS.undo(merging, notes)
    RecipientKey.objects.filter(
        pk__in=notes.get("replaced", ()), person_id=merging.merged.id, state=RecipientKey.KeyState.REPLACED
    ).update(state=RecipientKey.KeyState.ACTIVE)
    return []


def parts_of_delivery() -> list[Part]:
    """What delivery registers when Django starts."""
    return [
        LETTERS.part(),
        Part("keys", ("delivery.RecipientKey.person",), _keys_merge, _keys_undo, _KEYS.words, order=41),
        Part(
            "messages",
            ("delivery.OutboxMessage.person",),
            _messages_merge,
            _messages_undo,
            _messages_words,
            order=65,
            why="Messages are evidence: they stay under the record they were made for.",
        ),
        parts.stays("delivery.HygieneFinding.person", why="A report of one night, by the numbers of then."),
    ]
