"""Tables of the one way out."""

from apps.delivery.models.capability import MailDomain, RecipientKey
from apps.delivery.models.hygiene import HygieneFinding, HygieneRun
from apps.delivery.models.inbound import InboundMail, InboundTally
from apps.delivery.models.outbox import Attempt, OutboxMessage, ReadyMessage, Slot, SourceStop
from apps.delivery.models.proof import LetterProof
from apps.delivery.models.setup import DeliverySettings, DkimKey
from apps.delivery.models.suppression import SuppressionJob

__all__ = [
    "Attempt",
    "DeliverySettings",
    "DkimKey",
    "HygieneFinding",
    "HygieneRun",
    "InboundMail",
    "InboundTally",
    "LetterProof",
    "MailDomain",
    "OutboxMessage",
    "ReadyMessage",
    "RecipientKey",
    "Slot",
    "SourceStop",
    "SuppressionJob",
]
