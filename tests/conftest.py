"""The cast, the database and the clock of every test.

Tests run against a real PostgreSQL: one database is made, migrated by the owner role, and used by the application
role, as in production.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import TransactionTestCase
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from apps.core import actors, clock
from apps.core.strangers import opening
from apps.installation import embedded_servers
from tests import sizes

# What a run leaves out, the order of files, the two halves of a run.
pytest_plugins = ["tests.left_out", "tests.order"]

# Property tests count examples, not milliseconds: a busy machine is no fault of the code. Their sample is the same in
# every run; `make proofs` draws others.
hypothesis_settings.register_profile(
    "patient",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=not sizes.FULL,
    max_examples=sizes.examples(100),
)
hypothesis_settings.load_profile("patient")

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_DATA = Path(os.environ.get("CARELANE_DATA", REPOSITORY.parent / "shared" / "data"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--latency", type=int, default=0, help="milliseconds by which the browser gets every answer late")


def pytest_collection_finish() -> None:
    """What is there now stays to the end: the collector need not look at it after every few hundred objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> Iterator[None]:
    """The tests' own servers: started before the first connection, stopped when nobody uses them any more."""
    assert settings.EMBEDDED, "The tests need the embedded servers: unset DATABASE_URL."
    home = Path(settings.CARELANE_HOME)
    home.mkdir(parents=True, exist_ok=True)
    # Somebody may run a single file in a second shell of this checkout: whoever is the last one turns out the light.
    with (home / "tests.lock").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        embedded_servers.ensure_running(settings.EMBEDDED)
        with superuser("postgres") as connection:
            # Only a power cut could tell the difference: nobody waits for the disk at every commit.
            for option in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {option} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.environ.get("CARELANE_KEEP_SERVERS"):
                embedded_servers.stop(settings.EMBEDDED)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: pytest.FixtureRequest, django_db_modify_db_settings: None) -> Iterator[None]:
    """One fresh database, migrated as the owner; all four roles point at it."""
    assert settings.EMBEDDED
    name = f"test_carelane_{os.getpid()}"
    embedded_servers.drop_database(settings.EMBEDDED, name)
    embedded_servers.create_database(settings.EMBEDDED, name)
    with django_db_blocker.unblock():
        for alias in connections:
            connections[alias].close()
            connections[alias].settings_dict["NAME"] = name
            settings.DATABASES[alias]["NAME"] = name
        call_command("migrate", verbosity=0)
        for alias in connections:
            if alias != "default":
                connections[alias].close()
        # Inside a test's transaction the other roles could not see its rows: they share its connection.
        settings.AUDIT_WRITER = "default"
        # And that one may not number the trail: tests/audit lets commands do it.
        settings.AFTER_COMMAND = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: empty(name))
        yield
    with django_db_blocker.unblock():
        for alias in connections:
            connections[alias].close()
        embedded_servers.drop_database(settings.EMBEDDED, name)


def superuser(database: str) -> psycopg.Connection:
    """A connection to the tests' server whose every statement commits."""
    return psycopg.connect(
        host=str(settings.EMBEDDED.sockets),
        user="postgres",
        password=embedded_servers.passwords(settings.EMBEDDED)["postgres"],
        dbname=database,
        autocommit=True,
    )


# Made by the migrations, never changed by the product.
KEPT = ["django_migrations", "django_content_type", "auth_permission"]


def empty(database: str) -> None:
    """Delete what a test committed.

    Django's own way (TRUNCATE of every table, then content types and permissions anew, for each connection) takes
    twenty times as long, and the application's role would need a right that it does not have. The superuser's
    session checks no reference and fires no trigger: whole tables go.
    """
    with superuser(database) as connection:
        connection.execute("SET session_replication_role = replica")
        tables = connection.execute(
            "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL (%s)", [KEPT]
        ).fetchall()
        each = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for (table,) in tables)
        for (table,) in connection.execute(each).fetchall():
            connection.execute(f"DELETE FROM {table}")


