"""Ada manages who works here; nobody else may; every change is on the trail."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_string, policy

import pytest
from django.test import Client

from apps.audit.models import AuditEntry
from apps.core import actors, clock
from apps.delivery import services as delivery
from apps.delivery.models import OutboxMessage
from apps.delivery.selectors import message_data
from apps.users import services
from apps.users.models import TotpDevice, User
from apps.users.sessions import stored_key

pytestmark = pytest.mark.django_db
PAGES = ["/settings/", "/settings/users/", "/settings/users/invite/"]
ACTS = ["link", "disable", "enable", "unlock", "reset-factor", "session/end"]


@pytest.fixture(autouse=True)
def our_mail(settings) -> None:
    """Mail goes the product's own way; the test runner would put a mailbox of its own in between."""
    settings.EMAIL_BACKEND = "apps.delivery.outbox.email_backend.OutboxBackend"


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", ["max", "rita", "nora", "otto"])
def test_only_administrators_open_the_settings(signed_in, name, page) -> None:
    answer = signed_in(name).get(page)
    assert answer.status_code == 403
    assert "administrator" in answer.content.decode()


@pytest.mark.parametrize("act", ACTS)
def test_only_administrators_change_access(signed_in, cast, act) -> None:
    assert signed_in("max").post(f"/settings/users/{cast.nora.pk}/{act}/").status_code == 403


@pytest.mark.parametrize("act", ["", *[f"{act}/" for act in ACTS]])
def test_somebody_who_does_not_exist_is_not_found(signed_in, act) -> None:
    assert signed_in("ada").post(f"/settings/users/999999/{act}", {"name": "X", "role": "auditor"}).status_code == 404


@pytest.mark.parametrize("act", ACTS)
def test_looking_changes_nothing(signed_in, cast, act) -> None:
    assert signed_in("ada").get(f"/settings/users/{cast.nora.pk}/{act}/").status_code == 405


def test_the_list_names_everybody_and_asks_no_more_for_fifty_than_for_five(signed_in, questions) -> None:
    ada = signed_in("ada")
    page = ada.get("/settings/users/").content.decode()
    for name in ("Ada", "Max", "Rita", "Nora", "Otto"):
        assert f">{name}</a>" in page
    five = questions(ada, "/settings/users/")
    for number in range(45):
        services.user_create(
            actor=actors.COMMAND_LINE, email=f"s{number}@clinic.test", name=f"S{number}", role="marketer", password=None
        )
    assert questions(ada, "/settings/users/") == five


def test_an_invitation_is_a_link_that_works_once(signed_in) -> None:
    ada = signed_in("ada")
    page = ada.post(
        "/settings/users/invite/", {"name": "Ivy Chen", "email": "ivy@clinic.test", "role": "marketer"}
    ).content.decode()
    path = page.split("/account/invitation/")[1].split("<")[0]
    assert "user.invite" in actions()
    guest = Client()
    choice = {"password": "four quiet river stones", "again": "four quiet river stones"}
    assert guest.post(f"/account/invitation/{path}", choice).status_code == 302
    assert "Your password is saved." in guest.get("/account/sign-in/").content.decode()
    assert guest.post(f"/account/invitation/{path}", choice).status_code == 410
    assert User.objects.by_email("ivy@clinic.test").check_password(choice["password"])


INVITE = {"name": "Ivy Chen", "email": "ivy@clinic.test", "role": "marketer"}


def test_the_link_leads_to_the_public_address_whatever_host_was_asked(signed_in, settings) -> None:
    settings.PUBLIC_URL = "https://carelane.clinic.test"
    settings.ALLOWED_HOSTS = ["carelane.clinic.test", "evil.test"]
    page = signed_in("ada").post("/settings/users/invite/", INVITE, headers={"Host": "evil.test"}).content.decode()
    assert "https://carelane.clinic.test/account/invitation/" in page
    assert "evil.test/account" not in page


def test_where_a_sending_domain_is_set_up_the_link_goes_to_the_invited_person_alone(signed_in, settings) -> None:
    settings.PUBLIC_URL = "https://carelane.clinic.test"
    delivery.settings_change(actor=actors.COMMAND_LINE, version=0, sending_domain="clinic.test")
    page = signed_in("ada").post("/settings/users/invite/", INVITE).content.decode()
    assert "on its way" in page
    assert "/account/invitation/" not in page, "who sees the link can take the account"
    row = OutboxMessage.objects.get()
    assert (row.kind, row.purpose, row.person_id) == ("account", "account", None)
    mail = message_data(actor=actors.COMMAND_LINE, message=row, parts=["content"])["content"]
    letter = message_from_string(mail["head"] + mail["entity"], policy=policy.default)
    assert mail["to"] == "ivy@clinic.test"
    assert letter["From"].addresses[0].addr_spec == "no-reply@clinic.test"
    assert "Ivy" not in letter["Subject"]
    words = letter.get_content()
    assert "Hello Ivy Chen" in words
    path = words.split("https://carelane.clinic.test")[1].split()[0]
    choice = {"password": "four quiet river stones", "again": "four quiet river stones"}
    assert Client().post(path, choice).status_code == 302


