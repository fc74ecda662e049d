"""A mail server names the patient in its answer; whoever may not see the address reads the answer."""

from __future__ import annotations

from typing import Any

import pytest

from apps.delivery.models import OutboxMessage
from apps.delivery.models.outbox import EVIDENCE_PLACE
from apps.vault import sealing
from tests.delivery.conftest import people
from tests.delivery.test_inbound import domain, sent
from tests.text import without_tokens

pytestmark = pytest.mark.django_db
__all__ = ["domain", "people", "sent"]


@pytest.mark.parametrize(
    "answer",
    [
        "5.1.1 <Dana@GoodMail.test>: unknown",
        "5.1.1 Dana does not live here",
        "5.2.2 /home/dana is full",
        "5.1.1 dana%goodmail.test, dana(at)goodmail.test",
        "5.1.1 SRS0=xx=goodmail.test=dana@fwd.test",
    ],
)
@pytest.mark.parametrize("who", ["max", "rita", "otto"])
def test_the_name_in_a_servers_answer_is_hidden(sent: Any, signed_in: Any, who: str, answer: str) -> None:
    attempt = {"at": "2026-11-20T12:00:00+00:00", "mx": "mx.goodmail.test", "code": 550, "response": answer}
    evidence = sealing.seal(sent.dana.record_key, {"attempts": [attempt]}, table=EVIDENCE_PLACE, row=sent.row.pk)
    OutboxMessage.objects.filter(pk=sent.row.pk).update(evidence=evidence)
    page = signed_in(who).get(f"/delivery/messages/{sent.row.pk}/").content.decode()
    assert "550 5." in page
    assert "dana" not in without_tokens(page).lower()
