"""What every answer carries, whatever kind of page it is; and what no header of a mail may carry."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.content import services as content
from apps.core import actors
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.delivery.outbox.test_message import send_test
from apps.organizations.services import organization_change
from tests.attacks.test_every_address import addresses

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
BREAK = "Clinic\r\nBcc: thief@evil.test\r\n\r\nHello"


def careless(answer: Any) -> list[str]:
    policy = answer.headers.get("Content-Security-Policy", "")
    script = next((part for part in policy.split(";") if part.strip().startswith("script-src")), "")
    wrong = []
    if "default-src 'none'" not in policy or "unsafe" in script or "frame-ancestors 'self'" not in policy:
        wrong.append("policy")
    if answer.headers.get("X-Content-Type-Options") != "nosniff":
        wrong.append("sniffing")
    if "unsafe-inline" in policy and "sandbox" not in policy:
        wrong.append("styles")
    if answer.headers.get("Referrer-Policy") not in ("same-origin", "no-referrer"):
        wrong.append("referrer")
    if "no-store" not in answer.headers.get("Cache-Control", ""):
        wrong.append("cache")
    return wrong


@pytest.mark.parametrize("who", ["ada", "stranger"])
def test_every_answer_is_guarded(signed_in: Any, who: str) -> None:
    client = Client() if who == "stranger" else signed_in(who)
    asked = [
        "/no/such/page",
        *(path for path in addresses("1") if not path.startswith(("/account/sign-out", "/demo/"))),
    ]
    bad = []
    for path in asked:
        for answer in (client.get(path), client.delete(path)):
            if wrong := careless(answer):
                bad.append((path, answer.status_code, wrong))
    assert not bad


@pytest.mark.parametrize("path", ["/portal/lost/", "/account/sign-in/", "/r/u/" + "t" * 60, "/healthz"])
def test_another_host_name_is_no_page_of_ours(path: str, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["care.example.org"]
    client = Client(raise_request_exception=False)
    for host in ("evil.test", "care.example.org.evil.test", "care.example.org:80@evil.test"):
        assert client.post(path, {"email": "rosa@goodmail.test"}, headers={"Host": host}).status_code == 400


def test_a_clinics_name_cannot_add_a_header() -> None:
    from apps.delivery.models import OutboxMessage
    from apps.delivery.models.outbox import CONTENT_PLACE
    from apps.vault import sealing

    organization_change(actor=CLI, name=BREAK)
    number = send_test(actor=CLI, address="staff@clinic.test", level=Level.PUBLIC)
    row = OutboxMessage.objects.get(pk=number)
    head = sealing.open_service(row.content, table=CONTENT_PLACE, row=number)["head"]
    assert "\nBcc:" not in head.replace("\r", "\n")


@pytest.mark.parametrize("field", ["from_name", "from_address", "reply_to", "name"])
def test_a_brand_cannot_add_a_header(field: str) -> None:
    given = {"name": "Lakeside", "from_address": "care@clinic.test", "from_name": "Lakeside", field: BREAK}
    try:
        brand = content.brand_save(actor=CLI, data=given)
    except Refused:
        return
    kept = getattr(brand, "opened", {}) or {}
    assert not {"\n", "\r"} & set(str(kept.get(field, "")))
