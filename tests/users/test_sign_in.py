"""Max signs in; strangers, thieves and people who forgot their phone do not (or do by a recovery code)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django_otp.oath import TOTP

from apps.audit.models import AuditEntry
from apps.core import actors, clock
from apps.users import services
from apps.users.models import TotpDevice, User
from tests.conftest import PASSWORD
from tests.refusals import refused

pytestmark = pytest.mark.django_db
SIGN_IN = "/account/sign-in/"


def give_password(client: Client, name: str = "max", password: str = PASSWORD):
    return client.post(SIGN_IN, {"login": f"{name}@clinic.test", "password": password})


def code_of(device: TotpDevice) -> str:
    totp = TOTP(device.secret)
    totp.time = clock.now().timestamp()
    return f"{totp.token():06d}"


def enrolled(user: User) -> TotpDevice:
    device = services.factor_begin(user=user)
    TotpDevice.objects.filter(pk=device.pk).update(confirmed=True)
    return TotpDevice.objects.get(pk=device.pk)


def test_the_first_sign_in_leads_to_enrolment_and_shows_recovery_codes_once(cast, noon) -> None:
    client = Client()
    assert give_password(client).status_code == 302
    page = client.get("/account/enrol/")
    assert b"<svg" in page.content
    device = TotpDevice.objects.get(user=cast.max)
    answer = client.post("/account/enrol/", {"code": code_of(device)})
    assert answer.status_code == 200
    assert answer.content.count(b"<code") >= 10
    assert TotpDevice.objects.get(user=cast.max).confirmed
    assert client.get("/account/session/").status_code == 200


def test_a_password_alone_opens_nothing_and_a_code_works_once(cast, noon) -> None:
    device = enrolled(cast.max)
    first, second = Client(), Client()
    for client in (first, second):
        give_password(client)
        assert client.get("/account/session/")["Location"] == "/account/verify/"
    code = code_of(device)
    assert first.post("/account/verify/", {"code": code}).status_code == 302
    assert first.get("/account/session/").status_code == 200
    assert second.post("/account/verify/", {"code": code}).status_code == 422
    assert second.get("/account/session/").status_code == 302


def test_five_wrong_tries_lock_and_the_lock_ends_by_itself(cast, noon) -> None:
    client = Client()
    for _ in range(5):
        assert give_password(client, password="wrong password").status_code == 200
    answer = give_password(client)
    assert "locked" in answer.content.decode()
    with clock.frozen(noon + timedelta(minutes=16)):
        assert give_password(Client()).status_code == 302
    assert AuditEntry.objects.filter(action="user.lock", subject=str(cast.max.pk)).count() == 1


def test_a_stranger_cannot_tell_known_from_unknown_addresses(cast) -> None:
    known = give_password(Client(), "max", "wrong password")
    unknown = give_password(Client(), "nobody", "wrong password")
    assert known.status_code == unknown.status_code
    strip = lambda page, name: page.content.decode().replace(name, "").split("csrfmiddlewaretoken")[0]  # noqa: E731
    assert strip(known, "max") == strip(unknown, "nobody")


def test_fifteen_idle_minutes_end_the_session(signed_in, noon) -> None:
    client = signed_in("max")
    assert client.get("/account/session/").status_code == 200
    with clock.frozen(noon + timedelta(minutes=14)):
        assert client.get("/account/session/", headers={"X-Passive": "1"}).json()["seconds_left"] == 60
    with clock.frozen(noon + timedelta(minutes=15, seconds=1)):
        assert client.get("/account/session/").status_code == 302
    assert AuditEntry.objects.filter(action="user.session_expire").count() == 1


def test_twelve_hours_end_the_session_even_of_a_busy_person(signed_in, noon) -> None:
    client = signed_in("max")
    for minutes in range(0, 12 * 60, 10):
        with clock.frozen(noon + timedelta(minutes=minutes)):
            assert client.get("/account/session/").status_code == 200
    with clock.frozen(noon + timedelta(hours=12, minutes=1)):
        assert client.get("/account/session/").status_code == 302


def test_a_recovery_code_opens_once(cast, noon) -> None:
    enrolled(cast.max)
    codes = services.recovery_codes_renew(actor=actors.COMMAND_LINE, user=cast.max)
    client = Client()
    give_password(client)
    assert client.post("/account/verify/", {"code": codes[3].upper()}).status_code == 302
    assert client.get("/account/session/").status_code == 200
    again = Client()
    give_password(again)
    assert again.post("/account/verify/", {"code": codes[3]}).status_code == 422


def test_disabling_somebody_ends_their_sessions_at_once(signed_in, cast) -> None:
    client = signed_in("max")
    services.user_disable(actor=actors.staff(cast.ada.pk, "administrator"), user=cast.max)
    assert client.get("/account/session/").status_code == 302
    assert give_password(Client()).status_code == 200


def test_the_last_administrator_stays(cast) -> None:
    ada = actors.staff(cast.ada.pk, "administrator")
    with refused("staff.own_access"):
        services.user_disable(actor=ada, user=cast.ada)
    with refused("staff.last_administrator"):
        services.user_disable(actor=actors.COMMAND_LINE, user=cast.ada)


def test_an_invitation_sets_a_password_once(cast) -> None:
    user, path = services.user_invite(
        actor=actors.COMMAND_LINE, email="new@clinic.test", name="Nia New", role="marketer"
    )
    address = f"/account/invitation/{path}/"
    weak = Client().post(address, {"password": "short", "again": "short"})
    assert weak.status_code == 422
    good = {"password": "four words make sense", "again": "four words make sense"}
    assert Client().post(address, good).status_code == 302
    assert Client().get(address).status_code == 410
    assert User.objects.get(pk=user.pk).check_password("four words make sense")


def test_the_database_shows_no_staff_address(cast) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT u::text FROM users_user u")
        assert not any("clinic.test" in row[0] or b"clinic.test".hex() in row[0] for row in cursor.fetchall())


def test_next_leads_nowhere_else(cast, noon) -> None:
    device = enrolled(cast.max)
    client = Client()
    give_password(client)
    answer = client.post("/account/verify/?next=https://evil.test/", {"code": code_of(device)})
    assert answer["Location"] == "/"
