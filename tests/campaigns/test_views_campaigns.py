"""The wizard, the decisions and the report, as a browser posts them."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from apps.audit.models import AuditEntry
from apps.campaigns import selectors, services
from apps.campaigns.models import Campaign, CampaignRecipient, State
from apps.campaigns.report import number_behind, people_behind, report_of
from apps.campaigns.services import sending
from apps.core import actors, clock
from apps.delivery.models import OutboxMessage, ReadyMessage
from apps.mail.tls import TlsClass
from apps.segments import services as segments

from .conftest import CLI, SPEC

pytestmark = pytest.mark.django_db


@pytest.fixture
def flu(clinic: SimpleNamespace, cast: SimpleNamespace) -> Campaign:
    return services.campaign_save(actor=actors.staff(cast.max.pk, "marketer"), name="Flu shots", spec=SPEC)


def state(campaign: Campaign) -> str:
    return Campaign.objects.get(pk=campaign.pk).state


def sent_out(campaign: Campaign, at: datetime) -> None:
    """As if it was approved and had gone out at that time."""
    Campaign.objects.filter(pk=campaign.pk).update(
        state="done",
        approval=bytes(16),
        approved_by="staff:1",
        approved_at=at,
        started_at=at,
        audience=3,
        fed_all=True,
    )


def read_by(reviewer: Any, base: str) -> dict[str, str]:
    """What the reviewer's page says about which submission it shows."""
    page = reviewer.get(f"{base}/approval/").content.decode()
    return {"looked_at": page.split('name="looked_at" value="')[1].partition('"')[0]}


def test_a_marketer_walks_through_the_wizard(clinic: SimpleNamespace, signed_in: Any) -> None:
    client = signed_in("max")
    first = client.post("/campaigns/new/", {"name": "Flu shots", "who": "segment", "segment": "Everyone"})
    made = selectors.by_name("Flu shots")
    assert first.headers["Location"] == f"/campaigns/{made.id}/message/"
    base = f"/campaigns/{made.id}"
    second = client.post(f"{base}/message/", {"template": "Flu shot", "brand": "", "version": 1})
    assert second.headers["Location"] == f"{base}/purpose/"
    third = client.post(f"{base}/purpose/", {"purpose": "treatment", "remuneration": "none", "version": 2})
    assert third.headers["Location"] == f"{base}/plan/"
    plan = client.get(f"{base}/plan/").content.decode()
    assert "How will it be protected?" in plan
    assert "The same mailbox already gets this message" in plan
    assert "Everybody the segment finds." in plan
    approval = client.get(f"{base}/approval/").content.decode()
    assert "Ask for approval of 5 messages" in approval
    client.post(f"{base}/submit/")
    waiting = client.get(f"{base}/approval/").content.decode()
    assert "You prepared this campaign" in waiting
    for step in ("audience", "message", "purpose"):
        assert client.get(f"{base}/{step}/").status_code == 200
    for page in ("message", "approval"):
        shown = client.get(f"{base}/{page}/").content.decode()
        assert "Subject</span> A note from your care team at" in shown
        assert "Preview line</span> Two minutes to read" in shown, "a locked phone shows it, so it is looked at"
        assert "{{" not in shown
    mail = client.get(f"{base}/preview/")
    assert "sandbox" in mail.headers["Content-Security-Policy"]
    assert b"flu" in mail.content.lower()


def test_the_plan_warns_of_a_code_that_is_on_nobodys_record(
    flu: Campaign, clinic: SimpleNamespace, signed_in: Any
) -> None:
    """A misspelled vaccine in "never" would write to everybody, and no number of the plan tells."""
    client = signed_in("max")
    assert b"on no record here" not in client.get(f"/campaigns/{flu.pk}/plan/").content
    rule = {"match": "all", "rules": [{"event": "immunization", "op": "never", "code": "influ"}]}
    segments.segment_save(actor=CLI, name="Due for a shot", rule=rule)
    due = services.campaign_save(actor=CLI, name="Shots again", spec=SPEC | {"segment": "Due for a shot"})
    page = client.get(f"/campaigns/{due.pk}/plan/").content.decode()
    assert "“influ” is on no record here (segment “Due for a shot”)." in page


