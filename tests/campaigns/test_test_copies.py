"""A marketer sends a test, of a campaign or out of the editor, and is told what became of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from apps.audit.models import AuditEntry
from apps.campaigns import services
from apps.campaigns.models import Campaign, StaffCopy
from apps.campaigns.services import testing
from apps.content import selectors as content
from apps.content import services as content_services
from apps.content.models import Template
from apps.content.views.editor import PERSON
from apps.core import actors, clock
from apps.core.actors import Actor
from apps.delivery import selectors as delivery
from apps.delivery.models import OutboxMessage
from apps.delivery.models.outbox import CONTENT_PLACE
from apps.users import services as users
from apps.vault import sealing
from tests.refusals import refused

from .conftest import CLI, SPEC

pytestmark = pytest.mark.django_db


@pytest.fixture
def max_actor(cast: SimpleNamespace) -> Actor:
    return actors.staff(cast.max.pk, "marketer")


@pytest.fixture
def flu(clinic: SimpleNamespace, max_actor: Actor) -> Campaign:
    return services.campaign_save(actor=max_actor, name="Flu shots", spec=SPEC)


@pytest.fixture
def letter(clinic: SimpleNamespace) -> Template:
    found = content.template_named("Flu shot")
    assert found is not None
    return found


def ended(state: str, reason: str = "") -> None:
    OutboxMessage.objects.filter(kind="test").update(
        state=state, reason=reason, attempts=1, route="tls", finished_at=clock.now()
    )


def mail_of(message: OutboxMessage) -> dict[str, str]:
    found: dict[str, str] = sealing.open_service(message.content, table=CONTENT_PLACE, row=message.pk)
    return found


def test_a_test_that_bounces_is_told_to_who_sent_it_and_to_nobody_else(
    flu: Campaign, signed_in: Any, cast: SimpleNamespace
) -> None:
    max_, ada = signed_in("max"), signed_in("ada")
    base = f"/campaigns/{flu.pk}"
    max_.post(f"{base}/test/", {"from": "message"})
    waiting = max_.get(f"{base}/message/").content.decode()
    assert "On its way" in waiting
    assert f'hx-get="{base}/tests/"' in waiting, "the page asks again by itself"
    ended("bounced", "hard")
    for page in (f"{base}/message/", f"{base}/approval/", f"{base}/tests/"):
        shown = max_.get(page).content.decode()
        assert "Did not arrive" in shown
        assert "English, to you," in shown
        assert "The mailbox does not exist." in shown
        assert f'hx-get="{base}/tests/"' not in shown, "there is nothing to wait for"
    assert "Did not arrive" not in ada.get(f"{base}/message/").content.decode()


@pytest.mark.parametrize(
    ("state", "reason", "says"),
    [
        ("sent", "", "Arrived"),
        ("held", "suppressed", "The mailbox is suppressed."),
        ("failed", "policy", "The provider's policy refuses the message."),
        ("queued", "", "The mail server asked for another try."),
        ("doubtful", "", "it may have arrived"),
        ("stopped", "", "Stopped"),
    ],
)
def test_every_end_of_a_test_has_words(flu: Campaign, signed_in: Any, state: str, reason: str, says: str) -> None:
    max_ = signed_in("max")
    max_.post(f"/campaigns/{flu.pk}/test/")
    ended(state, reason)
    assert says.replace("'", "&#x27;") in max_.get(f"/campaigns/{flu.pk}/tests/").content.decode()


def test_a_colleague_may_get_it_and_a_stranger_may_not(flu: Campaign, signed_in: Any, cast: SimpleNamespace) -> None:
    max_ = signed_in("max")
    page = max_.get(f"/campaigns/{flu.pk}/message/").content.decode()
    assert f"Yourself ({cast.max.email})" in page
    assert str(cast.rita.email) not in page, "colleagues are named; their addresses are theirs"
    answer = max_.post(f"/campaigns/{flu.pk}/test/", {"reader": cast.rita.pk}, follow=True).content.decode()
    assert f"{cast.rita.name}&#x27;s mailbox" in answer
    sent = OutboxMessage.objects.filter(kind="test")
    assert {mail_of(message)["to"] for message in sent} == {cast.rita.email}
    before = sent.count()
    assert f"to {cast.rita.name}," in max_.get(f"/campaigns/{flu.pk}/tests/").content.decode()
    users.user_disable(actor=actors.staff(cast.ada.pk, "administrator"), user=cast.nora)
    for nobody in (cast.nora.pk, 987654):
        answer = max_.post(f"/campaigns/{flu.pk}/test/", {"reader": nobody}, follow=True)
        assert "Choose a colleague who can sign in." in answer.content.decode()
    assert sent.count() == before


def test_the_draft_in_the_editor_goes_out_as_it_stands(letter: Template, signed_in: Any, cast: SimpleNamespace) -> None:
    """Nothing has to be published, and nothing has to be a campaign."""
    words = {**content.draft_data(letter), "subject": "Not published yet"}
    content_services.template_save(actor=CLI, template_id=letter.pk, version=None, edit=lambda data: words)
    max_ = signed_in("max")
    editor = max_.get(f"/templates/{letter.pk}/").content.decode()
    assert f'hx-get="/campaigns/templates/{letter.pk}/test/"' in editor
    panel = max_.get(f"/campaigns/templates/{letter.pk}/test/").content.decode()
    assert "with an invented person" in panel
    sent = max_.post(f"/campaigns/templates/{letter.pk}/test/", {"variant": "en"})
    assert sent.status_code == 200
    assert "On its way" in sent.content.decode()
    message = OutboxMessage.objects.get(kind="test")
    assert (message.level, message.person_id) == (0, None)
    mail = mail_of(message)
    assert mail["to"] == cast.max.email
    assert "Subject: Not published yet" in mail["head"]
    entry = AuditEntry.objects.get(action="template.test")
    assert (entry.subject, entry.people_count) == (str(letter.pk), 0)
    ended("held", "suppressed")
    assert "The mailbox is suppressed." in max_.get(f"/campaigns/templates/{letter.pk}/tests/").content.decode()


def test_a_language_that_nobody_wrote_is_not_sent(letter: Template, signed_in: Any) -> None:
    bare = {name: value for name, value in content.draft_data(letter).items() if name != "variants"}
    content_services.template_save(actor=CLI, template_id=letter.pk, version=None, edit=lambda data: bare)
    max_ = signed_in("max")
    panel = max_.get(f"/campaigns/templates/{letter.pk}/test/?variant=es").content.decode()
    assert "Nothing is written in this language yet" in panel
    assert max_.post(f"/campaigns/templates/{letter.pk}/test/", {"variant": "es"}).status_code == 422
    assert not OutboxMessage.objects.filter(kind="test").exists()


def test_a_mail_with_a_real_person_in_it_is_health_information_and_stays_with_the_sender(
    letter: Template, clinic: SimpleNamespace, signed_in: Any, cast: SimpleNamespace
) -> None:
    """As masked as the preview for a marketer, protected as what it is, on the trail about that person."""
    max_ = signed_in("max")
    session = max_.session
    session[PERSON] = clinic.tls
    session.save()
    url = f"/campaigns/templates/{letter.pk}/test/"
    panel = max_.get(url).content.decode()
    assert "goes to your own mailbox only" in panel
    assert "<select" not in panel
    answer = max_.post(url, {"variant": "en", "reader": cast.rita.pk})
    assert answer.status_code == 422
    assert "to your own mailbox only" in answer.content.decode()
    assert not StaffCopy.objects.exists()
    assert max_.post(url, {"variant": "en"}).status_code == 200
    message = OutboxMessage.objects.get(kind="test")
    assert message.level == 2
    mail = mail_of(message)
    assert "tls@goodmail.test" not in mail["head"] + mail["entity"]
    entry = AuditEntry.objects.get(action="template.test")
    assert entry.people_count == 1


def test_no_part_of_the_product_sends_a_real_person_to_nobody_in_particular(
    letter: Template, clinic: SimpleNamespace, max_actor: Actor
) -> None:
    with refused("test_copy.of_a_person"):
        testing.template_test(
            actor=max_actor, template_id=letter.pk, language="en", address="x@y.test", person_id=clinic.tls
        )


@pytest.mark.parametrize(("who", "status"), [("max", 200), ("ada", 200), ("rita", 403), ("otto", 403), ("nora", 403)])
def test_who_may_send_a_test_of_a_template(letter: Template, signed_in: Any, who: str, status: int) -> None:
    client = signed_in(who)
    assert client.get(f"/campaigns/templates/{letter.pk}/test/").status_code == status
    assert client.post(f"/campaigns/templates/{letter.pk}/test/").status_code == status
    assert client.get(f"/campaigns/templates/{letter.pk}/tests/").status_code == status


def test_a_deleted_template_is_not_found(letter: Template, signed_in: Any, max_actor: Actor) -> None:
    content_services.template_archive(actor=CLI, template_id=letter.pk)
    assert signed_in("max").get(f"/campaigns/templates/{letter.pk}/test/").status_code == 404
    with refused("template.unknown"):
        testing.template_test(actor=max_actor, template_id=letter.pk, language="en", address="x@y.test")


def test_two_copies_never_share_a_message_id(flu: Campaign, max_actor: Actor) -> None:
    assert delivery.setup().helo
    numbers = [testing.campaign_test(actor=max_actor, campaign_id=flu.pk, address="m@c.test")[0] for _ in range(2)]
    heads = [mail_of(OutboxMessage.objects.get(pk=number))["head"] for number in numbers]
    found = [next(line for line in head.splitlines() if line.startswith("Message-ID")) for head in heads]
    assert found[0] != found[1]
