"""A small clinic for campaigns: one person for every line of a plan."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from apps.contacts import services as contacts
from apps.content import services as content
from apps.core import actors
from apps.delivery.models import MailDomain, RecipientKey
from apps.organizations.services import organization_change
from apps.segments import services as segments

CLI = actors.COMMAND_LINE
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
STARTERS = Path(content.__file__).parent / "presets"
EVERYBODY = {"match": "all", "rules": []}
SPEC = {"segment": "Everyone", "template": "Flu shot", "purpose": "treatment", "remuneration": "none"}


def profile(name: str, **more: Any) -> dict[str, Any]:
    base = {
        "first_name": name,
        "last_name": "Quist",
        "sex": "F",
        "birth_date": "1960-05-01",
        "email": f"{name.lower()}@goodmail.test",
    }
    return {key: value for key, value in {**base, **more}.items() if value is not None}


@pytest.fixture
def template(db: None) -> None:
    """A brand with a postal address, and a template published from a starter."""
    organization_change(
        actor=CLI, name="Lakeside Clinic", postal_address="1 Main Street, Lexington, KY 40507", phone="859-555-0100"
    )
    content.brand_save(
        actor=CLI, data={"name": "Lakeside", "from_address": "care@clinic.test", "from_name": "Lakeside Clinic"}
    )
    for name, file in (("Flu shot", "flu_shot_invitation"), ("Newsletter", "clinic_newsletter")):
        starter = json.loads((STARTERS / f"{file}.json").read_text())
        content.template_create(actor=CLI, name=name, data=starter["design"])


@pytest.fixture
def clinic(noon: datetime, template: None) -> SimpleNamespace:
    """The people, by what happens to their copy."""
    made = SimpleNamespace()

    def person(key: str, **more: Any) -> int:
        number = contacts.contact_create(actor=CLI, profile=profile(key.capitalize(), **more)).id
        setattr(made, key, number)
        return number

    person("tls")
    person("weak", email="weak@nomail.test")
    person("pgp")
    person("smime")
    person("nobirth", email="nobirth@nomail.test", birth_date=None)
    person("twin", email="tls@goodmail.test")
    person("dead", death_date="2020-01-01")
    person("gone")
    person("mute", email=None)
    person("denied")
    person("child", birth_date="2020-05-01", email=None)
    person("ward", birth_date="2018-05-01", email=None, guardian_id=made.tls)
    person("business", relation="b2b", email="office@practice.test")
    contacts.suppress(actor=CLI, address="gone@goodmail.test", scope="all", reason="hard_bounce")
    contacts.consent_record(
        actor=CLI, person_id=made.denied, purpose="treatment", state="denied", on=date(2026, 1, 1), method="paper"
    )
    contacts.consent_record(
        actor=CLI, person_id=made.tls, purpose="marketing", state="granted", on=date(2026, 1, 1), method="paper"
    )
    for domain, tls in (("goodmail.test", 2), ("nomail.test", 0), ("practice.test", 0)):
        MailDomain.objects.create(domain=domain, tls_class=tls, measured_at=noon - timedelta(hours=1))
    for kind, number in (("pgp", made.pgp), ("smime", made.smime)):
        RecipientKey.objects.create(person_id=number, kind=kind, sealed=b"")
    segments.segment_save(actor=CLI, name="Everyone", rule=EVERYBODY)
    return made
