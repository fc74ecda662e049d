"""Tables about people. Everything personal is sealed; what can be searched is keyed."""

from apps.contacts.models.appointment import Appointment
from apps.contacts.models.attribute import AttributeDefinition, AttributeFill
from apps.contacts.models.consent import (
    Consent,
    ConsentState,
    ReturnedMailbox,
    Suppression,
    SuppressionChange,
    SuppressionSum,
)
from apps.contacts.models.duplicate import DuplicatePair, DuplicateSearch, MatchKey, PersonMerge
from apps.contacts.models.export import ContactExport
from apps.contacts.models.lab import OwnLab
from apps.contacts.models.pending_change import MovedMailbox, PendingChange
from apps.contacts.models.person import Person, PersonIdentity, PersonSearch, SearchRenewal
from apps.contacts.models.tag import PersonTag, Tag, TagJob
from apps.contacts.models.timeline import LatestResult, TimelineEvent, TimelineSummary, Vocabulary

__all__ = [
    "Appointment",
    "AttributeDefinition",
    "AttributeFill",
    "Consent",
    "ConsentState",
    "ContactExport",
    "DuplicatePair",
    "DuplicateSearch",
    "LatestResult",
    "MatchKey",
    "MovedMailbox",
    "OwnLab",
    "PendingChange",
    "Person",
    "PersonIdentity",
    "PersonMerge",
    "PersonSearch",
    "PersonTag",
    "ReturnedMailbox",
    "SearchRenewal",
    "Suppression",
    "SuppressionChange",
    "SuppressionSum",
    "Tag",
    "TagJob",
    "TimelineEvent",
    "TimelineSummary",
    "Vocabulary",
]
