"""Make the fixture of a release: a small installation, walked with the code of that release, and its backup.

    python tests/data/upgrade/make.py CHECKOUT OUT

CHECKOUT is a checkout of the release with a working ``.venv``; run this with that Python. Everything is invented.
The installation lives and dies in a temporary folder; OUT gets ``backup.tar.xz`` (``data/``, ``keys.tar`` and
``checkpoints/``) and ``expected.json`` (what the release itself said about what it holds).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import importlib
import importlib.util
import json
import os
import shutil
import sys
import tarfile
import tempfile
import threading
import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

PASSWORD = "a fixture of the upgrade test"
CLINIC = ZoneInfo("America/Kentucky/Louisville")
# The fixture's present: the test goes on from here.
NOON = datetime(2026, 11, 21, 12, tzinfo=CLINIC)
PEOPLE = (
    ("Dana", "Quist", "F", "1961-04-03", "dana@goodmail.test"),
    ("Bo", "Ramirez", "M", "1975-01-01", "bo@goodmail.test"),
    ("Inés", "O'Hara", "F", "1958-11-30", "ines@goodmail.test"),
    ("Pia", "Lund", "F", "1966-07-19", "pia@plainmail.test"),
    ("Omar", "Haddad", "M", "1990-02-28", "omar@oldmail.test"),
    ("Ruth", "Quist", "F", "1944-09-09", "ruth@goodmail.test"),
)
PAPER = b"%PDF-1.4\n% An invented agreement, for the upgrade test.\n%%EOF\n"
WOMEN = {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "F"}]}


def installation(checkout: Path, root: Path) -> None:
    """Point the environment and this process at a new installation under ``root`` with the code of ``checkout``."""
    os.chdir(checkout)
    sys.path.insert(0, str(checkout))
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="config.settings",
        CARELANE_MODE="demo",
        CARELANE_HOME=str(root / "home"),
        CARELANE_KEYS=str(root / "keys"),
        CARELANE_CHECKPOINTS=str(root / "checkpoints"),
    )
    from apps.core import keyfiles

    keyfiles.create_missing(root / "keys")
    import django
    from django.conf import settings

    embedded = embedded_servers()
    assert settings.EMBEDDED
    embedded.ensure_running(settings.EMBEDDED)
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def embedded_servers() -> Any:
    """The module that starts and stops the embedded servers, wherever the release has it."""
    if importlib.util.find_spec("apps.installation"):
        return importlib.import_module("apps.installation.embedded_servers")
    return importlib.import_module("config.embedded")


@contextlib.contextmanager
def mailboxes(folder: Path) -> Iterator[Any]:
    """The release's own demo providers, in a thread."""
    from django.conf import settings

    from apps.core import clock
    from apps.demo.mail import Servers, transport_map

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> Any:
        servers = Servers(folder, clock.now, base_port=25901)
        await servers.start()
        return servers

    servers = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    settings.TRANSPORT_MAP = transport_map(servers.base_port)
    settings.MAIL_ROOTS = settings.MAIL_ANCHORS = str(folder / "demo-ca" / "root.pem")
    try:
        yield servers
    finally:
        asyncio.run_coroutine_threadsafe(servers.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def staff() -> dict[str, Any]:
    """Three sign-ins with second factors; one of them still has an invitation."""
    from apps.core import actors
    from apps.users import services
    from apps.users.models import TotpDevice

    made = {}
    for name, role in (("ada", "administrator"), ("max", "marketer"), ("rita", "reviewer")):
        user = services.user_create(
            actor=actors.COMMAND_LINE, email=f"{name}@clinic.test", name=name.title(), role=role, password=PASSWORD
        )
        device = services.factor_begin(user=user)
        TotpDevice.objects.filter(pk=device.pk).update(confirmed=True)
        services.recovery_codes_renew(actor=actors.COMMAND_LINE, user=user)
        made[name] = user
    services.user_invite(actor=actors.COMMAND_LINE, email="nora@clinic.test", name="Nora", role="care_staff")
    return made


def clinic(checkout: Path) -> None:
    """The organization, its brand and a template."""
    from apps.content import services as content
    from apps.core import actors
    from apps.delivery import services as delivery
    from apps.organizations.services import organization_change

    organization_change(
        actor=actors.COMMAND_LINE,
        name="Harbor Clinic",
        zone=CLINIC.key,
        postal_address="1 Main Street, Louisville, KY 40202",
        phone="502-555-0100",
    )
    delivery.settings_change(actor=actors.COMMAND_LINE, version=0, sending_domain="clinic.test")
    key = delivery.signing_key_create(actor=actors.COMMAND_LINE, domain="clinic.test", kind="rsa")
    delivery.signing_key_activate(actor=actors.COMMAND_LINE, key_id=key.pk)
    content.brand_save(
        actor=actors.COMMAND_LINE,
        data={"name": "Harbor", "from_address": "care@clinic.test", "from_name": "Harbor Clinic"},
    )
    (invitation,) = checkout.glob("apps/content/*/flu_shot_invitation.json")
    starter = json.loads(invitation.read_text())
    content.template_create(actor=actors.COMMAND_LINE, name="Flu shot", data=starter["design"])


def people() -> list[int]:
    """Six people with consents, a suppression and a timeline."""
    from apps.contacts import services as contacts
    from apps.core import actors

    made = []
    for number, (first, last, sex, born, email) in enumerate(PEOPLE, 1):
        profile = {"first_name": first, "last_name": last, "sex": sex, "birth_date": born, "email": email}
        profile |= {"mrn": f"UP-{number:04}", "phone": f"502-555-01{number:02}"}
        made.append(contacts.contact_create(actor=actors.COMMAND_LINE, profile=profile).id)
    contacts.consent_record(
        actor=actors.COMMAND_LINE,
        person_id=made[0],
        purpose="marketing",
        state="granted",
        on=date(2026, 1, 5),
        method="paper",
    )
    contacts.consent_record(
        actor=actors.COMMAND_LINE,
        person_id=made[5],
        purpose="treatment",
        state="denied",
        on=date(2026, 2, 1),
        method="phone",
    )
    contacts.suppress(actor=actors.COMMAND_LINE, address="ruth@goodmail.test", scope="all", reason="hard_bounce")
    return made


def register() -> None:
    """A vendor, its agreement and the signed paper, sealed."""
    from apps.compliance import services
    from apps.compliance.agreements import CLAUSES
    from apps.core import actors

    facts = {"name": "Bluepost Relay", "service": "Passes mail on", "contact": "privacy@bluepost.test"}
    facts |= {"location": "Ohio", "certifications": "None"}
    vendor = services.vendor_create(actor=actors.COMMAND_LINE, facts=facts, kind="relay")
    terms = {
        "party": "Bluepost Mail Inc.",
        "scope": "Pass messages on",
        "clauses": {clause.code: f"§ {number}" for number, clause in enumerate(CLAUSES, 1)},
        "options": {},
        "note": "",
    }
    agreement = services.agreement_create(
        actor=actors.COMMAND_LINE, vendor_id=vendor.pk, facts=terms, effective=date(2026, 1, 1)
    )
    services.document_add(actor=actors.COMMAND_LINE, agreement_id=agreement.pk, name="Signed.pdf", content=PAPER)


def campaign(members: dict[str, Any], servers: Any) -> None:
    """A segment of women, and a campaign to them that is sent to the last message."""
    from apps.campaigns import plans, selectors, sending, services
    from apps.core import actors
    from apps.delivery import services as delivery
    from apps.segments import services as segments

    saved = segments.segment_save(actor=actors.COMMAND_LINE, name="Women", rule=WOMEN)
    segments.segment_count(actor=actors.COMMAND_LINE, segment_id=saved.pk)
    author = actors.staff(members["max"].pk, "marketer")
    reviewer = actors.staff(members["rita"].pk, "reviewer")
    spec = {"segment": "Women", "template": "Flu shot", "purpose": "treatment", "remuneration": "none"}
    made = services.campaign_save(actor=author, name="Flu shots", spec=spec)
    plans.measure_unknown(actor=author, campaign=selectors.opened(made))
    services.campaign_submit(actor=author, campaign_id=made.pk)
    services.campaign_approve(actor=reviewer, campaign_id=made.pk)
    sending.campaign_send(actor=author, campaign_id=made.pk)
    sending.campaign_feed_all(actor=author, campaign_id=made.pk)
    delivery.dispatch(actor=actors.COMMAND_LINE, seconds=20, lanes=2)
    assert servers.store.all(), "nothing was sent"


def approved(members: dict[str, Any], journey: Any) -> None:
    """Rita approves the journey, in releases that ask for it (from 0.2.0)."""
    from apps.core import actors
    from apps.journeys import services

    if hasattr(services, "journey_approve"):
        services.journey_submit(actor=actors.COMMAND_LINE, journey=journey)
        services.journey_approve(actor=actors.staff(members["rita"].pk, "reviewer"), journey=journey)


def since_0_2_0(members: dict[str, Any], ids: list[int]) -> None:
    """What that release could do first: an own date, a change that waits, a template in two languages, a breach."""
    from apps.compliance import breaches
    from apps.compliance.models import Vendor
    from apps.contacts import selectors
    from apps.contacts import services as contacts
    from apps.contacts.services import attributes
    from apps.content import services as content
    from apps.core import actors

    cli, author = actors.COMMAND_LINE, actors.staff(members["max"].pk, "marketer")
    attributes.attribute_create(actor=cli, wanted=attributes.Wanted("Last eye check", type="date"))

    def change(actor: Any, person: int, **facts: Any) -> None:
        record = selectors.open_people(actor=cli, purpose="fixture", ids=[person])[person]
        profile = {**record.profile, **facts}
        contacts.contact_update(actor=actor, person_id=person, profile=profile, version=record.version)

    change(cli, ids[0], attributes={"last_eye_check": "2026-03-02"})
    change(author, ids[1], birth_date="1976-01-01")
    design = {
        "subject": "We open at seven",
        "preheader": "",
        "language": "en",
        "blocks": [
            {"id": "b1", "type": "text", "html": "<p>We open at seven.</p>"},
            {"id": "b2", "type": "footer", "reason": "You are our patient."},
        ],
        "variants": {
            "es": {
                "subject": "Abrimos a las siete",
                "blocks": {"b1": {"html": "<p>Abrimos a las siete.</p>"}, "b2": {"reason": "Es paciente nuestro."}},
            }
        },
    }
    content.template_create(actor=cli, name="Hours", data=design)
    breaches.breach_open(
        actor=cli, vendor_id=Vendor.objects.get().pk, what="A disk was sold.", steps="Asked why.", found=NOON.date()
    )


def since_0_3_0(members: dict[str, Any]) -> None:
    """Segments, a brand, campaigns and journeys that name each other, in every state of an approval."""
    from apps.campaigns import plans, selectors, sending
    from apps.campaigns import services as campaigns
    from apps.content import services as content
    from apps.core import actors
    from apps.journeys import selectors as journey_selectors
    from apps.journeys import services as journeys
    from apps.segments import services as segments

    author, reviewer = actors.staff(members["max"].pk, "marketer"), actors.staff(members["rita"].pk, "reviewer")
    eye = {"from_address": "eyes@clinic.test", "from_name": "Harbor Eye Clinic", "phone": "502-555-0199"}
    content.brand_save(actor=author, data={"name": "Harbor Eye", **eye})
    blocks = [
        {"id": "b1", "type": "text", "html": "<p>Have your eyes checked once a year.</p>"},
        {"id": "b2", "type": "footer", "reason": "You are our patient."},
    ]
    design = {"subject": "Your eyes", "preheader": "", "language": "en", "blocks": blocks}
    content.template_create(actor=author, name="Eye check", data=design)

    def segment(name: str, *nodes: dict[str, Any]) -> None:
        segments.segment_save(actor=author, name=name, rule={"match": "all", "rules": list(nodes)})

    segment("Older women", {"segment": "Women", "op": "in"}, {"field": "age", "op": "at_least", "from": 64})
    segment("Eyes checked", {"field": "attribute.last_eye_check", "op": "after", "value": "2026-01-01"})
    segment("Not asked before", {"engagement": "clicked", "campaign": "Flu shots", "op": "never"})

    def asked(name: str, **spec: Any) -> int:
        spec |= {"purpose": "treatment", "remuneration": "none", "template": "Eye check", "brand": "Harbor Eye"}
        made = campaigns.campaign_save(actor=author, name=name, spec=spec)
        planned = plans.plan_of(actor=author, campaign=selectors.opened(made)).audience
        campaigns.campaign_submit(actor=author, campaign_id=made.pk, planned=planned)
        return int(made.pk)

    scheduled = asked("Eye checks", segment="Older women", exclude=["Eyes checked"])
    campaigns.campaign_approve(actor=reviewer, campaign_id=scheduled, comment="Good to go.")
    sending.campaign_send(actor=author, campaign_id=scheduled, at=NOON + timedelta(days=4))
    asked("Eye checks again", segment="Not asked before")
    campaigns.campaign_approve(actor=reviewer, campaign_id=asked("Opening hours", everybody=True))
    back = asked("New hours", segment="Women")
    campaigns.campaign_reject(actor=reviewer, campaign_id=back, comment="Say since when.")

    def walk(name: str) -> Any:
        send = {"type": "send", "template": "Eye check", "purpose": "treatment", "sender": "Harbor Eye"}
        definition = {
            "format": 1,
            "trigger": {"kind": "segment", "segment": "Older women"},
            "key": "person",
            "steps": [
                {**send, "id": "s1"},
                {"id": "s2", "type": "wait", "amount": 7, "unit": "days"},
                {
                    "id": "s3",
                    "type": "condition",
                    "rule": {"match": "all", "rules": [{"segment": "Eyes checked", "op": "in"}]},
                    "then": [{"id": "s4", "type": "exit"}],
                    "otherwise": [{**send, "id": "s5"}],
                },
            ],
        }
        journey = journeys.journey_create(actor=author, name=name, definition=definition)
        journeys.journey_submit(actor=author, journey=journey)
        return journey

    running, approved_only = walk("Eye check year"), walk("Eye check year, west")
    journeys.journey_approve(actor=reviewer, journey=running, comment="Seen.")
    journeys.journey_activate(actor=author, journey=running)
    journeys.journey_approve(actor=reviewer, journey=approved_only)
    walk("Eye check year, east")
    journeys.journey_reject(actor=reviewer, journey=walk("Eye check year, south"), comment="Shorten the wait.")
    assert journey_selectors.by_name("Eye check year").row.version is not None


def reminders(ids: list[int], members: dict[str, Any]) -> None:
    """The appointment reminder: Dana was reminded once and is asked again tomorrow, Bo's reminder is still to come."""
    from apps.contacts import services as contacts
    from apps.core import actors, clock
    from apps.delivery import services as delivery
    from apps.journeys import ready, services

    beat = actors.system("beat")

    def tick(at: datetime) -> None:
        with clock.frozen(at):
            services.tick(actor=beat, now=at)

    journey = services.journey_from_ready(actor=actors.COMMAND_LINE, ready=ready.APPOINTMENT_REMINDER_JOURNEY)
    approved(members, journey)
    services.journey_activate(actor=actors.COMMAND_LINE, journey=journey)
    for person, days in ((ids[0], 4), (ids[1], 20)):
        start = (NOON + timedelta(days=days)).replace(hour=14, minute=30)
        contacts.appointment_book(
            actor=actors.COMMAND_LINE, person_id=person, start=start, kind="Check-up", provider="Dr. Ng"
        )
    tick(NOON + timedelta(minutes=1))
    due = (NOON + timedelta(days=1)).replace(hour=9)
    tick(due)
    with clock.frozen(due + timedelta(minutes=1)):
        delivery.dispatch(actor=actors.COMMAND_LINE, seconds=20, lanes=2)
    # Booked, and not read by the journey yet: the code that comes next has to.
    with clock.frozen(due + timedelta(minutes=2)):
        start = (due + timedelta(days=20)).replace(hour=10)
        contacts.appointment_book(
            actor=actors.COMMAND_LINE, person_id=ids[2], start=start, kind="Check-up", provider="Dr. Ng"
        )


def portal() -> None:
    """Pia's mailbox has no TLS, so her copy waits in the portal: she reads it and answers."""
    from apps.core import actors
    from apps.portal.models import SecureMessage
    from apps.portal.services import messages

    for row in SecureMessage.objects.order_by("pk"):
        patient = actors.patient(row.person_id)
        messages.message_open(actor=patient, person_id=row.person_id, public=str(row.public))
        messages.reply_send(
            actor=patient,
            person_id=row.person_id,
            public=str(row.public),
            text="May I come after 5 pm?",
            once=uuid.UUID(int=7),
        )


def expected(servers: Any) -> dict[str, Any]:
    """What this release says about its own installation, before it is backed up."""
    from django.db import connection

    from apps.audit import verification
    from apps.core import actors
    from apps.delivery.models import OutboxMessage
    from apps.journeys.models import JourneyRun
    from apps.portal.models import SecureMessage
    from apps.segments import services as segments
    from apps.segments.models import Segment
    from apps.users.models import TotpDevice, User

    segment = Segment.objects.order_by("pk").first()
    counted = segments.segment_count(actor=actors.COMMAND_LINE, segment_id=segment.pk)
    arrived = {each.mailbox: base64.b64encode(each.raw).decode() for each in servers.store.all()}
    sent = OutboxMessage.objects.filter(kind="campaign", state="sent", route="tls").order_by("pk").first()
    runs = JourneyRun.objects.order_by("pk").values("pk", "person_id", "step", "state", "due_at")
    verdict = verification.verify()
    assert verdict.ok, verdict
    with connection.cursor() as cursor:
        rows = {}
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            if count := cursor.fetchone()[0]:
                rows[table] = count
    return {
        "password": PASSWORD,
        "secrets": {
            device.user.email: device.secret.hex()
            for device in TotpDevice.objects.filter(confirmed=True).select_related("user")
        },
        "staff": sorted(user.email for user in User.objects.all()),
        "women": counted.count,
        "message": sent.pk,
        "bytes": arrived["dana@goodmail.test"],
        "runs": [{**run, "due_at": run["due_at"].isoformat() if run["due_at"] else None} for run in runs],
        "portal": [str(row.public) for row in SecureMessage.objects.order_by("pk")],
        "rows": rows,
        "trail": verdict.entries + verdict.open,
    }


def make(checkout: Path, out: Path, root: Path) -> None:
    """Walk the installation and write the fixture."""
    installation(checkout, root)
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    from apps.audit import sequencer
    from apps.core import clock

    embedded = embedded_servers()
    try:
        with mailboxes(root / "world") as servers:
            with clock.frozen(NOON):
                members = staff()
                clinic(checkout)
                ids = people()
                register()
                campaign(members, servers)
                portal()
                if importlib.util.find_spec("apps.compliance.breaches"):
                    since_0_2_0(members, ids)
                if importlib.util.find_spec("apps.segments.authors"):
                    since_0_3_0(members)
                sequencer.number_entries()
                sequencer.sign_checkpoint()
                first_copy = dict(expected(servers))
                reminders(ids, members)
            found = {**expected(servers), "bytes": first_copy["bytes"], "message": first_copy["message"]}
        sequencer.number_entries()
        sequencer.sign_checkpoint()
        call_command("backup", str(root / "disk"), str(root / "safe"), "--json")
        for alias in connections:
            connections[alias].close()
    finally:
        embedded.stop(settings.EMBEDDED)
        if settings.EMBEDDED.state != settings.EMBEDDED.home:
            shutil.rmtree(settings.EMBEDDED.state)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with tarfile.open(out / "backup.tar.xz", "w:xz") as archive:
        archive.add(next((root / "disk").iterdir()), arcname="data")
        archive.add(next((root / "safe").iterdir()), arcname="keys.tar")
        archive.add(root / "checkpoints", arcname="checkpoints")
    (out / "expected.json").write_text(json.dumps(found, indent=1, sort_keys=True, default=str) + "\n")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="carelane-upgrade-") as folder:
        make(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), Path(folder))