def test_mistakes_come_back_with_what_was_typed(flu: Campaign, signed_in: Any) -> None:
    client = signed_in("max")
    empty = client.post("/campaigns/new/", {"name": "", "who": "segment", "segment": ""})
    assert empty.status_code == 422
    assert b"Choose a segment." in empty.content
    taken = client.post("/campaigns/new/", {"name": "flu SHOTS", "who": "everybody"})
    assert b"Another campaign has this name" in taken.content
    paid = client.post(f"/campaigns/{flu.pk}/purpose/", {"purpose": "treatment", "remuneration": "paid"})
    assert paid.status_code == 422
    assert b"choose Marketing with authorization" in paid.content
    unanswered = client.post(f"/campaigns/{flu.pk}/purpose/", {"purpose": "treatment"})
    assert unanswered.status_code == 422


def test_a_reviewer_decides_and_the_marketer_sends(flu: Campaign, clinic: SimpleNamespace, signed_in: Any) -> None:
    max_, rita = signed_in("max"), signed_in("rita")
    base = f"/campaigns/{flu.pk}"
    max_.post(f"{base}/submit/")
    assert "Approve 5 messages" in rita.get(f"{base}/approval/").content.decode()
    refused = rita.post(f"{base}/reject/", {"comment": "", **read_by(rita, base)}, follow=True)
    # In place, not in a note that goes after six seconds.
    assert (
        '<div class="alert alert-bad" role="alert">' in refused.content.decode().partition("Say what has to change")[0]
    )
    assert refused.content.count(b"Say what has to change") == 1
    rita.post(f"{base}/reject/", {"comment": "Name the place.", **read_by(rita, base)})
    back = max_.get(f"{base}/approval/").content.decode()
    assert back.index("Name the place.") < back.index("Ask for approval of")  # first what to change
    max_.post(f"{base}/submit/")
    rita.post(f"{base}/approve/", {"comment": "Good.", **read_by(rita, base)})
    assert state(flu) == State.APPROVED
    history = max_.get(f"{base}/approval/").content
    for words in (b"Submitted by Max", b"Rejected by Rita", b"Approved by Rita"):
        assert words in history
    assert rita.post(f"{base}/send/").status_code == 403
    page = max_.get(f"{base}/approval/").content.decode()
    assert "Send to 5 people now" in page
    answer = max_.post(f"{base}/send/")
    assert answer.headers["Location"] == f"{base}/"
    assert state(flu) == State.SENDING
    sending.campaign_feed_all(actor=CLI, campaign_id=flu.pk)
    report = max_.get(f"{base}/").content.decode()
    assert "How was it protected?" in report
    assert "What did not arrive, and why?" in report  # what came back did leave
    assert "Pause" in report
    assert "another try" not in report
    assert "0 of 6</span>" in report, "how far it is, and how far it goes"
    last = ReadyMessage.objects.order_by("pk").last()
    OutboxMessage.objects.filter(pk=last.pk).update(attempts=1)
    ReadyMessage.objects.filter(pk=last.pk).update(not_before=clock.now() + timedelta(minutes=15))
    live = max_.get(f"{base}/progress/").content.decode()
    assert "1 message waits for another try" in live
    assert "How far did it get?" in live, "all figures are of one moment"
    max_.post(f"{base}/pause/")
    assert "Resume" in max_.get(f"{base}/").content.decode()
    over = max_.get(f"{base}/progress/")
    assert (over.status_code, over.headers["HX-Redirect"]) == (204, f"{base}/"), "the buttons are others now"
    max_.post(f"{base}/resume/")
    max_.post(f"{base}/cancel/")
    assert state(flu) == State.CANCELLED
    assert max_.get(f"{base}/audience/", follow=True).redirect_chain


