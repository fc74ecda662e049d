"""Guessing a colleague's password and second factor."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP

from apps.core import actors, clock
from apps.users import services
from apps.users.models import TotpDevice, User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def guess(password: str) -> str:
    answer = Client().post("/account/sign-in/", {"login": "max@clinic.test", "password": password})
    assert answer.status_code == 200
    return answer.content.decode().split("csrfmiddlewaretoken")[0] + answer.content.decode().split('role="alert"')[-1]


def test_a_lock_does_not_say_which_guess_was_right(cast: Any, noon: Any) -> None:
    for number in range(5):
        guess(f"guess number {number}")
    assert User.objects.get(pk=cast.max.pk).is_locked(clock.now())
    wrong, right = guess("guess number 6"), guess(PASSWORD)
    strip = lambda page: [line for line in page.splitlines() if "csrf" not in line]  # noqa: E731
    assert strip(wrong) == strip(right)


def test_codes_tried_side_by_side_share_one_pause(cast: Any) -> None:
    device = services.factor_begin(user=cast.max)
    beside = TotpDevice.objects.get(pk=device.pk)  # a second request that began at the same moment
    TotpDevice.objects.filter(pk=device.pk).update(
        throttling_failure_count=10, throttling_failure_timestamp=timezone.now()
    )
    totp = TOTP(beside.secret)
    totp.time = clock.now().timestamp()
    assert not beside.verify_token(f"{totp.token():06}")


def test_two_who_press_the_button_at_once_use_an_invitation_once(cast: Any, noon: Any, monkeypatch: Any) -> None:
    admin = actors.staff(cast.ada.pk, cast.ada.role)
    user, path = services.user_invite(actor=admin, email="new@clinic.test", name="New", role="auditor")
    uid, token = path.split("/")
    both = services.invited(uid, token)
    assert services.invitation_use(uid=uid, token=token, password="the first one wins") == user
    # The second one's look at the link came before the first one's act.
    monkeypatch.setattr(services, "invited", lambda uid, token: both)
    assert services.invitation_use(uid=uid, token=token, password="and the second not") is None
    user.refresh_from_db()
    assert user.check_password("the first one wins")
