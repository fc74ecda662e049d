"""A thief takes everything but the keys, and reads nothing.

Real patients (Rhode Island's 56; in ``make proofs`` Kentucky's 460; without the shared data the own sample) walk the
whole road in an installation of their own; then every byte it left is searched for their names, addresses, numbers,
birth dates and diagnoses, as it stands and decoded.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import sizes
from tests.conftest import REPOSITORY, SHARED_DATA
from tests.leaks.installation import Installation, installation
from tests.leaks.scanner import Finding, Scanner

TABLES = ("patients", "conditions", "encounters", "immunizations", "medications", "procedures")
MAX, RITA = ("--as", "max@riverbend.test"), ("--as", "rita@riverbend.test")


def source_folder() -> Path:
    if SHARED_DATA.is_dir():
        return SHARED_DATA / "patients" / f"synthea-csv-{'kentucky' if sizes.FULL else 'rhode-island'}"
    assert not os.environ.get("CI"), "CARELANE_DATA is absent"
    return REPOSITORY / "tests" / "data" / "synthea"


def table(name: str) -> Path:
    folder = source_folder()
    return next(path for path in (folder / f"{name}.csv", folder / f"{name}.csv.gz") if path.exists())


def rows(name: str) -> list[dict[str, str]]:
    path = table(name)
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    return list(csv.DictReader(text.splitlines()))


@pytest.fixture(scope="module")
def walked() -> Iterator[Installation]:
    """The road, by commands: import, segment, template, campaign, journey, a refused row, a bounce; then an upload that
    waits for its columns, a vendor's signed agreement, and a patient's answer from the portal."""
    with installation() as made:
        files = [str(table(name)) for name in TABLES]
        imported = made.manage("import_contacts", "--preset", "synthea", "--invent-addresses", *files, "--json")
        assert imported["new"] > 0
        broken = made.root / "broken.csv"
        victim = rows("patients")[0]
        broken.write_text(f"MRN,First,Mailbox\n9,{victim['FIRST']},{victim['LAST']}\n")
        mapping = made.root / "mapping.json"
        mapping.write_text(
            json.dumps(
                {
                    "match_on": "email",
                    "columns": {"MRN": "mrn", "First": "first_name", "Mailbox": "email"},
                    "date_format": "%Y-%m-%d",
                    "ignore": [],
                }
            )
        )
        refused = made.manage("import_contacts", "--mapping", str(mapping), str(broken), "--json")
        assert refused["rejected"] == 1
        for path in (broken, mapping):
            path.unlink()

        rule = made.root / "rule.json"
        rule.write_text(json.dumps({"match": "all", "rules": [{"field": "sex", "op": "is", "value": "F"}]}))
        made.manage("segment_save", f"Women like {victim['LAST']}", str(rule), *MAX)
        assert made.manage("segment_count", f"Women like {victim['LAST']}", "--json")["count"] > 0
        starter = REPOSITORY / "apps" / "content" / "presets" / "flu_shot_invitation.json"
        made.manage("template_save", "Flu", str(starter), *MAX)
        spec = made.root / "spec.json"
        spec.write_text(
            json.dumps(
                {
                    "segment": f"Women like {victim['LAST']}",
                    "template": "Flu",
                    "purpose": "treatment",
                    "remuneration": "none",
                }
            )
        )
        made.manage("campaign_save", "Autumn", str(spec), *MAX)
        plan = made.manage("campaign_plan", "Autumn", "--json")
        assert plan["routes"]["tls"] > 0
        assert plan["routes"]["portal"] > 0
        made.manage("campaign_approve", "Autumn", *RITA)
        sent = made.manage("campaign_send", "Autumn", "--wait", "15", "--json", *MAX)
        assert sent["sent"] > 0
        made.manage("journey_approve", "Appointment reminder", *RITA)
        made.manage("journey_activate", "Appointment reminder", *MAX)
        made.manage("journey_tick")
        made.python(
            "from django.test import Client\n"
            "from django.contrib.auth import get_user_model\n"
            "from django_otp import DEVICE_ID_SESSION_KEY\n"
            "from apps.users.models import TotpDevice\n"
            "from apps.contacts.models import Person\n"
            "client = Client(headers={'host': '127.0.0.1'})\n"
            "user = get_user_model().objects.by_email('nora@riverbend.test')\n"
            "client.force_login(user)\n"
            "session = client.session\n"
            "session[DEVICE_ID_SESSION_KEY] = TotpDevice.objects.get(user=user).persistent_id\n"
            "session.save()\n"
            f"assert client.post('/contacts/', {{'q': {victim['LAST']!r}}}).status_code == 200\n"
            "for person in Person.objects.all()[:20]:\n"
            "    assert client.get(f'/contacts/{person.pk}/').status_code == 200\n"
        )
        made.python(
            "from datetime import date\n"
            "from uuid import uuid4\n"
            "from django.core.files.uploadedfile import SimpleUploadedFile\n"
            "from django.test import Client\n"
            "from django.contrib.auth import get_user_model\n"
            "from django_otp import DEVICE_ID_SESSION_KEY\n"
            "from apps.compliance import services as compliance\n"
            "from apps.compliance.agreements import CLAUSES\n"
            "from apps.core import actors\n"
            "from apps.portal.models import SecureMessage\n"
            "from apps.portal.services import messages\n"
            "from apps.users.models import TotpDevice\n"
            "cli, start = actors.COMMAND_LINE, date(2026, 1, 1)\n"
            f"name = {victim['LAST']!r}\n"
            "vendor = compliance.vendor_create(actor=cli, facts={'name': 'Relay', 'service': name}, kind='relay')\n"
            "facts = {'party': name, 'scope': name, 'clauses': {clause.code: name for clause in CLAUSES}}\n"
            "paper = compliance.agreement_create(actor=cli, vendor_id=vendor.pk, facts=facts, effective=start)\n"
            "content = b'%PDF-1.7 signed by ' + name.encode()\n"
            "compliance.document_add(actor=cli, agreement_id=paper.pk, name=f'{name}.pdf', content=content)\n"
            "letter = SecureMessage.objects.first()\n"
            "patient = dict(person_id=letter.person_id, public=str(letter.public))\n"
            "assert messages.reply_send(actor=cli, **patient, text=f'This is {name}.', once=uuid4())\n"
            "client = Client(headers={'host': '127.0.0.1'})\n"
            "user = get_user_model().objects.by_email('max@riverbend.test')\n"
            "client.force_login(user)\n"
            "session = client.session\n"
            "session[DEVICE_ID_SESSION_KEY] = TotpDevice.objects.get(user=user).persistent_id\n"
            "session.save()\n"
            "file = SimpleUploadedFile(f'{name}.csv', f'MRN,Last\\n77,{name}\\n'.encode())\n"
            "from django.urls import reverse\n"
            "answer = client.post(reverse('imports:new'), {'kind': 'list', 'files': file})\n"
            "assert answer.status_code == 302, (answer.status_code, answer.content[-300:])\n"
        )
        assert len([path for path in (made.home / "files").rglob("*") if path.is_file()]) >= 3
        yield made


@pytest.fixture(scope="module")
def needles(walked: Installation) -> tuple[set[str], set[str]]:
    """(about people, clinical): words with their digits, as Synthea writes them, and the invented addresses."""
    people: set[str] = set()
    for row in rows("patients"):
        people |= {row["FIRST"], row["LAST"], row["MAIDEN"], row["ADDRESS"], row["SSN"], row["BIRTHDATE"], row["Id"]}
        people |= {row["DRIVERS"], row["PASSPORT"]}
    invented = walked.python(
        "from apps.contacts.person import selectors\n"
        "from apps.contacts.models import Person\n"
        "from apps.core import actors\n"
        "people = selectors.open_people(actor=actors.COMMAND_LINE, purpose='leak test',"
        " ids=list(Person.objects.values_list('id', flat=True)))\n"
        "print('\\n'.join(person.email for person in people.values() if person.email))"
    ).split()
    assert len(invented) > 5
    clinical = {row["DESCRIPTION"] for name in TABLES[1:] for row in rows(name) if len(row["DESCRIPTION"]) > 7}
    return people | set(invented), clinical


def findings(made: Installation, needles: tuple[set[str], set[str]], *, files: bool = True) -> list[Finding]:
    """What is found; without ``files`` the database's own files, which repeat what the dump shows, are left out."""
    people, clinical = needles
    scanner = Scanner(people | clinical)
    found: list[Finding] = []
    seen: set[tuple[bytes, bool]] = {(digest, may) for digest in made.known for may in (True, False)}
    for place, content, may_be_clinical in made.pieces(files=files):
        # Each database of the cluster has the same catalogs: the same bytes are searched once.
        piece = (hashlib.sha256(content).digest(), may_be_clinical)
        if piece not in seen:
            seen.add(piece)
            allowed = clinical - people if may_be_clinical else set()
            found += [finding for finding in scanner.scan(content, place) if finding.needle not in allowed]
    return found