def test_a_time_is_chosen_in_the_clinics_zone(flu: Campaign, signed_in: Any, noon: Any) -> None:
    max_, rita = signed_in("max"), signed_in("rita")
    base = f"/campaigns/{flu.pk}"
    max_.post(f"{base}/submit/")
    rita.post(f"{base}/approve/", read_by(rita, base))
    past = max_.post(f"{base}/schedule/", {"send_at_date": "2025-12-02", "send_at_time": "09:00"})
    assert past.status_code == 422
    assert "Choose a time that is still to come, or send now." in past.content.decode()
    assert 'value="2025-12-02"' in past.content.decode(), "what was typed stays"
    assert state(flu) == State.APPROVED
    max_.post(f"{base}/schedule/", {"send_at_date": "2026-12-02", "send_at_time": "09:00"})
    row = Campaign.objects.get(pk=flu.pk)
    assert row.state == State.SCHEDULED
    assert row.send_at.isoformat() == "2026-12-02T14:00:00+00:00"
    assert "Dec 2, 2026, 9:00 AM EST" in max_.get(f"{base}/approval/").content.decode()
    wrong = max_.post(f"{base}/schedule/", {"send_at_date": "", "send_at_time": "x"}, follow=True)
    assert b"Choose a day and a time." in wrong.content
    max_.post(f"{base}/unschedule/")
    assert state(flu) == State.APPROVED


def test_every_number_opens_a_masked_list_on_the_trail(flu: Campaign, clinic: SimpleNamespace, signed_in: Any) -> None:
    rita = signed_in("rita")
    base = f"/campaigns/{flu.pk}"
    for kind, word in [("route", "tls"), ("route", "portal"), ("held", "minor"), ("held", "duplicate_mailbox")]:
        page = rita.get(f"{base}/plan/{kind}/{word}/")
        assert page.status_code == 200
        assert b"Quist" not in page.content
    assert AuditEntry.objects.filter(action="campaign.list").count() == 4
    for kind, word in [("route", "pigeon"), ("held", "x"), ("x", "tls")]:
        assert rita.get(f"{base}/plan/{kind}/{word}/").status_code == 404


def test_the_reports_lists_and_export(flu: Campaign, clinic: SimpleNamespace, signed_in: Any, noon: Any) -> None:
    max_, rita, ada = signed_in("max"), signed_in("rita"), signed_in("ada")
    base = f"/campaigns/{flu.pk}"
    max_.post(f"{base}/submit/")
    rita.post(f"{base}/approve/", read_by(rita, base))
    max_.post(f"{base}/send/")
    sending.campaign_feed_all(actor=CLI, campaign_id=flu.pk)
    OutboxMessage.objects.filter(person_id=clinic.tls).update(
        state="sent", route="tls", finished_at=noon + timedelta(minutes=1)
    )
    for what in ("audience", "sent", "waiting", "clicked", "held/minor", "route/tls", "failure/network"):
        assert rita.get(f"{base}/people/{what}/").status_code == 200, what
    assert rita.get(f"{base}/people/nonsense/").status_code == 404
    assert rita.post(f"{base}/export/").status_code == 403
    figures = max_.post(f"{base}/figures/").content.decode().splitlines()
    assert {"section,figure,number", "reach,audience,13", "reach,secured,1", "routes,Verified TLS,1"} <= set(figures)
    assert any(line.startswith("held,") for line in figures)
    assert "goodmail" not in "".join(figures)
    assert AuditEntry.objects.filter(action="campaign.export", codes__figures=1).count() == 1
    lines = b"".join(ada.post(f"{base}/export/").streaming_content).decode().splitlines()
    assert lines[0] == "person,outcome,secured_by,reason,clicked,read_in_portal,unsubscribed"
    assert len(lines) == 14
    assert f"{clinic.tls},sent,tls,,,," in lines
    assert f"{clinic.dead},held,,deceased,,," in lines
    named = b"".join(ada.post(f"{base}/export/", {"named": "yes"}).streaming_content).decode()
    assert "tls@goodmail.test" in named
    assert AuditEntry.objects.filter(action="campaign.export", codes__people=13).count() == 2


