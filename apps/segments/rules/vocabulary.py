"""Words rules are written with: kinds, operators, purposes, and how each is said in English."""

from __future__ import annotations

from apps.contacts.timeline.value_sets import CVX, RXNORM, SNOMED
from apps.core.levels import Level

MATCHES = {"all": "all of", "any": "any of", "none": "none of"}

#: Operators of text and choice attributes.
VALUE_OPERATORS = ("is", "is_not", "in", "not_in", "starts_with", "exists", "missing")
DATE_OPERATORS = (
    "on",
    "before",
    "after",
    "between",
    "in_last_days",
    "in_next_days",
    "anniversary_in_days",
    "exists",
    "missing",
)
NUMBER_OPERATORS = ("between", "at_least", "at_most")
AGE_OPERATORS = ("between", "at_least", "at_most")
REPEAT_OPERATORS = ("at_least", "never")

#: Kinds of clinical events a rule may look at: label of one, and the code system its codes come from.
EVENT_KINDS = {
    "condition": ("condition", SNOMED),
    "encounter": ("visit", SNOMED),
    "immunization": ("vaccination", CVX),
    "medication": ("medication", RXNORM),
    "procedure": ("procedure", SNOMED),
}
APPOINTMENT_STATES = ("booked", "none_upcoming")
CONSENT_STATES = {"granted": "granted", "denied": "denied", "none": "not recorded"}
CONSENT_PURPOSES = ("treatment", "operations", "payment", "marketing", "fundraising", "b2b")

#: Engagement kinds: how it is said when it happened and when it never did. The timeline's kind is "message." and
#: the word.
ENGAGEMENT_KINDS = {
    "sent": ("Was sent {what}", "Was never sent {what}"),
    "delivered": ("Received {what}", "Never received {what}"),
    "clicked": ("Clicked in {what}", "Never clicked in {what}"),
    "read": ("Read {what} in the portal", "Never read {what} in the portal"),
    "replied": ("Replied to {what}", "Never replied to {what}"),
    "bounced": ("Had {what} bounce", "Never had {what} bounce"),
    "unsubscribed": ("Unsubscribed from {what}", "Never unsubscribed from {what}"),
}

#: Starts of words are searchable from two to four letters (architecture.md, idea 2).
PREFIX_LENGTHS = (2, 3, 4)

#: What being in a clinical, appointment, consent or engagement condition says about a person.
CLINICAL_LEVEL = Level.HEALTH