@pytest.mark.proof
def test_nothing_about_a_person_is_readable_anywhere(walked, needles) -> None:
    found = findings(walked, needles)
    # A finding names the place and the way to it; never print whole contents.
    assert [(finding.place, finding.way, finding.needle) for finding in found[:20]] == []


def test_the_mailbox_providers_start_no_database_and_no_redis(walked) -> None:
    """They would stay behind: nobody stops them."""
    assert (walked.world / "demo-ca").is_dir()
    assert not (walked.world / "redis").exists()


def test_no_sealed_column_holds_json(walked) -> None:
    listed = json.loads(
        walked.python(
            "import json\n"
            "from django.apps import apps\n"
            "from apps.core.classification import Kind, kinds_of\n"
            "print(json.dumps([[m._meta.db_table, m._meta.get_field(f).column] for m in apps.get_models()"
            " for f, kind in kinds_of(m).items() if kind is Kind.SEALED]))"
        )
    )
    assert ["contacts_person", "sealed"] in listed
    filled = 0
    with walked.connect() as connection:
        for name, column in listed:
            for (value,) in connection.execute(f'SELECT "{column}" FROM "{name}" WHERE "{column}" IS NOT NULL'):
                filled += 1
                with pytest.raises(ValueError):
                    json.loads(bytes(value))
    assert filled > 100


