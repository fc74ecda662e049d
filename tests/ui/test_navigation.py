"""The left bar marks where somebody is."""

from __future__ import annotations

import pytest

from apps.ui.navigation import menu

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "Home"),
        ("/contacts/imports/new/", "Contacts"),
        ("/delivery/servers/", "Delivery"),
        ("/delivery/mail/", "Inbox"),
        ("/delivery/mail/7/", "Inbox"),
        ("/settings/organization/", "Settings"),
        ("/account/", None),
    ],
)
def test_one_entry_is_marked_and_answers_by_mail_belong_to_the_inbox(cast, rf, path, expected) -> None:
    request = rf.get(path)
    request.user = cast.ada
    assert [entry.label for entry in menu(request) if entry.chosen] == ([expected] if expected else [])


def test_a_nurse_who_may_not_see_delivery_is_in_her_inbox(cast, rf) -> None:
    request = rf.get("/delivery/mail/")
    request.user = cast.nora
    shown = menu(request)
    assert "Delivery" not in [entry.label for entry in shown]
    assert [entry.label for entry in shown if entry.chosen] == ["Inbox"]
