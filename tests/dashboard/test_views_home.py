"""Home says what is wrong, what waits, what goes out; the status page asks the parts; the health check is brief."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import OperationalError, connections
from django.test import Client

from apps.core import actors, clock
from apps.dashboard import heartbeat, home_page, status
from apps.organizations.services import organization_change
from apps.ui import datewords
from apps.ui.board import Check, Item, Step

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quiet_cache():
    cache.delete_many([heartbeat.KEY, heartbeat.WORKERS])
    yield
    cache.delete_many([heartbeat.KEY, heartbeat.WORKERS])


def plain(page: str) -> str:
    """The page as it is read, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", "", page).split())


def home(client: Client) -> str:
    answer = client.get("/")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("name", ["ada", "max", "rita", "nora", "otto"])
def test_every_role_has_a_home(signed_in, name) -> None:
    assert name.capitalize() in home(signed_in(name))


def test_a_silent_worker_is_said_and_a_ringing_one_is_all_clear(signed_in) -> None:
    ada = signed_in("ada")
    assert "does not answer" in home(ada)
    heartbeat.note()
    page = home(ada)
    assert "does not answer" not in page
    assert "All clear" in page


def test_the_heartbeat_gets_old(noon) -> None:
    heartbeat.note()
    assert not heartbeat.is_late(noon + timedelta(seconds=90))
    assert heartbeat.is_late(noon + timedelta(seconds=120))


def test_the_first_day_ticks_itself(signed_in) -> None:
    ada = signed_in("ada")
    assert "0 of 5 done" in home(ada)
    facts = {"name": "Riverbend", "phone": "(502) 555-0100", "postal_address": "120 Main Street"}
    organization_change(actor=actors.COMMAND_LINE, **facts)
    assert "1 of 5 done" in home(ada)


def test_nobody_is_asked_for_what_they_may_not_do(signed_in) -> None:
    assert "Your first day" not in home(signed_in("nora"))
    page = home(signed_in("max"))
    assert "Build a segment" in page
    assert "Name your clinic" not in page


def test_the_checklist_goes_when_all_is_done(signed_in, monkeypatch) -> None:
    done = [Step(number, f"Step {number}", "", "", True) for number in range(1, 6)]
    monkeypatch.setitem(home_page.OWN, "first_steps", [lambda user, now: done])
    monkeypatch.setattr(home_page, "modules", lambda: iter(()))
    assert "Your first day" not in home(signed_in("max"))


def test_a_source_that_breaks_does_not_take_the_page_with_it(signed_in, monkeypatch, caplog) -> None:
    def broken(user, now):
        raise RuntimeError("a source is broken")

    monkeypatch.setitem(home_page.OWN, "problems", [broken])
    assert "This page is not complete" in home(signed_in("max"))


def test_what_waits_goes_out_and_went_is_shown(signed_in, monkeypatch) -> None:
    now = clock.now()
    long_ago = now - timedelta(days=12)
    reply = Item("3 replies from patients", "Not answered", "/inbox/", "inbox", at=long_ago, at_words="oldest:")
    plan = Item("Flu clinic", "412 people", "/campaigns/1/", "send", at=now + timedelta(days=2))
    past = Item("Checkups", url="/campaigns/2/", status="sent", at=now, figures=(("Sent", "412"), ("Clicked", "12%")))
    monkeypatch.setitem(home_page.OWN, "waiting", [lambda user, at: [reply]])
    monkeypatch.setitem(home_page.OWN, "upcoming", [lambda user, at: [plan]])
    monkeypatch.setitem(home_page.OWN, "recent", [lambda user, at: [past]])
    page = home(signed_in("max"))
    assert f"Not answered · oldest: {datewords.day(long_ago.astimezone(clock.clinic_zone()))}" in plain(page)
    for words in ("3 replies from patients", "Flu clinic", "412 people", "Checkups", "12%"):
        assert words in page


