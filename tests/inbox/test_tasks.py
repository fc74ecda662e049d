"""Tasks for staff: made once, opened on the trail, done by somebody; a kind says who sees them and what it offers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEntry
from apps.contacts.person.selectors import open_person, record_keys
from apps.contacts.services import contact_create, contact_erase
from apps.core import actors, clock
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.core.permissions import Permission
from apps.inbox import selectors, services, task_kinds
from apps.inbox.models import StaffTask
from apps.ui.board import Item
from apps.ui.datewords import count
from apps.vault import sealing
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE


class CallBack:
    """A kind of task that only these tests know: somebody wants to be called."""

    code = "call_back"
    title = "Wants a call"
    crumb = "Call"
    icon = "phone"
    permission = Permission.INBOX_VIEW
    template = "portal/tasks/not_me.html"

    def __init__(self) -> None:
        question = task_kinds.Question("They are told by mail.", "Nobody there?", "Nobody was there")
        self.acts = (task_kinds.Act("nobody_there", "Nobody there", "x", "They know.", question, self._told),)
        self.told: list[int] = []

    def _told(self, actor: Actor, task: StaffTask) -> None:
        self.told.append(task.person_id)
        if open_person(actor=actor, purpose="test", person_id=task.person_id) is None:
            raise Refused("person.erased", "This person was erased.")

    def line(self, number: int) -> Item:
        return Item(f"{count(number, 'person wants', 'people want')} a call", icon="phone")


@pytest.fixture
def call_back(monkeypatch: pytest.MonkeyPatch) -> CallBack:
    monkeypatch.setattr(task_kinds, "_KINDS", dict(task_kinds._KINDS))
    kind = CallBack()
    task_kinds.register(kind)
    return kind


@pytest.fixture
def dana(db: None, call_back: CallBack) -> Any:
    return contact_create(actor=CLI, profile={"first_name": "Dana", "last_name": "Quist", "phone": "859-555-0123"})


def wants_a_call(*people: int, address: str = "dana@goodmail.test") -> None:
    services.tasks_create(
        kind="call_back", about={person: {"address": address} for person in people}, keys=record_keys(people)
    )


def nurse(cast: Any) -> Actor:
    return actors.staff(cast.nora.pk, cast.nora.role)


# -- Making them ------------------------------------------------------------------------------------------------


def test_who_has_a_task_of_the_kind_open_gets_no_second_one(dana: Any, cast: Any) -> None:
    wants_a_call(dana.id)
    wants_a_call(dana.id, address="another@goodmail.test")
    row = StaffTask.objects.get()
    assert selectors.facts_of(row, dana.record_key) == {"address": "dana@goodmail.test"}
    services.task_done(actor=nurse(cast), task_id=row.pk)
    wants_a_call(dana.id)
    assert sorted(StaffTask.objects.values_list("state", flat=True)) == ["done", "open"]


def test_two_who_make_the_same_task_in_one_moment_make_one(dana: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have looked and found none; the database lets one in, and the other goes on."""
    find = services.next_ids

    def and_meanwhile(table: str, number: int) -> list[int]:
        monkeypatch.setattr(services, "next_ids", find)
        wants_a_call(dana.id)
        return find(table, number)

    monkeypatch.setattr(services, "next_ids", and_meanwhile)
    wants_a_call(dana.id)
    assert StaffTask.objects.count() == 1


def test_tasks_about_fifty_take_as_many_statements_as_about_one(dana: Any) -> None:
    people = [contact_create(actor=CLI, profile={"first_name": f"P{number}"}).id for number in range(50)]

    def statements(ids: list[int]) -> int:
        keys = record_keys(ids)
        with CaptureQueriesContext(connection) as asked:
            services.tasks_create(kind="call_back", about={person: {} for person in ids}, keys=keys)
        return len(asked)

    assert statements([dana.id]) == statements(people)
    assert StaffTask.objects.count() == 51


def test_a_kind_that_no_app_knows_is_a_mistake_of_ours(dana: Any) -> None:
    with pytest.raises(KeyError):
        services.tasks_create(kind="fly", about={dana.id: {}}, keys=record_keys([dana.id]))


def test_what_the_portal_wrote_before_there_was_an_inbox_opens(dana: Any, cast: Any) -> None:
    """Rows of 0.3.0: table and seal have the portal's name."""
    sealed = sealing.seal(dana.record_key, {"address": "old@goodmail.test"}, table="portal_inboxtask", row=417)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO portal_inboxtask (id, person_id, kind, sealed, state, created_at)"
            " VALUES (417, %s, 'not_me', %s, 'open', %s)",
            [dana.id, sealed, clock.now()],
        )
    found = services.task_open(actor=nurse(cast), task_id=417)
    assert found is not None
    assert found.facts == {"address": "old@goodmail.test"}
    assert found.kind.title == "Somebody said: this is not me"


# -- Seeing them --------------------------------------------------------------------------------------------------


