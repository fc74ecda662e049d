"""Writes about people: the only code that saves them."""

from apps.contacts.appointments.services import (
    appointment_book,
    appointment_cancel,
    appointment_confirm,
    appointment_move,
)
from apps.contacts.changes.services import changes_decide
from apps.contacts.consent.services import (
    NewConsent,
    consent_record,
    consents_record,
    suppress,
    suppress_many,
)
from apps.contacts.notes.services import note_add
from apps.contacts.person.services import (
    contact_create,
    contact_erase,
    contact_update,
    contacts_change,
    contacts_create,
    reach_change,
)
from apps.contacts.suppressions.services import (
    mailbox_prove,
    mailboxes_returned,
    suppression_add,
    suppression_lift,
    unsuppress,
)
from apps.contacts.tags.services import (
    tag_change,
    tag_create,
    tag_delete,
    tags_give,
    tags_move,
    tags_named,
    tags_take,
)
from apps.contacts.timeline.services import ChangedEvent, NewEvent, events_change, events_record, vocabulary_add

__all__ = [
    "ChangedEvent",
    "NewConsent",
    "NewEvent",
    "appointment_book",
    "appointment_cancel",
    "appointment_confirm",
    "appointment_move",
    "changes_decide",
    "consent_record",
    "consents_record",
    "contact_create",
    "contact_erase",
    "contact_update",
    "contacts_change",
    "contacts_create",
    "events_change",
    "events_record",
    "mailbox_prove",
    "mailboxes_returned",
    "note_add",
    "reach_change",
    "suppress",
    "suppress_many",
    "suppression_add",
    "suppression_lift",
    "tag_change",
    "tag_create",
    "tag_delete",
    "tags_give",
    "tags_move",
    "tags_named",
    "tags_take",
    "unsuppress",
    "vocabulary_add",
]