@pytest.mark.parametrize(
    ("name", "expected"), [("ada", 200), ("otto", 200), ("max", 403), ("rita", 403), ("nora", 403)]
)
def test_who_may_see_the_status(signed_in, name, expected) -> None:
    assert signed_in(name).get("/settings/status/").status_code == expected


def test_the_status_page_names_every_part(signed_in) -> None:
    page = signed_in("ada").get("/settings/status/").content.decode()
    for name, _ in status.CHECKS:
        assert f"<strong>{name}</strong>" in page
    assert "No worker answered" in page


class Workers:
    """Celery's remote control with this many workers; notes what was asked."""

    def __init__(self, living: int) -> None:
        self.living, self.asked = living, []

    def inspect(self, timeout: float, limit: int | None) -> Workers:
        self.asked.append(limit)
        return self

    def ping(self) -> dict[str, dict[str, str]] | None:
        return {f"celery@{number}": {"ok": "pong"} for number in range(self.living)} or None


def test_the_status_page_waits_no_longer_than_for_the_workers_that_the_schedule_met(monkeypatch) -> None:
    from config.celery import app

    monkeypatch.setattr(app, "control", two := Workers(2))
    heartbeat.note_workers()
    assert status.worker(clock.now()).text == "2 workers answered."
    assert two.asked == [None, 2], "the schedule waits for all, the page for those two"
    monkeypatch.setattr(app, "control", Workers(1))
    found = status.worker(clock.now())
    assert (found.state, found.text) == ("warning", "1 of 2 workers answered. Look at the one that is missing.")
    monkeypatch.setattr(app, "control", Workers(0))
    assert status.worker(clock.now()).state == "down"
    heartbeat.note_workers()
    assert heartbeat.workers_known() == 0


def test_what_waits_for_others_is_asked_side_by_side(monkeypatch) -> None:
    """Two checks that each wait for the other's beginning: in a row they would never end."""
    meeting = threading.Barrier(2, timeout=5)

    def waits(now):
        meeting.wait()
        return Check("x", "ok", "", "world")

    monkeypatch.setattr(status, "CHECKS", [("Worker", waits), ("Web certificate", waits)])
    assert [found.state for found in status.checks(clock.now())][:2] == ["ok", "ok"]


def test_a_part_that_cannot_be_asked_is_down(monkeypatch) -> None:
    def silent(now):
        raise OSError("no route")

    monkeypatch.setattr(status, "CHECKS", [("Redis", silent)])
    found = next(iter(status.checks(clock.now())))
    assert (found.name, found.state) == ("Redis", "down")


def test_the_health_check_is_open_and_says_nothing_else(monkeypatch) -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}
    monkeypatch.setattr("apps.dashboard.views.healthy", lambda: False)
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable"})


def test_the_health_check_says_so_when_the_database_is_away(monkeypatch) -> None:
    """A load balancer asks through every middleware, and they would like to read rows, too."""

    def gone(*_: object, **__: object) -> None:
        raise OperationalError("the connection is lost")

    for alias in connections:
        monkeypatch.setattr(connections[alias], "cursor", gone)
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable"})


@pytest.mark.parametrize(
    ("utc", "said"),
    [(5, "Good morning"), (9, "Good morning"), (16, "Good morning"), (17, "Good afternoon"), (22, "Good afternoon"),
     (23, "Good evening"), (4, "Good evening")],
)  # fmt: skip
def test_the_greeting_goes_by_the_clinics_clock(signed_in, utc, said) -> None:
    """New York is five hours behind in November: 9:50 UTC is ten to five in the morning there."""
    with clock.frozen(datetime(2026, 11, 22, utc, 50, tzinfo=UTC)):
        assert said in home(signed_in("ada"))


def test_what_is_worst_stands_first() -> None:
    found = [Item("one", tone="caution"), Item("two", tone="bad"), Item("three", tone="caution"), Item("four")]
    assert [item.title for item in home_page.by_severity(found)] == ["two", "one", "three", "four"]
