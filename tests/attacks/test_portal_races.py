"""Many places at once guess one password."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from django.db import connections

from apps.core import actors
from apps.organizations.services import organization_change
from apps.portal import services
from apps.portal.models import Throttle
from apps.portal.services import State
from tests.sizes import grown

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.proof
@pytest.mark.parametrize(
    "address", ["nobody@goodmail.test", *(f"nobody{n}@goodmail.test" for n in range(grown(0, 300)))]
)
def test_a_crowd_has_five_passwords_in_all(address: str, monkeypatch: Any) -> None:
    organization_change(actor=actors.COMMAND_LINE, name="Clinic")
    tried: list[int] = []

    def guess(number: int) -> State:
        try:
            return services.password_sign_in(
                address=address, birth_date=date(1961, 4, 3), password=f"guess {number}", ip=f"203.0.113.{number}"
            ).state
        finally:
            connections.close_all()
            tried.append(number)

    with ThreadPoolExecutor(8) as crowd:
        states = list(crowd.map(guess, range(8)))
    assert len(tried) == 8
    assert states.count(State.WRONG) == 4
    # The fifth locks; the others wait for it and find the lock, so that none of them counts as a new beginning.
    assert states.count(State.LOCKED) == 4
    row = Throttle.objects.get(act="password")
    assert (row.locks, row.count) == (1, 0)