def test_a_mail_that_does_not_arrive_is_replaced_by_a_link_in_the_hand(signed_in, cast) -> None:
    delivery.settings_change(actor=actors.COMMAND_LINE, version=0, sending_domain="clinic.test")
    ada = signed_in("ada")
    assert "on its way" in ada.post(f"/settings/users/{cast.max.pk}/link/").content.decode()
    page = ada.post(f"/settings/users/{cast.max.pk}/link/", {"hand": "1"}).content.decode()
    assert "/account/invitation/" in page
    assert OutboxMessage.objects.count() == 1


def test_an_administrator_ends_a_single_session(signed_in, cast) -> None:
    ada, here, there = signed_in("ada"), signed_in("max"), signed_in("max")
    here.get("/account/", headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/1 Firefox/140.0"})
    there.get("/account/", headers={"User-Agent": "Mozilla/5.0 (iPad; CPU OS 18_5) Version/18.5 Safari/604.1"})
    page = ada.get(f"/settings/users/{cast.max.pk}/").content.decode()
    assert "Firefox on Linux" in page
    assert "Safari on iPad" in page
    assert here.session.session_key not in page, "a session's key opens it"
    handle = stored_key(there.session.session_key)
    ada.post(f"/settings/users/{cast.max.pk}/session/end/", {"session": handle})
    assert there.get("/account/").status_code == 302
    assert here.get("/account/").status_code == 200
    assert "user.end_sessions" in actions()


def test_nobody_ends_a_session_by_the_row_of_somebody_else(signed_in, cast) -> None:
    ada, max_ = signed_in("ada"), signed_in("max")
    max_.get("/account/")
    handle = stored_key(max_.session.session_key)
    page = ada.post(f"/settings/users/{cast.nora.pk}/session/end/", {"session": handle}, follow=True).content.decode()
    assert "has ended already" in page
    assert max_.get("/account/").status_code == 200


def test_a_taken_address_is_refused_and_what_was_typed_stays(signed_in) -> None:
    answer = signed_in("ada").post(
        "/settings/users/invite/", {"name": "Max Two", "email": "MAX@clinic.test", "role": "marketer"}
    )
    assert answer.status_code == 422
    assert "signs in with that address already" in answer.content.decode()
    assert "Max Two" in answer.content.decode()


def test_disabling_ends_access_at_once(signed_in, cast) -> None:
    ada, max_ = signed_in("ada"), signed_in("max")
    assert max_.get("/account/").status_code == 200
    ada.post(f"/settings/users/{cast.max.pk}/disable/")
    assert max_.get("/account/").status_code == 302
    assert "user.disable" in actions()
    ada.post(f"/settings/users/{cast.max.pk}/enable/")
    assert User.objects.get(pk=cast.max.pk).is_active
    assert "user.enable" in actions()


def test_nobody_disables_themselves_or_changes_their_own_role(signed_in, cast) -> None:
    ada = signed_in("ada")
    page = ada.post(f"/settings/users/{cast.ada.pk}/disable/", follow=True).content.decode()
    assert "Ask another administrator" in page
    answer = ada.post(f"/settings/users/{cast.ada.pk}/", {"name": "Ada", "role": "auditor"})
    assert answer.status_code == 422
    assert User.objects.get(pk=cast.ada.pk).role == "administrator"


def test_a_role_changes_and_the_person_signs_in_anew(signed_in, cast) -> None:
    ada, max_ = signed_in("ada"), signed_in("max")
    ada.post(f"/settings/users/{cast.max.pk}/", {"name": "Max L.", "role": "reviewer"})
    changed = User.objects.get(pk=cast.max.pk)
    assert (changed.role, changed.name) == ("reviewer", "Max L.")
    assert max_.get("/account/").status_code == 302


def test_a_locked_person_is_unlocked(signed_in, cast) -> None:
    User.objects.filter(pk=cast.max.pk).update(locked_until=clock.now() + timedelta(minutes=10))
    ada = signed_in("ada")
    assert "Locked" in ada.get(f"/settings/users/{cast.max.pk}/").content.decode()
    ada.post(f"/settings/users/{cast.max.pk}/unlock/")
    assert User.objects.get(pk=cast.max.pk).locked_until is None
    assert "user.unlock" in actions()


def test_a_lost_phone_is_replaced_after_a_reset(signed_in, cast) -> None:
    device = services.factor_begin(user=cast.nora)
    TotpDevice.objects.filter(pk=device.pk).update(confirmed=True)
    signed_in("ada").post(f"/settings/users/{cast.nora.pk}/reset-factor/")
    assert not TotpDevice.objects.filter(user=cast.nora).exists()
    assert "user.reset_factor" in actions()


def test_a_disabled_person_gets_no_link(signed_in, cast) -> None:
    ada = signed_in("ada")
    ada.post(f"/settings/users/{cast.max.pk}/disable/")
    page = ada.post(f"/settings/users/{cast.max.pk}/link/", follow=True).content.decode()
    assert "Give access back first" in page
    assert "/account/invitation/" not in page