def test_a_letter_to_everybody_is_not_called_verified_where_nothing_was_checked(
    flu: Campaign, clinic: SimpleNamespace, signed_in: Any, noon: Any
) -> None:
    """Business mail goes over whatever connection there is: bar, list and "Secured" say the same of it."""
    rule = {"match": "all", "rules": [{"field": "relation", "op": "is", "value": "b2b"}]}
    segments.segment_save(actor=CLI, name="Practices", rule=rule)
    made = services.campaign_save(
        actor=CLI, name="For practices", spec=SPEC | {"segment": "Practices", "purpose": "b2b"}
    )
    sent_out(made, noon)
    Campaign.objects.filter(pk=made.pk).update(level=1)  # a text that is nobody's health, unlike the scene's
    sent = {"source_id": made.pk, "state": "sent", "route": "tls", "finished_at": noon, "kind": "campaign"}
    for person, tls in ((clinic.tls, TlsClass.WEBPKI), (clinic.pgp, TlsClass.OPPORTUNISTIC)):
        OutboxMessage.objects.create(**sent, stream="bulk", purpose="b2b", level=1, person_id=person, tls_class=tls)
    rita = signed_in("rita")
    found = report_of(Campaign.objects.get(pk=made.pk))
    assert (found.sent, found.secured, found.routes["tls"]) == (2, 1, 2)
    assert people_behind(made, "secured") == [clinic.tls]
    page = rita.get(f"/campaigns/{made.pk}/people/route/tls/").content.decode()
    assert "TLS where possible" in page
    assert "Verified TLS" not in page
    report = rita.get(f"/campaigns/{made.pk}/").content.decode()
    assert f"/campaigns/{made.pk}/people/secured/" in report
    plan = rita.get(f"/campaigns/{made.pk}/plan/route/tls/").content.decode()
    assert "TLS where possible" in plan


def test_home_delivery_and_the_report_count_alike_what_did_not_arrive(
    flu: Campaign, clinic: SimpleNamespace, signed_in: Any, noon: Any
) -> None:
    """Two of three numbers used to leave out what bounced, or what failed."""
    sent_out(flu, noon)
    for person, state, reason in (
        (clinic.tls, "failed", "policy"),
        (clinic.pgp, "bounced", "hard"),
        (clinic.dead, "bounced", "full"),
    ):
        OutboxMessage.objects.create(
            kind="campaign",
            source_id=flu.pk,
            stream="bulk",
            purpose="treatment",
            level=2,
            person_id=person,
            state=state,
            reason=reason,
            route="tls",
            finished_at=noon,
        )
    ada = signed_in("ada")
    home = ada.get("/").content.decode()
    assert "3 messages did not arrive since yesterday" in home
    assert "1 failed, 2 bounced." in home
    assert "/delivery/?state=lost" in home
    delivery = ada.get("/delivery/?state=lost").content.decode()
    assert "in the last 24 hours: 1 failed, 2 bounced" in delivery
    assert delivery.count('data-card="title"') == 3
    report = ada.get(f"/campaigns/{flu.pk}/").content.decode()
    assert "Refused by the mail server: 1 failed, 2 bounced." in report
    found = report_of(Campaign.objects.get(pk=flu.pk))
    assert found.secured == sum(found.routes.values()) == found.sent == 2, "health information leaves protected only"
    assert len(people_behind(flu, "secured")) == 2
    assert len(people_behind(flu, "lost")) == 3
    assert number_behind(flu, "lost") == 3
    behind = ada.get(f"/campaigns/{flu.pk}/people/lost/").content.decode()
    assert "<span>3 people</span>" in behind, "the list says the number one came from"


