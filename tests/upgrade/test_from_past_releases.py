"""A clinic installed a past release, worked with it, and moves to the code of today by its last backup.

Each fixture was made once, by the code of its release, and never changes: see ``tests/data/upgrade/README.md``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import tarfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django_otp.oath import TOTP

from apps.approvals.models import ApprovalEntry
from apps.audit import sequencer, verification
from apps.campaigns import selectors as campaigns
from apps.campaigns import services as campaign_services
from apps.campaigns.services import sending
from apps.compliance.models import Vendor
from apps.contacts import services as contacts
from apps.contacts.attributes import definitions as attributes
from apps.contacts.models import PendingChange, Person
from apps.contacts.person.selectors import open_people
from apps.content import merging
from apps.content import selectors as content
from apps.content.models import TemplateVersion
from apps.core import actors, clock
from apps.delivery import selectors as delivery
from apps.delivery.models import OutboxMessage
from apps.installation import backup
from apps.journeys import approvals
from apps.journeys import selectors as journey_selectors
from apps.journeys import services as journeys
from apps.journeys.models import Journey, JourneyRun
from apps.portal.models import SecureMessage
from apps.portal.services import conversations, messages
from apps.segments import counting, rules
from apps.segments import selectors as segment_selectors
from apps.segments import services as segments
from apps.segments.models import Segment
from apps.users.models import TotpDevice, User
from tests.upgrade import clusters, sealed_rows

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner", "audit", "reader"])
FIXTURES = Path(__file__).parent.parent / "data" / "upgrade"
RELEASES = sorted(folder.name for folder in FIXTURES.iterdir() if folder.is_dir() and folder.name[0].isdigit())
CLINIC = ZoneInfo("America/Kentucky/Louisville")
MORNING = datetime(2026, 11, 23, 9, tzinfo=CLINIC)  # the fixture ends on November 22
CLI = actors.COMMAND_LINE
REMINDER = "Appointment reminder"


@pytest.fixture(scope="module", params=RELEASES)
def place(request, tmp_path_factory) -> Iterator[SimpleNamespace]:
    """The fixture of a release unpacked, and a cluster of its own for it."""
    root, fixture = tmp_path_factory.mktemp("upgrade"), FIXTURES / request.param
    with tarfile.open(fixture / "backup.tar.xz") as archive:
        archive.extractall(root, filter="data")
    with clusters.another_cluster(root / "cluster") as where:
        said = json.loads((fixture / "expected.json").read_text())
        yield SimpleNamespace(release=request.param, root=root, where=where, said=said, restored=None)


@pytest.fixture
def upgraded(place, settings, capsys) -> Iterator[SimpleNamespace]:
    """The old installation under today's code. Restored once; the scenes go on from each other's rows."""
    settings.CARELANE_HOME, settings.CARELANE_KEYS = place.root / "home", place.root / "keys"
    settings.CARELANE_CHECKPOINTS = place.root / "checkpoints"
    settings.AUDIT_WRITER = "audit"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(place.root / "home" / "files")},
        },
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
    clusters.forget()
    try:
        with clusters.standing_on(place.where):
            if place.restored is None:
                call_command("restore", str(place.root / "data"), str(place.root / "keys.tar"), "--go-on", "--json")
                place.restored = json.loads(capsys.readouterr().out)
            yield place
    finally:
        clusters.forget()


def test_the_backup_is_older_and_everything_is_migrated(upgraded, settings) -> None:
    # The fixture of the last release is there before the next one has its number.
    assert upgraded.restored["made_by"] == upgraded.release
    assert upgraded.restored["older"] is (upgraded.release != settings.VERSION)
    executor = MigrationExecutor(connections["owner"])
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []


def test_the_trail_is_whole_and_goes_on(upgraded) -> None:
    assert upgraded.restored["ok"] is True
    # Every old entry has its number; what the restore itself wrote follows when it is numbered next.
    assert upgraded.restored["entries"] >= upgraded.said["trail"]
    sequencer.number_entries()
    sequencer.sign_checkpoint()
    verdict = verification.verify()
    assert (verdict.ok, verdict.open) == (True, 0)


def test_every_sealed_row_opens(upgraded) -> None:
    tables = {model._meta.label: model._meta.db_table for model in sealed_rows.sealed_models()}
    opened = {tables[label]: number for label, number in sealed_rows.open_everything().items()}
    before = {table: number for table, number in upgraded.said["rows"].items() if table in tables.values()}
    assert len(before) > 25, "the fixture has lost its rows"
    assert {table for table, number in before.items() if opened.get(table, 0) < number} == set()


def test_people_are_found_and_the_segment_counts_what_it_counted(upgraded) -> None:
    ada = signed_in(upgraded, "ada")
    page = ada.post("/contacts/", {"q": "Quist"}).content.decode()
    assert all(name in page for name in ("Dana Quist", "Ruth Quist"))
    assert "Ramirez" not in page
    counted = segments.segment_count(actor=CLI, segment_id=women().pk)
    assert counted.count == upgraded.said["women"] == 4


def test_the_archived_message_rebuilds_byte_for_byte(upgraded) -> None:
    message = OutboxMessage.objects.get(pk=upgraded.said["message"])
    record = delivery.message_data(actor=CLI, message=message, parts=["record"])["record"]
    rebuilt = merging.rebuild(content.skeleton(message.skeleton_id), record)
    assert hashlib.sha256(rebuilt).hexdigest() == record["sha256"]
    arrived = base64.b64decode(upgraded.said["bytes"])
    assert arrived.endswith(record["dkim"].encode("ascii") + rebuilt)


def test_what_a_campaign_was_approved_with_counts_as_approved(upgraded) -> None:
    campaign = campaigns.by_name("Flu shots").row
    version = TemplateVersion.objects.get(pk=campaign.template_version)
    assert version.approved_at == campaign.approved_at is not None
    noted = upgraded.release not in ("0.1.0", "0.2.0")
    assert women().approved_version == int(noted), "before 0.3.0 nobody noted which rule it was"


def test_the_history_of_approvals_is_whole(upgraded) -> None:
    rows = upgraded.said["rows"]
    before = rows["campaigns_campaignreview"] + rows.get("journeys_journeyreview", 0)
    assert ApprovalEntry.objects.count() == before
    entries = ApprovalEntry.objects.filter(kind="campaign", subject=campaigns.by_name("Flu shots").id).order_by("pk")
    assert [entry.decision for entry in entries] == ["submitted", "approved"]
    assert all(bytes(entry.fingerprint) == bytes(campaigns.by_name("Flu shots").row.approval) for entry in entries)


def test_the_journey_goes_on_from_where_it_stood(upgraded) -> None:
    before = {run["pk"]: run for run in upgraded.said["runs"]}
    for run in JourneyRun.objects.all():
        assert (run.step, run.state) == (before[run.pk]["step"], before[run.pk]["state"])
        assert (run.due_at.isoformat() if run.due_at else None) == before[run.pk]["due_at"]
    reminded = JourneyRun.objects.filter(journey=journey_named(REMINDER))
    sent = OutboxMessage.objects.filter(kind="journey").count()
    with clock.frozen(MORNING):
        journeys.tick(actor=actors.system("beat"), now=MORNING)
        # Dana is reminded once more; Bo waits; Inés, booked in the last minute before the backup, has come in.
        assert OutboxMessage.objects.filter(kind="journey").count() == sent + 1
        assert {run.person_id: run.state for run in reminded.all()} == {1: "finished", 2: "waiting", 3: "waiting"}
        moved = MORNING + timedelta(days=30)
        contacts.appointment_book(actor=CLI, person_id=4, start=moved, kind="Check-up", provider="Dr. Ng")
    later = MORNING + timedelta(minutes=1)
    with clock.frozen(later):
        journeys.tick(actor=actors.system("beat"), now=later)
    assert JourneyRun.objects.filter(person_id=4).count() == 1


def test_staff_sign_in_with_their_old_password_and_authenticator(upgraded) -> None:
    assert signed_in(upgraded, "max").get("/account/").status_code == 200
    invited = User.objects.by_email("nora@clinic.test")
    assert not invited.has_usable_password()


def test_the_portal_message_is_read_and_its_answer_is_in_the_inbox(upgraded) -> None:
    row = SecureMessage.objects.get()
    assert str(row.public) == upgraded.said["portal"][0]
    opened = messages.message_open(actor=actors.patient(row.person_id), person_id=row.person_id, public=str(row.public))
    assert opened is not None
    assert opened.subject
    nora = User.objects.by_email("ada@clinic.test")
    conversation = conversations.conversation_open(
        actor=actors.staff(nora.pk, nora.role), conversation_id=row.conversation.pk
    )
    assert [said.text for said in conversation.said] == ["May I come after 5 pm?"]


@pytest.mark.parametrize("place", [name for name in RELEASES if name != "0.1.0"], indirect=True, scope="module")
def test_what_came_with_0_2_0_goes_on(upgraded) -> None:
    checked = {"match": "all", "rules": [{"field": "attribute.last_eye_check", "op": "after", "value": "2026-03-01"}]}
    assert counting.count(rules.parse(checked, fields=attributes.catalog())).count == 1
    waiting = PendingChange.objects.get()
    ada = User.objects.by_email("ada@clinic.test")
    contacts.changes_decide(actor=actors.staff(ada.pk, ada.role), ids=[waiting.pk], confirm=True)
    bo = open_people(actor=CLI, purpose="test", ids=[2])[2]
    assert bo.profile["birth_date"] == "1976-01-01"
    hours = content.template_named("Hours")
    assert hours is not None
    assert content.languages_of(hours) == ("en", "es")
    assert Vendor.objects.get().breaches.get().closed is None


since_0_3_0 = pytest.mark.parametrize(
    "place", [name for name in RELEASES if name not in ("0.1.0", "0.2.0")], indirect=True, scope="module"
)


@since_0_3_0
def test_what_was_approved_or_asked_for_still_is(upgraded) -> None:
    assert sending.compare(actor=CLI) == 0, "nothing changed behind an approval"
    states = {each.name: each.state for each in campaigns.everyone()}
    assert states == {
        "Flu shots": "sending",
        "Eye checks": "scheduled",
        "Eye checks again": "in_review",
        "Opening hours": "approved",
        "New hours": "rejected",
    }
    sent_back = campaigns.reviews(campaigns.by_name("New hours").row)
    assert [(each.title, each.comment) for each in sent_back] == [
        ("Rejected by Rita", "Say since when."),
        ("Submitted by Max", ""),
    ]
    standings = {
        name: approvals.standing(journey_named(name))
        for name in (REMINDER, *(f"Eye check year{side}" for side in ("", ", west", ", east", ", south")))
    }
    assert {name: (each.state, each.comment) for name, each in standings.items()} == {
        REMINDER: ("approved", ""),
        "Eye check year": ("approved", "Seen."),
        "Eye check year, west": ("approved", ""),
        "Eye check year, east": ("waiting", ""),
        "Eye check year, south": ("rejected", "Shorten the wait."),
    }
    assert approvals.moved_segments(journey_named("Eye check year")) == []


@since_0_3_0
def test_two_people_decide_about_what_waited(upgraded) -> None:
    max_, rita = (User.objects.by_email(f"{name}@clinic.test") for name in ("max", "rita"))
    author, reviewer = (actors.staff(user.pk, user.role) for user in (max_, rita))
    waiting, journey = campaigns.by_name("Eye checks again"), journey_named("Eye check year, east")
    assert campaign_services.why_not(author, waiting.row).startswith("You prepared this campaign")
    campaign_services.campaign_approve(
        actor=reviewer, campaign_id=waiting.id, looked_at=campaigns.submission(waiting.row)
    )
    assert campaigns.by_name("Eye checks again").state == "approved"
    journeys.journey_approve(actor=reviewer, journey=journey, looked_at=approvals.submission(journey))
    for name in ("Eye check year, west", "Eye check year, east"):
        with clock.frozen(MORNING):
            journeys.journey_activate(actor=author, journey=journey_named(name), take_in=False)
        assert journey_named(name).state == "active"


@since_0_3_0
def test_the_campaign_that_was_scheduled_starts_when_it_is_due(upgraded) -> None:
    due = MORNING.replace(day=25, hour=12)
    with clock.frozen(due - timedelta(minutes=1)):
        assert sending.tick(actor=CLI)["started"] == 0
    with clock.frozen(due):
        assert sending.tick(actor=CLI)["started"] == 1
    campaign = campaigns.by_name("Eye checks").row
    # Older women are Dana, Inés and Ruth; Dana's eyes were checked, and Ruth gets no mail.
    assert dict(campaign.recipients.values_list("person", "held")) == {3: "", 6: "suppressed"}


@since_0_3_0
def test_people_in_the_middle_of_a_journey_go_the_way_that_their_segment_says(upgraded) -> None:
    walked = JourneyRun.objects.filter(journey=journey_named("Eye check year"))
    assert {run.person_id: run.state for run in walked} == {1: "waiting", 3: "waiting", 6: "left"}
    later = MORNING.replace(day=29)
    with clock.frozen(later):
        journeys.tick(actor=actors.system("beat"), now=later)
    told = {
        run.person_id: (run.state, list(run.visits.order_by("pk").values_list("step", "outcome")))
        for run in walked.all()
    }
    assert told[1] == ("finished", [("s1", "sent"), ("s2", "done"), ("s3", "yes"), ("s4", "exit")])
    assert told[3] == ("finished", [("s1", "sent"), ("s2", "done"), ("s3", "no"), ("s5", "sent")])


def test_a_backup_of_a_newer_version_is_refused_before_anything_is_written(upgraded, tmp_path, settings) -> None:
    folder = tmp_path / "newer"
    shutil.copytree(upgraded.root / "data", folder)
    manifest = json.loads((folder / backup.MANIFEST).read_text())
    (folder / backup.MANIFEST).write_text(json.dumps({**manifest, "version": "99.0.0"}))
    settings.CARELANE_KEYS = tmp_path / "keys"
    people = Person.objects.count()
    with pytest.raises(SystemExit):
        call_command("restore", str(folder), str(upgraded.root / "keys.tar"))
    with pytest.raises(backup.BackupError, match=r"version 99\.0\.0, which is newer"):
        backup.is_older(backup.read_manifest(folder), version=settings.VERSION, migrations=())
    assert not (tmp_path / "keys").exists()
    assert Person.objects.count() == people


def women() -> Segment:
    """The segment of women."""
    return segment_selectors.by_name("Women").row


def journey_named(name: str) -> Journey:
    """The journey of that name, read anew."""
    return journey_selectors.by_name(name).row


def signed_in(place: SimpleNamespace, name: str) -> Client:
    """A browser in which ``name`` typed the password and the code of the old authenticator."""
    client = Client()
    address = f"{name}@clinic.test"
    client.post("/account/sign-in/", {"login": address, "password": place.said["password"]})
    device = TotpDevice.objects.get(user=User.objects.by_email(address), confirmed=True)
    assert device.secret.hex() == place.said["secrets"][address]
    totp = TOTP(bytes.fromhex(place.said["secrets"][address]))
    totp.time = clock.now().timestamp()
    assert client.post("/account/verify/", {"code": f"{totp.token():06d}"}).status_code == 302
    return client
