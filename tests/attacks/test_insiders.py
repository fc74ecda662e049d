"""Staff who try to get around each other."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections, transaction
from django.db.utils import ProgrammingError

from apps.campaigns import services
from apps.campaigns.models import Campaign, State
from apps.contacts import services as contacts
from apps.content import rich
from apps.core import actors
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE


def test_a_colleagues_last_small_change_makes_nobody_a_stranger_to_their_own_campaign(cast: Any) -> None:
    ada, max_ = actors.staff(cast.ada.pk, "administrator"), actors.staff(cast.max.pk, "marketer")
    made = services.campaign_save(actor=max_, name="Flu shots", spec={})
    services.campaign_save(actor=ada, name="Flu shots, all of them", spec={}, campaign_id=made.pk)
    services.campaign_save(actor=max_, name="Flu shots!", spec={}, campaign_id=made.pk)
    Campaign.objects.filter(pk=made.pk).update(state=State.IN_REVIEW)
    with refused("approval.own_work"):
        services.campaign_approve(actor=ada, campaign_id=made.pk)


@pytest.mark.parametrize("depth", range(1, 9))
def test_no_nesting_brings_a_script_address_through_the_cleaner(depth: int) -> None:
    hidden = "https://field.invalid/"
    for _ in range(depth - 1):
        hidden = f"https://field.i{hidden}nvalid/"
    assert 'href="javascript' not in rich.clean(f'<a href="{hidden}javascript:alert(1)">x</a>')


@pytest.fixture
def dana(noon: Any) -> int:
    profile = {"first_name": "Dana", "last_name": "Quist", "birth_date": "1960-02-29", "email": "dana@goodmail.test"}
    return contacts.contact_create(actor=CLI, profile={**profile, "relation": "patient"}).id


def edit(client: Any, person: int, **more: str) -> Any:
    page = client.get(f"/contacts/{person}/edit/")
    version = page.context["form"]["version"].value()
    form = {"first_name": "Dana", "last_name": "Quist", "relation": "patient", "version": version, **more}
    return client.post(f"/contacts/{person}/edit/", form)


def birth_date(person: int) -> str:
    from apps.contacts.person.selectors import open_person

    record = open_person(actor=CLI, purpose="test", person_id=person)
    assert record is not None
    return str(record.profile["birth_date"])


def test_who_may_not_see_a_birth_date_does_not_replace_it(signed_in: Any, dana: int) -> None:
    """It opens the portal together with the mailbox: whoever could set both could read a patient's messages."""
    edit(signed_in("max"), dana, birth_date="1980-01-01")
    assert birth_date(dana) == "1960-02-29"
    edit(signed_in("nora"), dana, birth_date="1960-03-01")
    assert birth_date(dana) == "1960-03-01"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_auditentry",
        "UPDATE audit_auditentry SET action = 'x'",
        "INSERT INTO audit_auditchain (sequence, entry, link) VALUES (1, 1, '')",
        "DELETE FROM audit_auditchain",
        "UPDATE audit_auditreview SET outcome = 'nothing'",
        "DELETE FROM audit_auditreview",
        "ALTER TABLE audit_auditentry DISABLE TRIGGER ALL",
        "DROP TABLE audit_auditentry",
        "CREATE TABLE public.mine (x int)",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SET ROLE carelane_owner",
        "SELECT setval('audit_auditentry_id_seq', 1)",
        "COPY contacts_person TO PROGRAM 'cat'",
        "SELECT pg_read_file('/etc/passwd')",
        "CREATE EXTENSION dblink",
    ],
)
def test_the_applications_database_role_cannot(statement: str) -> None:
    with pytest.raises(ProgrammingError), transaction.atomic(), connections["default"].cursor() as cursor:
        cursor.execute(statement)
