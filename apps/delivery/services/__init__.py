"""The writes of delivery. Everything that leaves the installation begins with `enqueue`."""

from apps.delivery.services.control import (
    doubtful_resend,
    message_stop,
    source_pause,
    source_resume,
    source_stop,
)
from apps.delivery.services.dispatcher import Dispatched, dispatch
from apps.delivery.services.hygiene import clean_list, clean_list_soon, wake
from apps.delivery.services.inbound import mail_finish, mail_receive
from apps.delivery.services.measuring import measure
from apps.delivery.services.outbox import OutboxItem, ReadyMail, enqueue, enqueue_one
from apps.delivery.services.recipient_keys import key_add, key_remove
from apps.delivery.services.settings import (
    settings_change,
    signing_key_activate,
    signing_key_create,
    signing_key_retire,
)
from apps.delivery.services.slots import recover
from apps.delivery.services.testing import send_test

__all__ = [
    "Dispatched",
    "OutboxItem",
    "ReadyMail",
    "clean_list",
    "clean_list_soon",
    "dispatch",
    "doubtful_resend",
    "enqueue",
    "enqueue_one",
    "key_add",
    "key_remove",
    "mail_finish",
    "mail_receive",
    "measure",
    "message_stop",
    "recover",
    "send_test",
    "settings_change",
    "signing_key_activate",
    "signing_key_create",
    "signing_key_retire",
    "source_pause",
    "source_resume",
    "source_stop",
    "wake",
]
