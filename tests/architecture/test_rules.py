"""The rules of the house, over the whole product; and a breach of each, planted once and seen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps

from tests.architecture import rules

MODULES = dict(rules.modules())

# A module that opens connections of its own, or a package of such, and why it is not in mail.
CONNECTS = {
    "apps.dashboard.status": "reads the certificate of our own public address",
    "apps.delivery.home": "asks whether our own receiver listens",
    "apps.delivery.returns.receiver": "listens; asks a socket in its place whether anybody is there",
    "apps.demo": "guests and servers of the demo, on this machine",
}
# A module that writes without being a service, or a package of such, and why.
WRITERS = {
    "apps.audit.sequencer": "numbers committed entries, with a database role of its own",
    "apps.contacts.attributes.fills": "a long job; the service that orders it has the entry on the trail",
    "apps.contacts.changes.pending": "rows of changes that wait, in the transaction of the service that calls",
    "apps.contacts.person.renewal": "a long job; each chunk is on the trail, and the service writes the values",
    "apps.core.bulk": "COPY, for the rows that services hand over",
    "apps.delivery.send": "the send path: set-based, fenced, results with one synchronous commit",
    "apps.delivery.settings.measuring": "measures of mail servers; nobody is in them",
    "apps.demo": "invented people, never in production",
    "apps.jobs.runner": "the lease of a job",
    "apps.mail.files.opening": "a picture into memory, not a row",
    "apps.users.models": "a code is used up by the device that checks it, as django-otp asks",
    "apps.users.sessions": "Django's store of sessions",
    "apps.vault.stored_files": "sealed files, for the services that keep the way to open them",
}
# Imports inside functions: settings and Celery before the apps are there, worker processes, optional servers, and
# the eight thousand languages of a library that few lists need.
LATE_IMPORTS = 18


@pytest.fixture(scope="module", autouse=True)
def parsed_for_this_file() -> Iterator[None]:
    """The parsed product is a million objects: it does not stay for the files of tests that come after."""
    yield
    rules.forget()


def tables() -> dict[str, str]:
    """Every table of ours, with the app that owns it."""
    models = [model for model in apps.get_models(include_auto_created=True) if model.__module__.startswith("apps.")]
    return {model._meta.db_table: model._meta.app_label for model in models}


def pure_modules() -> list[str]:
    """Modules that say they are pure; what a package says holds for all that is in it."""
    said = [module for module, text in MODULES.items() if rules.is_pure(text)]
    return sorted(module for module in MODULES if rules.is_in(module, said))


def test_what_calls_itself_pure_is() -> None:
    found = {module: breaches for module in pure_modules() if (breaches := rules.impure(MODULES[module]))}
    assert found == {}
    assert len(pure_modules()) > 80


def test_connections_are_opened_in_mail_only() -> None:
    opening = {module for module, text in MODULES.items() if rules.connections(text)}
    elsewhere = {module for module in opening if not module.startswith("apps.mail.")}
    assert {module for module in elsewhere if not rules.is_in(module, CONNECTS)} == set()
    for each in CONNECTS:
        assert any(rules.is_in(module, [each]) for module in elsewhere), f"{each} opens none any more"


def test_sql_names_no_table_of_another_app() -> None:
    owners = tables()
    found = {
        module: breaches for module, text in MODULES.items() if (breaches := rules.foreign_tables(module, text, owners))
    }
    assert found == {}


def test_only_services_write() -> None:
    found = {
        module: breaches
        for module, text in MODULES.items()
        if not rules.may_write(module, WRITERS) and (breaches := rules.writes(text))
    }
    assert found == {}
    for each in WRITERS:
        inside = [text for module, text in MODULES.items() if rules.is_in(module, [each])]
        assert any(rules.writes(text) for text in inside), f"{each} does not write any more"


def test_a_day_is_the_clinics() -> None:
    assert {module: found for module, text in MODULES.items() if (found := rules.days_of_utc(text))} == {}


@pytest.mark.parametrize(
    "breach",
    [
        "clock.now().date()",
        "timezone.now().date()",
        "now.date()",
        "row.created_at.date()",
        "timezone.localdate()",
        "date.today()",
        "rows.filter(at__date=day)",
        "rows.filter(at__date__gte=day)",
        "row.at.strftime('%b')",
        "cursor.execute('SELECT CURRENT_DATE')",
        "cursor.execute('SELECT at::date FROM x')",
        "cursor.execute(\"SELECT date_trunc('day', at) FROM x\")",
        "(now + delta).date()",
        "(clock.now() - timedelta(days=2)).date()",
        "(row.finished_at or now).date()",
        "(at if at else since).date()",
        "now.replace(hour=0).date()",
        "start.astimezone(UTC).date()",
        "start.astimezone(datetime.timezone.utc).date()",
        "rows.annotate(day=TruncDate('at'))",
        "rows.annotate(day=functions.TruncDay('created_at'))",
        "rows.values('created_at__date')",
        "rows.filter(**{'at__date__lt': day})",
        "cursor.execute('SELECT CAST(at AS date) FROM x')",
        "cursor.execute('SELECT cast(coalesce(a.sent_at, %s) AS DATE) FROM x')",
    ],
)
def test_a_day_of_utc_is_found(breach: str) -> None:
    assert rules.days_of_utc(breach)
    assert not rules.days_of_utc(
        "clock.clinic_day(now), now.astimezone(zone).date(), visit.date(), (now + delta).astimezone(zone).date(),"
        "TruncDay('due_at', tzinfo=zone), TruncDate('at', tzinfo=zone),"
        "run(\"SELECT CAST(at AT TIME ZONE %s AS date), CAST(n AS text), 'a date)', '[)'::daterange\")"
    )


def test_private_names_stay_in_their_module() -> None:
    assert {module: found for module, text in MODULES.items() if (found := rules.private_names(text))} == {}


def test_imports_inside_functions_become_fewer() -> None:
    """What apps register when Django starts they can only import then."""
    found = {
        module: len(rules.late_imports(text)) for module, text in MODULES.items() if module.split(".")[2:] != ["apps"]
    }
    assert sum(found.values()) <= LATE_IMPORTS, {module: count for module, count in found.items() if count}


# -- A breach of each ------------------------------------------------------------------------------------------

PURE = '"""What is possible. Pure."""\n'


@pytest.mark.parametrize(
    "line",
    [
        "from django.db import connection",
        "from django.conf import settings",
        "from apps.core import clock",
        "from apps.core.clock import now",
        "from apps.contacts.models import Person",
        "from apps.contacts.person import services",
        "def late():\n    from django.db.models import Q",
    ],
)
def test_an_impure_import_is_seen(line: str) -> None:
    assert rules.is_pure(PURE)
    assert rules.impure(PURE + line) != []
    assert rules.impure(PURE + "from apps.core.errors import Refused\nfrom datetime import date") == []


@pytest.mark.parametrize(
    ("words", "pure"), [("Words: pure.", True), ("It is pure.", True), ("The pure policy.", False)]
)
def test_a_docstring_says_that_a_module_is_pure(words: str, pure: bool) -> None:
    assert rules.is_pure(f'"""{words}"""\n') is pure


@pytest.mark.parametrize(
    "text",
    [
        "import socket\nsocket.create_connection(('example.org', 25))",
        "import asyncio\nasync def go():\n    await asyncio.open_connection('example.org', 25)",
        "import smtplib",
        "from urllib.request import urlopen",
        "import http.client",
        "async def go(loop):\n    await loop.create_connection(make, 'example.org', 25)",
    ],
)
def test_a_connection_is_seen(text: str) -> None:
    assert len(rules.connections(text)) == 1
    assert rules.connections("import socket\nsocket.gethostname()\nloop.create_server(make)") == []


@pytest.mark.parametrize(
    "text",
    [
        'SQL = "SELECT token FROM contacts_personidentity"',
        'def sql(where):\n    return f"SELECT 1 FROM contacts_personidentity WHERE {where}"',
        'copy_rows("contacts_personidentity (kind, token)", [], [])',
    ],
)
def test_sql_about_another_app_is_seen(text: str) -> None:
    owners = tables()
    assert [what for _, what in rules.foreign_tables("apps.delivery.send.claiming", text, owners)] == [
        "contacts_personidentity"
    ]
    assert rules.foreign_tables("apps.contacts.sql", text, owners) == []
    about = '"""Rows of contacts_personidentity are read elsewhere."""\n'
    assert rules.foreign_tables("apps.delivery.send.claiming", about, owners) == []


@pytest.mark.parametrize(
    "line",
    [
        "person.save(update_fields=['sealed'])",
        "Person.objects.create(sealed=b'')",
        "person.delete()",
        "Person.objects.filter(pk=1).delete()",
        "Person.objects.filter(pk=1).update(sealed=b'')",
        "rows.update(sealed=b'')",
        "Person.objects.bulk_create([])",
        "copy_rows('contacts_person (id)', ['int8'], [])",
        "cursor.execute('INSERT INTO contacts_person (id) VALUES (1)')",
        "cursor.execute('UPDATE contacts_person SET sealed = NULL')",
        "cursor.execute(f'WITH gone AS (DELETE FROM contacts_person p WHERE {where}) SELECT 1')",
        "cursor.copy('COPY contacts_person FROM STDIN')",
    ],
)
def test_a_write_is_seen(line: str) -> None:
    assert rules.writes(line) != []


@pytest.mark.parametrize(
    "line",
    [
        "found.update({'a': 1})",
        "cache.delete(key)",
        "digest.update(part)",
        "inner.copy()",
        "SQL = 'SELECT 1 FOR UPDATE'",
    ],
)
def test_what_only_looks_like_a_write_is_none(line: str) -> None:
    assert rules.writes(line) == []


@pytest.mark.parametrize(
    ("module", "may"),
    [
        ("apps.contacts.person.services", True),
        ("apps.campaigns.services.sending", True),
        ("apps.delivery.send.slots", True),
        ("apps.delivery.sending", False),
        ("apps.contacts.person.views.people", False),
        ("apps.contacts.person.selectors", False),
    ],
)
def test_who_may_write(module: str, may: bool) -> None:
    assert rules.may_write(module, WRITERS) is may


@pytest.mark.parametrize(
    "text",
    ["from apps.contacts.services import _open", "from apps.contacts import services\nservices._open(1)"],
)
def test_a_private_name_of_another_module_is_seen(text: str) -> None:
    assert rules.private_names(text) != []
    assert rules.private_names("from apps.contacts.models import Person\nPerson._meta\nself._open()") == []


def test_an_import_inside_a_function_is_counted() -> None:
    assert rules.late_imports("import os\ndef late():\n    import json\n    from re import sub") == [3, 4]
