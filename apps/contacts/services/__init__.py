"""Writes about people: the only code that saves them."""

from apps.contacts.services.appointments import appointment_book, appointment_cancel, appointment_move
from apps.contacts.services.consents import (
    NewConsent,
    consent_record,
    consents_record,
    suppress,
    suppress_many,
    unsuppress,
)
from apps.contacts.services.held import changes_decide
from apps.contacts.services.people import (
    contact_create,
    contact_erase,
    contact_update,
    contacts_change,
    contacts_create,
)
from apps.contacts.services.timeline import ChangedEvent, NewEvent, events_change, events_record, vocabulary_add

__all__ = [
    "ChangedEvent",
    "NewConsent",
    "NewEvent",
    "appointment_book",
    "appointment_cancel",
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
    "suppress",
    "suppress_many",
    "unsuppress",
    "vocabulary_add",
]
