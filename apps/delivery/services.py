"""The writes of delivery. Everything that leaves the installation begins with `enqueue`."""

from apps.delivery.hygiene.services import clean_list, clean_list_soon, wake
from apps.delivery.outbox.services.control import (
    doubtful_resend,
    held_release,
    message_stop,
    source_pause,
    source_resume,
    source_stop,
)
from apps.delivery.outbox.services.enqueue import OutboxItem, ReadyMail, enqueue, enqueue_one
from apps.delivery.outbox.test_message import send_test
from apps.delivery.recipient_keys.services import key_add, key_remove
from apps.delivery.returns.services import mail_finish, mail_receive, mail_to_letters
from apps.delivery.send.dispatcher import Dispatched, dispatch
from apps.delivery.send.slots import recover
from apps.delivery.settings.measuring import measure
from apps.delivery.settings.services import (
    settings_change,
    signing_key_activate,
    signing_key_create,
    signing_key_retire,
)

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
    "held_release",
    "key_add",
    "key_remove",
    "mail_finish",
    "mail_receive",
    "mail_to_letters",
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
