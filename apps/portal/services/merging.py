"""Portal account, messages and conversations of somebody whose record is merged into another.

All that was written goes to the kept record and is resealed: the patient reads all of it behind one account. The kept
record's account stays; where it has none, the merged one's comes along. A second account is closed, and every session
of the merged record ends.
"""

from __future__ import annotations

from apps.contacts.merging import parts
from apps.contacts.merging.parts import Merging, Notes, Part
from apps.contacts.merging.services.moved import Child, Moved, Seal
from apps.portal.models import (
    CONVERSATION_TABLE,
    DRAFT_TABLE,
    MESSAGE_TABLE,
    REPLY_TABLE,
    Conversation,
    PortalAccount,
    PortalSession,
    Reply,
    SecureMessage,
)
from apps.portal.services.sessions import sessions_end

MESSAGES = Moved(
    SecureMessage,
    seals=(Seal("sealed", "record", MESSAGE_TABLE), Seal("draft", "record", DRAFT_TABLE)),
    noun=("portal message", "portal messages"),
    order=42,
)
CONVERSATIONS = Moved(
    Conversation,
    seals=(Seal("sealed", "record", CONVERSATION_TABLE),),
    children=(Child(Reply, "conversation", (Seal("sealed", "record", REPLY_TABLE),)),),
    noun=("conversation", "conversations"),
    order=43,
)


def _account_merge(merging: Merging) -> Notes:
    if PortalSession.objects.filter(person_id=merging.merged.id, ended_at__isnull=True).exists():
        sessions_end(actor=merging.actor, person_id=merging.merged.id)
    wards = PortalAccount.objects.filter(guardian_id=merging.merged.id)
    notes: Notes = {"wards": sorted(wards.values_list("pk", flat=True))}
    wards.update(guardian_id=merging.kept.id)
    theirs = PortalAccount.objects.select_for_update().filter(person_id=merging.merged.id).first()
    if theirs is not None:
        if PortalAccount.objects.filter(person_id=merging.kept.id).exists():
            notes["closed"] = [theirs.pk, theirs.state]
            theirs.state = PortalAccount.State.CLOSED
            theirs.save(update_fields=["state"])
        else:
            notes["came"] = theirs.pk
            PortalAccount.objects.filter(pk=theirs.pk).update(person_id=merging.kept.id)
    return {name: value for name, value in notes.items() if value}


def _account_undo(merging: Merging, notes: Notes) -> list[str]:
    PortalAccount.objects.filter(pk__in=notes.get("wards", ()), guardian_id=merging.kept.id).update(
        guardian_id=merging.merged.id
    )
    if "closed" in notes:
        pk, state = notes["closed"]
        PortalAccount.objects.filter(pk=pk, person_id=merging.merged.id).update(state=state)
    if "came" in notes:
        sessions_end(actor=merging.actor, person_id=merging.kept.id)
        PortalAccount.objects.filter(pk=notes["came"], person_id=merging.kept.id).update(person_id=merging.merged.id)
    return []


def _account_words(notes: Notes) -> list[str]:
    if "closed" in notes:
        return ["The second portal account is closed"]
    return ["The portal account came along"] if "came" in notes else []


PARTS = (
    MESSAGES.part(),
    CONVERSATIONS.part(),
    Part(
        "portal account",
        ("portal.PortalAccount.person", "portal.PortalAccount.guardian"),
        _account_merge,
        _account_undo,
        _account_words,
        order=44,
    ),
    parts.stays("portal.PortalSession.person", why="Ended by the merge, and cleared after two days."),
)