@pytest.fixture
def shared_data() -> Path:
    """The folder CARELANE_DATA. Absent: the test is left out with one line, and fails where CI is set."""
    if not SHARED_DATA.is_dir():
        message = f"left out: CARELANE_DATA ({SHARED_DATA}) is absent"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return SHARED_DATA


@pytest.fixture
def noon() -> Iterator[datetime]:
    """The clock stands at noon UTC of Nov 20, 2026."""
    with clock.frozen(datetime(2026, 11, 20, 12, tzinfo=UTC)) as at:
        yield at


@pytest.fixture
def strangers_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of strangers are read by the same functions, in this process and without walls.

    For scenes about what becomes of a letter: a process for each takes ten times as long as reading it. That the walls
    hold, and that every reader works behind them, is seen in tests/core/strangers, tests/mail/files and the browser.
    """

    def read(request: dict[str, Any], data: bytes, limits: opening.Limits, answer: Any) -> opening.Opened:
        def ask(question: Any) -> Any:
            if answer is None:
                raise opening.Unopened(opening.Trouble.QUESTIONS)
            return json.loads(json.dumps(answer(json.loads(json.dumps(question)))))

        module, _, name = request["work"].partition(":")
        try:
            value, blob = getattr(importlib.import_module(module), name)(data, ask=ask, **request["given"])
        except opening.Unopened:
            raise
        except Exception as error:  # noqa: BLE001 - as in the process
            raise opening.Unopened(opening.Trouble.BROKEN, type(error).__name__) from None
        return opening.Opened(json.loads(json.dumps(value)), blob)

    monkeypatch.setattr(opening, "_open", read)


PASSWORD = "correct horse battery staple"


@pytest.fixture
def cast(db: None) -> SimpleNamespace:
    """Ada administers, Max markets, Rita reviews, Nora nurses, Otto audits. Each is a ``User``."""
    from apps.users import services

    def make(name: str, role: str) -> object:
        return services.user_create(
            actor=actors.COMMAND_LINE,
            email=f"{name.lower()}@clinic.test",
            name=name,
            role=role,
            password=PASSWORD,
        )

    return SimpleNamespace(
        ada=make("Ada", "administrator"),
        max=make("Max", "marketer"),
        rita=make("Rita", "reviewer"),
        nora=make("Nora", "care_staff"),
        otto=make("Otto", "auditor"),
    )


@pytest.fixture
def signed_in(cast: SimpleNamespace):
    """``signed_in("max")`` is a test client with password and second factor done."""
    from django.test import Client
    from django_otp import DEVICE_ID_SESSION_KEY

    from apps.users import services
    from apps.users.models import TotpDevice

    def enter(name: str) -> Client:
        user = getattr(cast, name)
        client = Client()
        client.force_login(user)
        # Called twice for one person it is a second browser of theirs.
        device = TotpDevice.objects.filter(user=user, confirmed=True).first()
        if device is None:
            device = services.factor_begin(user=user)
            device.confirmed = True
            device.save(update_fields=["confirmed"])
        session = client.session
        session[DEVICE_ID_SESSION_KEY] = device.persistent_id
        session.save()
        client.staff = user
        return client

    return enter


@pytest.fixture
def questions() -> Callable[..., int]:
    """``questions(client, "/contacts/")`` is how many statements that page asks the database for.

    What is only asked once (the organization, a kept table) is asked before the first count of a page.
    """
    known: set[tuple[int, str]] = set()

    def count(client: Any, path: str) -> int:
        if (id(client), path) not in known:
            known.add((id(client), path))
            client.get(path)
        with CaptureQueriesContext(connections["default"]) as asked:
            assert client.get(path).status_code == 200
        return len(asked)

    return count


@pytest.fixture
def max_actor(cast: SimpleNamespace) -> actors.Actor:
    return actors.staff(cast.max.pk, cast.max.role)
