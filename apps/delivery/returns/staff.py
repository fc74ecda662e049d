"""What mail that comes back gives staff to do."""

from __future__ import annotations

from apps.core.permissions import Permission
from apps.delivery import selectors
from apps.inbox import waiting
from apps.ui.board import Item
from apps.ui.datewords import count


def _answers(number: int) -> Item:
    return Item(f"{count(number, 'answer')} by mail", "Waiting for somebody to read", icon="mail")


ANSWERS_BY_MAIL = waiting.Rows(
    key="mail",
    order=50,
    permissions=(Permission.INBOX_VIEW,),
    page="delivery:mail_list",
    rows=selectors.inbound_waiting,
    line=_answers,
    oldest="received_at",
    tabs=(waiting.Tab("mail", "By mail"),),
)