def test_a_kind_that_an_app_registered_has_its_list_its_page_and_its_row_on_home(
    dana: Any, signed_in: Callable[[str], Any]
) -> None:
    wants_a_call(dana.id)
    nora = signed_in("nora")
    listed = nora.get("/portal/inbox/tasks/").content.decode()
    assert "Wants a call" in listed
    assert "D••• Q•••" in listed
    assert "Dana" not in listed
    page = nora.get(f"/portal/inbox/tasks/{StaffTask.objects.get().pk}/").content.decode()
    for words in ("Dana Quist", "dana@goodmail.test", "859-555-0123", "Nobody there", "Mark as done"):
        assert words in page
    assert "1 person wants a call" in nora.get("/").content.decode()


def test_opening_is_on_the_trail_and_listing_opens_none(dana: Any, signed_in: Callable[[str], Any]) -> None:
    wants_a_call(dana.id)
    nora = signed_in("nora")
    nora.get("/portal/inbox/tasks/")
    assert not AuditEntry.objects.filter(action="task.open").exists()
    nora.get(f"/portal/inbox/tasks/{StaffTask.objects.get().pk}/")
    assert AuditEntry.objects.get(action="task.open").actor_id == str(nora.staff.pk)


def test_who_may_not_see_a_kind_hears_of_no_task(
    dana: Any, call_back: CallBack, cast: Any, signed_in: Callable[[str], Any]
) -> None:
    call_back.permission = Permission.ORGANIZATION_EDIT  # type: ignore[misc]
    wants_a_call(dana.id)
    task = StaffTask.objects.get()
    nora, ada = signed_in("nora"), signed_in("ada")
    assert "Wants a call" in ada.get("/portal/inbox/tasks/").content.decode()
    assert "Wants a call" not in nora.get("/portal/inbox/tasks/").content.decode()
    assert "wants a call" not in nora.get("/").content.decode()
    assert nora.get(f"/portal/inbox/tasks/{task.pk}/").status_code == 404
    assert not AuditEntry.objects.filter(action="task.open").exists()
    assert selectors.tasks_about(dana.id, cast.nora.role) == []
    with refused("task.unknown"):
        services.task_done(actor=nurse(cast), task_id=task.pk)
    with refused("task.unknown"):
        services.task_act(actor=nurse(cast), task_id=task.pk, address="nobody-there")
    assert ada.get(f"/portal/inbox/tasks/{task.pk}/").status_code == 200


def test_a_task_whose_app_is_gone_is_shown_to_nobody(
    dana: Any, signed_in: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    wants_a_call(dana.id)
    monkeypatch.setattr(task_kinds, "_KINDS", {})
    ada = signed_in("ada")
    assert "No tasks" in ada.get("/portal/inbox/tasks/").content.decode()
    assert ada.get(f"/portal/inbox/tasks/{StaffTask.objects.get().pk}/").status_code == 404


# -- Dealing with them ----------------------------------------------------------------------------------------------


def test_what_the_kind_offers_is_done_and_finishes_the_task(
    dana: Any, call_back: CallBack, signed_in: Callable[[str], Any]
) -> None:
    wants_a_call(dana.id)
    task, nora = StaffTask.objects.get(), signed_in("nora")
    answer = nora.post(f"/portal/inbox/tasks/{task.pk}/nobody-there/", follow=True)
    assert "They know." in answer.content.decode()
    task.refresh_from_db()
    assert (task.state, task.done_by, call_back.told) == ("done", nora.staff, [dana.id])
    assert AuditEntry.objects.get(action="task.done").codes == {"how": "nobody_there"}


def test_an_act_that_is_refused_leaves_the_task_open(dana: Any, cast: Any, signed_in: Callable[[str], Any]) -> None:
    wants_a_call(dana.id)
    contact_erase(actor=CLI, person_id=dana.id, reason="asked")
    task, nora = StaffTask.objects.get(), signed_in("nora")
    answer = nora.post(f"/portal/inbox/tasks/{task.pk}/nobody-there/", follow=True)
    assert "This person was erased." in answer.content.decode()
    task.refresh_from_db()
    assert task.state == "open"
    assert not AuditEntry.objects.filter(action="task.done").exists()


def test_a_kind_does_only_what_it_offers(dana: Any, cast: Any) -> None:
    wants_a_call(dana.id)
    task = StaffTask.objects.get()
    with refused("task.act_unknown"):
        services.task_act(actor=nurse(cast), task_id=task.pk, address="put-back")
    task.refresh_from_db()
    assert task.state == "open"


def test_of_two_colleagues_the_second_hears_that_it_is_done(dana: Any, cast: Any) -> None:
    wants_a_call(dana.id)
    task = StaffTask.objects.get()
    services.task_done(actor=nurse(cast), task_id=task.pk)
    with refused("task.done"):
        services.task_done(actor=actors.staff(cast.ada.pk, cast.ada.role), task_id=task.pk)
    assert AuditEntry.objects.filter(action="task.done").count() == 1


@pytest.mark.parametrize("name", ["max", "rita", "otto"])
def test_who_does_not_work_with_patients_does_nothing_about_tasks(
    dana: Any, signed_in: Callable[[str], Any], name: str
) -> None:
    wants_a_call(dana.id)
    task, client = StaffTask.objects.get(), signed_in(name)
    for act in ("done", "nobody-there"):
        assert client.post(f"/portal/inbox/tasks/{task.pk}/{act}/").status_code == 403
    task.refresh_from_db()
    assert task.state == "open"
