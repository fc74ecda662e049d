"""What waits for staff is said in one place: tabs, the number in the menu and the home page read the same kinds."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from apps.contacts.models import PendingChange
from apps.contacts.person.selectors import record_keys
from apps.contacts.services import contact_create
from apps.core import actors, clock
from apps.core.permissions import Permission, Role
from apps.delivery.models import InboundMail
from apps.imports.models import ImportJob
from apps.inbox import services, waiting
from apps.portal import services as portal
from apps.ui.board import Item

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
NURSE, MARKETER = Role.CARE_STAFF.value, Role.MARKETER.value


def person(name: str) -> Any:
    return contact_create(actor=CLI, profile={"first_name": name, "email": f"{name.lower()}@goodmail.test"})


def writes(who: Any) -> None:
    """A message waited in the portal, and its reader answered."""
    content = {"subject": "x", "sender": "", "text": "x", "html": "", "level": 2, "origin": {}}
    stored = portal.message_store(
        actor=CLI, person_id=who.id, record_key=who.record_key, mailbox=b"m" * 16, content=content
    )
    portal.reply_send(
        actor=actors.patient(who.id),
        person_id=who.id,
        public=str(stored.message.public),
        text="May I come?",
        once=stored.message.public,
    )


def one_of_each(name: str) -> None:
    """A reply, a task, a pending change and an answer by mail, all about one person."""
    who = person(name)
    writes(who)
    services.tasks_create(kind="not_me", about={who.id: {"address": ""}}, keys=record_keys([who.id]))
    PendingChange.objects.create(person_id=who.id, sealed=b"x")
    InboundMail.objects.create(
        source=name.encode().ljust(16), kind="reply", verdict="reply", person_id=who.id, sealed=b"x", raw=b"x", size=1,
        state=InboundMail.State.WAITING,
    )  # fmt: skip


def titles(client: Any) -> list[str]:
    return [item.title for item in client.get("/").context["waiting"]]


def test_home_says_what_waits_patients_first(signed_in: Callable[[str], Any], noon: Any) -> None:
    one_of_each("Ana")
    ImportJob.objects.create(kind="list", state="checked", sealed=b"x", actor_kind="command", created_at=clock.now())
    ada = signed_in("ada")
    assert titles(ada) == [
        "1 reply from patients",
        "1 person said “this is not me”",
        "An import was checked",
        "Confirm changed contact details of 1 person",
        "1 answer by mail",
    ]
    urls = [item.url for item in ada.get("/").context["waiting"]]
    assert [urls[0], urls[1], *urls[3:]] == [
        "/portal/inbox/",
        "/portal/inbox/",
        "/contacts/changes/",
        "/delivery/mail/",
    ]


def test_of_several_the_oldest_is_said(signed_in: Callable[[str], Any], noon: Any) -> None:
    one_of_each("Ana")
    with clock.frozen(noon + timedelta(days=2)):
        one_of_each("Bea")
        items = {item.icon: item for item in waiting_items(NURSE)}
    assert (items["inbox"].title, items["inbox"].at, items["inbox"].at_words) == (
        "2 replies from patients", noon, "oldest:",
    )  # fmt: skip
    assert (items["mail"].title, items["mail"].at, items["mail"].at_words) == ("2 answers by mail", noon, "oldest:")
    assert items["user-off"].title == "2 people said “this is not me”"
    assert items["user-check"].title == "Confirm changed contact details of 2 people"


def waiting_items(role: str) -> list[Item]:
    return [item for kind in waiting.kinds(role) for item in kind.lines(role)]


def test_nothing_is_said_when_nothing_waits(db: None) -> None:
    assert waiting_items(NURSE) == []
    assert waiting.menu_counts(NURSE) == {"Inbox": 0}


def test_the_tabs_count_what_their_pages_list(signed_in: Callable[[str], Any]) -> None:
    one_of_each("Ana")
    writes(person("Bea"))
    page = signed_in("nora").get("/portal/inbox/tasks/")
    assert [(tab["label"], tab["url"], tab["current"], tab.get("count")) for tab in page.context["tabs"]] == [
        ("Open", "/portal/inbox/?view=open", False, 2),
        ("Mine", "/portal/inbox/?view=mine", False, None),
        ("All", "/portal/inbox/?view=all", False, None),
        ("Closed", "/portal/inbox/?view=closed", False, None),
        ("Tasks", "/portal/inbox/tasks/", True, 1),
        ("By mail", "/delivery/mail/", False, 1),
    ]
    assert page.context["menu_counts"] == {"Inbox": 2}


def test_who_may_not_see_the_inbox_is_told_nothing_of_it(signed_in: Callable[[str], Any]) -> None:
    one_of_each("Ana")
    assert titles(signed_in("max")) == []
    assert waiting.menu_counts(MARKETER) == waiting.menu_counts("") == {}
    assert waiting.tabs(MARKETER, "open") == []
    nobody_counts = signed_in("max").get("/").content.decode()
    assert not re.search(r"nav-count", nobody_counts)


def test_fifty_of_each_take_as_many_statements_as_one(db: None) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            waiting.tabs(NURSE, "open")
            waiting_items(NURSE)
            waiting.menu_counts(NURSE)
        return len(asked)

    one_of_each("P0")
    one = statements()
    assert one == 10, "three tabs, six rows of the home page, one number in the menu"
    for number in range(1, 50):
        one_of_each(f"P{number}")
    assert statements() == one


@pytest.fixture
def parcels(monkeypatch: pytest.MonkeyPatch) -> waiting.Rows:
    """A kind of thing that only these tests know: for administrators, parcels wait at the desk."""
    monkeypatch.setattr(waiting, "_KINDS", dict(waiting._KINDS))

    def all_people() -> QuerySet[Any]:
        from apps.contacts.models import Person

        return Person.objects.all()

    kind = waiting.Rows(
        key="parcels",
        order=15,
        permissions=(Permission.INBOX_VIEW, Permission.ORGANIZATION_EDIT),
        page="contacts:list",
        rows=all_people,
        line=lambda number: Item(f"{number} parcels", icon="package"),
        tabs=(waiting.Tab("parcels", "Parcels"),),
        in_menu=True,
    )
    waiting.register(kind)
    return kind


def test_one_registration_is_a_tab_a_number_in_the_menu_and_a_row_of_home(
    parcels: waiting.Rows, signed_in: Callable[[str], Any]
) -> None:
    writes(person("Ana"))
    person("Bea")
    ada = signed_in("ada")
    assert titles(ada) == ["1 reply from patients", "2 parcels"]
    page = ada.get("/portal/inbox/")
    assert {"label": "Parcels", "url": "/contacts/", "current": False, "count": 2} in page.context["tabs"]
    assert page.context["menu_counts"] == {"Inbox": 3}
    nora = signed_in("nora")
    assert titles(nora) == ["1 reply from patients"], "only who holds both permissions"
    assert "Parcels" not in [tab["label"] for tab in nora.get("/portal/inbox/").context["tabs"]]
    assert nora.get("/portal/inbox/").context["menu_counts"] == {"Inbox": 1}


def test_a_kind_that_breaks_does_not_hide_the_others(
    signed_in: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> QuerySet[Any]:
        raise RuntimeError("a kind is broken")

    one_of_each("Ana")
    kinds = {**waiting._KINDS, "tasks": waiting.Rows("tasks", 20, (), "portal:inbox", broken, lambda number: Item(""))}
    monkeypatch.setattr(waiting, "_KINDS", kinds)
    assert "1 reply from patients" in titles(signed_in("nora"))
    assert "1 answer by mail" in titles(signed_in("nora"))
    assert "home: inbox.tasks failed" in caplog.text
