"""What leaves by mail: neutral, in the person's language, and possible before the clinic is set up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from apps.content import selectors
from apps.content.brands import SAMPLE
from apps.content.merging import merge, render
from apps.mail.compiled import Envelope
from apps.portal import notices

BARE = replace(SAMPLE, phone="", postal_address="")
LINK = "https://portal.clinic.test/portal/m/abc/"


def read(compiled) -> str:
    envelope = Envelope(
        to_address="a@b.test", date=datetime(2026, 11, 22, tzinfo=UTC), message_id="x@y.test", portal_url=LINK
    )
    found = render(merge(compiled, {"account": {"code": "1234 5678"}}, envelope).message)
    assert "{{" not in found.text + found.html + found.subject
    return " ".join((found.subject + " " + found.text).split())


@pytest.mark.parametrize("brand", [SAMPLE, BARE], ids=["set up", "bare"])
@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("kind", ["notice", notices.CODE, notices.LINK, notices.PASSWORD])
@pytest.mark.django_db
def test_every_mail_is_made_in_both_languages_with_and_without_a_telephone(
    kind, language, brand, clinic, monkeypatch
) -> None:
    if kind == "notice":
        monkeypatch.setattr(selectors, "brand_facts", lambda *given: brand)
        compiled = selectors.system_message("portal_notice", language)
    else:
        compiled = notices._account(kind, language, brand)
    text = read(compiled)
    assert (LINK in text) == (kind in ("notice", notices.LINK))
    assert ("1234 5678" in text) == (kind == notices.CODE)
    assert compiled.language == language
    if kind in ("notice", notices.PASSWORD):
        words = {"en": "our office", "es": "al número de nuestra oficina"}[language]
        assert (words in text) == (not brand.phone)


def test_the_link_is_absolute_opaque_and_speaks_the_persons_language(settings) -> None:
    settings.PUBLIC_URL = "https://portal.clinic.test"
    assert notices.link_address("abc", "en") == f"{LINK}?lang=en"
    assert notices.link_address("abc", "es-MX") == f"{LINK}?lang=es"
