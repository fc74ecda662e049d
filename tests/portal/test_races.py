"""Two answers at the same moment: a code opens one session, and a crowd of robots has five tries, not fifty."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from django.db import connections

from apps.audit.models import AuditEntry
from apps.core import actors
from apps.portal import policy, selectors, services
from apps.portal.models import Conversation, PortalSession, Reply
from apps.portal.services import State
from tests.portal.conftest import BORN, words_of, write_to

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(act: Callable[[int], Any], times: int) -> list[Any]:
    def run(number: int) -> Any:
        try:
            return act(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as crowd:
        return list(crowd.map(run, range(times)))


def test_a_code_typed_twice_at_once_opens_one_session(rosa, letters) -> None:
    link = selectors.live_link(write_to(rosa).token)
    browser = policy.new_secret()
    services.code_ask(link=link, browser=browser, ip="203.0.113.1", language="en")
    code = next(word for word in words_of(letters()[-1]).split("\n") if policy.bare_code(word.strip()))
    born = date.fromisoformat(BORN["rosa"])
    outcomes = at_once(
        lambda _: services.code_prove(link=link, browser=browser, code=code.strip(), birth_date=born).state, 4
    )
    assert outcomes.count(State.IN) == 1
    assert PortalSession.objects.count() == 1


def test_a_crowd_of_robots_has_five_tries_in_all(rosa) -> None:
    link = selectors.live_link(write_to(rosa).token)
    outcomes = at_once(
        lambda number: (
            services.code_prove(
                link=link, browser=policy.new_secret(), code=f"{number:08}", birth_date=date(1961, 4, 3)
            ).state
        ),
        8,
    )
    assert outcomes.count(State.WRONG) == 4
    assert outcomes.count(State.LOCKED) == 4
    assert AuditEntry.objects.filter(action="portal.sign_in_failed").count() == 5


def test_a_button_pressed_twice_at_once_sends_one_reply_in_one_conversation(rosa) -> None:
    message, once = write_to(rosa).message, uuid.uuid4()
    at_once(
        lambda _: services.reply_send(
            actor=actors.patient(rosa.id), person_id=rosa.id, public=str(message.public), text="Hello", once=once
        ),
        3,
    )
    assert Reply.objects.count() == 1
    assert Conversation.objects.count() == 1