def test_whatever_is_planted_is_found(walked, needles) -> None:
    """One unsealed row, one Celery argument, one cache key, one session, one log line."""
    victim = rows("patients")[1]
    name = f"{victim['FIRST']} {victim['LAST']}"
    with walked.connect("app") as connection:
        connection.execute(
            "UPDATE contacts_person SET sealed = %s WHERE id = (SELECT min(id) FROM contacts_person"
            " WHERE sealed IS NOT NULL)",
            [json.dumps({"first_name": victim["FIRST"]}).encode()],
        )
    walked.python(
        "from config.celery import app\n"
        f"app.send_task('apps.contacts.tasks.nothing', args=[{victim['LAST']!r}], queue='default')\n"
        "from django.core.cache import cache\n"
        f"cache.set({'seen:' + victim['SSN']!r}, 1)\n"
        "from django.contrib.sessions.backends.db import SessionStore\n"
        f"session = SessionStore(); session['name'] = {victim['ADDRESS']!r}; session.save()\n"
        "import logging\n"
        f"logging.getLogger('apps.contacts').warning('imported %s', {name!r})\n"
    )
    found = {(finding.place.partition("/")[0], finding.needle) for finding in findings(walked, needles, files=False)}
    assert ("pg_dump", victim["FIRST"]) in found
    assert ("redis", victim["LAST"]) in found
    assert ("redis", victim["SSN"]) in found
    assert ("pg_dump", victim["ADDRESS"]) in found
    assert ("home", victim["LAST"]) in found