def test_a_nurse_finds_out_why_a_patient_did_not_get_the_last_campaign(
    flu: Campaign, clinic: SimpleNamespace, signed_in: Any, noon: Any
) -> None:
    sent_out(flu, clock.now())
    CampaignRecipient.objects.create(campaign=flu, person=clinic.tls, held="no_consent")
    nora = signed_in("nora")
    page = nora.get(f"/contacts/{clinic.tls}/tab/messages/").content.decode()
    assert "Did not get" in page
    assert selectors.opened(flu).name in page
    assert "No consent for this purpose" in page
    assert "Did not get" not in nora.get(f"/contacts/{clinic.weak}/tab/messages/").content.decode()


@pytest.mark.parametrize(
    ("who", "sees", "edits"), [("max", 200, 200), ("rita", 200, 403), ("otto", 200, 403), ("nora", 403, 403)]
)
def test_who_may_look_and_who_may_edit(flu: Campaign, signed_in: Any, who: str, sees: int, edits: int) -> None:
    client = signed_in(who)
    assert client.get("/campaigns/").status_code == sees
    assert client.get(f"/campaigns/{flu.pk}/plan/").status_code == sees
    assert client.get("/campaigns/new/").status_code == edits
    assert client.get(f"/campaigns/{flu.pk}/audience/").status_code == edits
    if who != "max":
        assert client.post(f"/campaigns/{flu.pk}/submit/").status_code == 403
    if who not in ("rita",):
        assert client.post(f"/campaigns/{flu.pk}/approve/").status_code == 403
    assert client.get("/campaigns/999999/").status_code in (404, 403)


def test_the_list_searches_and_filters(flu: Campaign, signed_in: Any) -> None:
    client = signed_in("max")
    page = client.get("/campaigns/").content.decode()
    assert "Flu shots" in page
    assert '<span class="cell-sub">Everyone</span>' in page, "the name of the segment, not its number"
    assert b"Flu shots" in client.post("/campaigns/", {"q": "flu", "state": "draft"}).content
    assert b"No campaign matches" in client.post("/campaigns/", {"q": "flu", "state": "done"}).content
    copy = client.post(f"/campaigns/{flu.pk}/duplicate/")
    assert copy.headers["Location"].endswith("/audience/")
    client.post(f"/campaigns/{flu.pk}/delete/")
    assert not Campaign.objects.filter(pk=flu.pk).exists()


def test_whoever_prepares_it_tests_it_on_the_last_page_too(
    flu: Campaign, signed_in: Any, cast: SimpleNamespace
) -> None:
    max_, rita = signed_in("max"), signed_in("rita")
    base = f"/campaigns/{flu.pk}"
    assert "Send a test to" in max_.get(f"{base}/approval/").content.decode()
    answer = max_.post(f"{base}/test/", {"from": "approval"})
    assert answer.headers["Location"] == f"{base}/approval/"
    assert OutboxMessage.objects.filter(kind="test").count() == 2, "one in each language"
    assert max_.post(f"{base}/test/").headers["Location"] == f"{base}/message/"
    # Who may not edit is not offered what would be refused.
    assert "Send a test to" not in rita.get(f"{base}/approval/").content.decode()
    assert rita.post(f"{base}/test/", {"from": "approval"}).status_code == 403


def test_on_the_first_day_the_wizard_says_what_to_make_first(db: None, signed_in: Any) -> None:
    client = signed_in("max")
    empty = client.get("/campaigns/").content.decode()
    assert "No campaigns yet" in empty
    assert empty.count('href="/campaigns/new/"') == 1
    assert "There is no segment yet" in client.get("/campaigns/new/").content.decode()
    client.post("/campaigns/new/", {"name": "First", "who": "everybody"})
    made = selectors.by_name("First")
    assert "There is no template yet" in client.get(f"/campaigns/{made.id}/message/").content.decode()
