"""A patient presses a link, and another wants no more mail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client

from apps.audit.models import AuditEntry
from apps.contacts import services as contacts
from apps.contacts.models import Suppression, TimelineEvent
from apps.contacts.person import search_values, selectors
from apps.core import actors, clock
from apps.tracking import links, services, undoing
from apps.tracking.models import Click, LinkTarget
from tests.refusals import refused
from tests.text import without_tokens

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
SENT = datetime(2026, 11, 20, 12, tzinfo=UTC)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:135.0) Gecko/20100101 Firefox/135.0"
ADDRESS = "dana@goodmail.test"


@pytest.fixture
def dana():
    return contacts.contact_create(actor=CLI, profile={"first_name": "Dana", "email": ADDRESS})


@pytest.fixture
def stranger():
    """A mail program: it checks CSRF like a real server would, and has no cookies."""
    return Client(enforce_csrf_checks=True)


def path(url: str) -> str:
    return "/r/" + url.partition("/r/")[2]


def unsubscribe_path(person, message=77, **more) -> str:
    return path(
        links.unsubscribe_url(
            mailbox=search_values.mailbox(ADDRESS), person=person.id, message=message, campaign=12, **more
        )
    )


def scopes() -> set[str]:
    return set(Suppression.objects.values_list("scope", flat=True))


# -- unsubscribing ---------------------------------------------------------------------------------------------


def test_one_click_works_without_cookie_or_redirect_in_both_body_types(dana, stranger):
    url = unsubscribe_path(dana)
    for body in (
        {"data": "List-Unsubscribe=One-Click", "content_type": "application/x-www-form-urlencoded"},
        {"data": {"List-Unsubscribe": "One-Click"}},  # multipart/form-data
    ):
        Suppression.objects.all().delete()
        answer = stranger.post(url, **body)
        assert answer.status_code == 200
        assert not answer.cookies
        assert scopes() == {"commercial"}


def test_pressing_twice_is_one_unsubscribe(dana, stranger):
    url = unsubscribe_path(dana)
    for _ in range(2):
        assert stranger.post(url, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert Suppression.objects.count() == 1
    assert TimelineEvent.objects.filter(person_id=dana.id).count() == 1
    assert AuditEntry.objects.filter(action="suppression.add").count() == 1


def test_a_scanner_that_only_looks_stops_nothing(dana, stranger):
    url = unsubscribe_path(dana)
    for look in (stranger.get, stranger.head):
        assert look(url).status_code == 200
    assert stranger.put(url).status_code == 405
    assert stranger.post(url).status_code == 200
    assert stranger.post(url, {"something": "else"}).status_code == 200
    assert scopes() == set()


def test_the_page_asks_stops_offers_reminders_and_undoes(dana, stranger):
    url = unsubscribe_path(dana)
    page = stranger.get(url).content.decode()
    assert "Stop these e-mails" in page
    assert ADDRESS not in page
    assert "Dana" not in without_tokens(page)
    done = stranger.post(url, {"step": "stop"}).content.decode()
    assert "You are unsubscribed" in done
    assert "Stop reminders too" in done
    assert scopes() == {"commercial"}
    ticket = ticket_in(stranger.post(url, {"step": "stop_all"}))
    assert scopes() == {"commercial", "reminders"}
    assert "was undone" in stranger.post(url, {"step": "undo", "ticket": ticket}).content.decode()
    assert scopes() == set()


def ticket_in(answer) -> str:
    return answer.content.decode().split('name="ticket" value="')[1].split('"')[0]


def test_an_unsubscribe_cannot_be_undone_after_ten_minutes(dana, stranger):
    url = unsubscribe_path(dana)
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    with clock.frozen(at):
        ticket = ticket_in(stranger.post(url, {"step": "stop"}))
    with clock.frozen(at + timedelta(minutes=10)):
        assert "too late" in stranger.post(url, {"step": "undo", "ticket": ticket}).content.decode()
        assert scopes() == {"commercial"}
        # Whoever finds the mail later and presses Stop again gets a fresh answer page, and still lifts nothing.
        fresh = ticket_in(stranger.post(url, {"step": "stop"}))
        stranger.post(url, {"step": "undo", "ticket": fresh})
    assert scopes() == {"commercial"}


@pytest.mark.parametrize("ticket", ["", "x", "é", "A" * 32, "A" * 5000])
def test_undo_needs_the_page_that_answered(dana, stranger, ticket):
    url = unsubscribe_path(dana)
    stranger.post(url, {"step": "stop"})
    assert "too late" in stranger.post(url, {"step": "undo", "ticket": ticket}).content.decode()
    assert scopes() == {"commercial"}


def test_staff_do_not_subscribe_again_without_a_new_consent(dana, stranger):
    stranger.post(unsubscribe_path(dana), {"step": "stop"})
    with refused("mailbox.unsubscribed"):
        contacts.unsuppress(actor=CLI, person_id=dana.id, reason="we would like to write")
    assert scopes() == {"commercial"}
    contacts.consent_record(
        actor=CLI,
        person_id=dana.id,
        purpose="marketing",
        state="granted",
        on=clock.now().astimezone(clock.clinic_zone()).date(),
        method="telephone",
    )
    assert contacts.unsuppress(actor=CLI, person_id=dana.id, reason="she agreed again") == 1
    assert scopes() == set()


def test_it_is_in_force_before_the_next_message(dana, stranger):
    stranger.post(unsubscribe_path(dana), {"List-Unsubscribe": "One-Click"})
    opened = selectors.open_person(actor=CLI, purpose="next message", person_id=dana.id)
    assert opened.suppressions == {"commercial"}


def test_everybody_of_the_mailbox_is_meant(dana, stranger):
    other = contacts.contact_create(actor=CLI, profile={"first_name": "Kim", "email": ADDRESS.upper()})
    stranger.post(unsubscribe_path(dana), {"List-Unsubscribe": "One-Click"})
    assert selectors.open_person(actor=CLI, purpose="x", person_id=other.id).suppressions == {"commercial"}


def test_undo_lifts_no_bounce_and_no_complaint(dana, stranger):
    contacts.suppress(actor=CLI, address=ADDRESS, scope="all", reason="hard_bounce")
    contacts.suppress(actor=CLI, address=ADDRESS, scope="commercial", reason="complaint")
    ticket = undoing.ticket(clock.now())
    assert "was undone" in stranger.post(unsubscribe_path(dana), {"step": "undo", "ticket": ticket}).content.decode()
    assert scopes() == {"all", "commercial"}


def test_in_spanish(dana, stranger):
    assert "Dejar de recibir estos correos" in stranger.get(unsubscribe_path(dana, language="es")).content.decode()
    page = stranger.get(unsubscribe_path(dana), headers={"accept-language": "es-MX,es;q=0.9"})
    assert "¿Desea dejar" in page.content.decode()
    assert page["Content-Language"] == "es"


def test_a_link_that_was_cut_says_so_and_changes_nothing(dana, stranger, noon):
    """A mail program broke the line: nobody leaves believing that they are unsubscribed."""
    good = unsubscribe_path(dana)
    click = path(links.click_url(message=1, person=dana.id, target=1, sent=SENT)).replace("/r/c/", "/r/u/")
    altered = good[:-1] + ("A" if good[-1] != "A" else "B")
    for url in (good[:-1], good[:-5], altered, click, "/r/u/x", "/r/u/" + "A" * 500):
        for answer in (
            stranger.get(url),
            stranger.post(url, {"List-Unsubscribe": "One-Click"}),
            stranger.post(url, {"step": "stop_all"}),
            stranger.post(url, {"step": "undo", "ticket": undoing.ticket(noon)}),
        ):
            assert answer.status_code == 404
            assert "This link is not complete" in answer.content.decode()
            assert "Nothing was changed" in answer.content.decode()
            assert "<form" not in answer.content.decode()
            assert not answer.cookies
    assert scopes() == set()
    assert "no está completo" in stranger.get(good[:-1] + "?language=es").content.decode()
    stranger.post(good, {"step": "stop"})
    assert scopes() == {"commercial"}


def test_strange_bodies_are_answered(dana, stranger):
    url = unsubscribe_path(dana)
    for body, kind in [
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"x", "multipart/form-data"),
        (b"List-Unsubscribe=One-Click" + b"&a=b" * 40_000, "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "application/json"),
    ]:
        assert stranger.post(url, data=body, content_type=kind).status_code in {200, 400}
    assert scopes() == set()


def test_the_page_needs_no_sign_in_and_is_kept_nowhere(dana, stranger):
    answer = stranger.get(unsubscribe_path(dana))
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Robots-Tag"].startswith("noindex")


# -- clicks ----------------------------------------------------------------------------------------------------


def click_path(person, url="https://harbor.example/visit", message=77, **more) -> str:
    target = services.targets_for(actor=CLI, urls=[url])[url]
    return path(
        links.click_url(message=message, person=person.id, target=target, sent=SENT, **{"campaign": 12, **more})
    )


def press(client, url, seconds, agent=FIREFOX, method="get"):
    with clock.frozen(SENT + timedelta(seconds=seconds)):
        return getattr(client, method)(url, headers={"user-agent": agent})


def settle(seconds):
    with clock.frozen(SENT + timedelta(seconds=seconds)):
        return services.clicks_settle(actor=actors.system("beat"))


def events(person):
    return TimelineEvent.objects.filter(person_id=person.id).count()


def test_a_person_clicks_and_the_timeline_knows_a_minute_later(dana, stranger):
    answer = press(stranger, click_path(dana), 600)
    assert answer.status_code == 302
    assert answer["Location"] == "https://harbor.example/visit"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert settle(630) == {"people": 0, "machines": 0}
    assert settle(661) == {"people": 1, "machines": 0}
    assert settle(700) == {"people": 0, "machines": 0}
    opened = selectors.open_person(actor=CLI, purpose="x", person_id=dana.id)
    selectors.load_events({dana.id: opened})
    assert [event["kind"] for event in opened.events] == ["message.clicked"]
    assert opened.events[0]["campaign"] == 12


def test_clicking_again_counts_once(dana, stranger):
    for seconds in (600, 900, 1200):
        press(stranger, click_path(dana), seconds)
    settle(2000)
    assert events(dana) == 1


def test_scanners_move_nobody(dana, stranger):
    pages = [f"https://harbor.example/{number}" for number in range(4)]
    for page in pages:
        press(stranger, click_path(dana, page), 600)
    press(stranger, click_path(dana, message=78), 700, method="head")
    press(stranger, click_path(dana, message=79), 2)
    press(stranger, click_path(dana, message=80), 900, agent="curl/8")
    assert settle(2000) == {"people": 0, "machines": 7}
    assert events(dana) == 0


def test_the_link_nobody_sees_unmasks_a_scanner(dana, stranger):
    press(stranger, click_path(dana), 600)
    trap = path(links.click_url(message=77, person=dana.id, target=0, sent=SENT, trap=True))
    assert press(stranger, trap, 601).status_code == 404
    assert settle(2000)["people"] == 0


def test_previews_lead_on_and_leave_no_trace(dana, stranger):
    assert press(stranger, click_path(dana, message=0), 600).status_code == 302
    assert Click.objects.count() == 0


def test_no_token_leads_anywhere_else(dana, stranger):
    for url in ("/r/c/https://evil.example", "/r/c/" + "A" * 60, unsubscribe_path(dana).replace("/u/", "/c/")):
        answer = stranger.get(url)
        assert answer.status_code == 404
        assert "Location" not in answer
    assert stranger.post(click_path(dana)).status_code in {403, 405}


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "//evil.example", "/relative", "https://", "ftp://x.example", "data:text/html,hi"),
        *("https://a@evil.example/", "https://x.example/\r\nSet-Cookie: a=b", "https:\\\\evil.example", "https://[::1"),
    ],
)
def test_only_whole_web_addresses_become_targets(url):
    with refused("link.not_web"):
        services.targets_for(actor=CLI, urls=[url])


def test_targets_are_made_once_and_tell_nothing_in_the_database():
    first = services.targets_for(actor=CLI, urls=["https://harbor.example/diabetes"])
    assert services.targets_for(actor=CLI, urls=["https://harbor.example/diabetes"]) == first
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text, encode(sealed, 'escape') FROM tracking_linktarget t")
        assert "diabetes" not in str(cursor.fetchall())
    assert LinkTarget.objects.count() == 1


def test_a_thousand_requests_fill_no_table(dana, stranger):
    url = click_path(dana)
    for _ in range(services.CLICKS_KEPT_PER_MESSAGE + 5):
        press(stranger, url, 600)
    assert Click.objects.count() == services.CLICKS_KEPT_PER_MESSAGE


def test_an_erased_person_gets_no_event(dana, stranger):
    url, away = click_path(dana), unsubscribe_path(dana)
    contacts.contact_erase(actor=CLI, person_id=dana.id, reason="asked for it")
    press(stranger, url, 600)
    settle(2000)
    assert stranger.post(away, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert scopes() == {"commercial"}
    assert events(dana) == 0
