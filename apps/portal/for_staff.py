"""What the portal gives staff to do: patients who wait for an answer, and mailboxes that are somebody else's."""

from __future__ import annotations

from apps.core.permissions import Permission
from apps.inbox import waiting
from apps.inbox.task_kinds import Act, Question
from apps.portal import selectors
from apps.portal.policy import NOT_ME
from apps.portal.services.conversations import address_put_back
from apps.ui.board import Item
from apps.ui.datewords import count


class NotMe:
    """Whoever reads a mailbox said that our notice was not for them. ``facts``: the address."""

    code = NOT_ME
    title = "Somebody said: this is not me"
    crumb = "Not me"
    icon = "hand-stop"
    permission = Permission.INBOX_VIEW
    template = "portal/tasks/not_me.html"
    acts: tuple[Act, ...] = (
        Act(
            "put_back",
            "The address is right: put it back",
            "mail-check",
            "The address is back on the person's record.",
            Question("Mail for this person goes to this mailbox again.", "Put the address back?", "Put it back"),
            address_put_back,
        ),
    )

    def line(self, number: int) -> Item:
        text = "Somebody else reads that mailbox. Check the address with the patient."
        return Item(f"{count(number, 'person', 'people')} said “this is not me”", text, "", "user-off", "caution")


def _replies(number: int) -> Item:
    return Item(f"{count(number, 'reply', 'replies')} from patients", "Waiting for an answer", icon="inbox")


CONVERSATIONS = waiting.Rows(
    key="conversations",
    order=10,
    permissions=(Permission.INBOX_VIEW,),
    page="portal:inbox",
    rows=selectors.waiting,
    line=_replies,
    oldest="last_at",
    tabs=(
        waiting.Tab("open", "Open", "?view=open"),
        waiting.Tab("mine", "Mine", "?view=mine"),
        waiting.Tab("all", "All", "?view=all"),
        waiting.Tab("closed", "Closed", "?view=closed"),
    ),
    in_menu=True,
)
