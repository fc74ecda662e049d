"""From nothing to a working installation, by the very commands of the Dockerfile and the pages: what the image lets in,
roles for a database of one's own, keys, tables, an administrator, a page, a backup."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.conf import settings

from apps.installation import embedded_servers
from tests.install.image import REPOSITORY, context, copy_of_the_image, lets_in, run_steps

BIN = Path(sys.executable).parent
pytestmark = pytest.mark.usefixtures("django_db_modify_db_settings")


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".env.example",
        "apps/core/.env",
        "config/.env.production",
        ".git/config",
        ".keys/kek-1.key",
        ".home/files/x",
        ".venv/bin/python",
        "docker/secrets/ca.key",
        "frontend/node_modules/x/index.js",
        "apps/vault/service.key",
        "static/vendor/htmx.js",
        "tests/conftest.py",
        "benchmarks/run.py",
        "docs/deploy.md",
        "requirements/dev.lock",
        "something-new/file",
    ],
)
def test_nothing_that_an_installation_does_not_need_gets_into_the_image(name: str) -> None:
    assert not lets_in(name)


def test_everything_that_it_needs_gets_in() -> None:
    found = set(context())
    needed = {"manage.py", "CHANGELOG.md", "config/settings.py", "requirements/base.lock", "frontend/vendor.py"}
    assert needed <= found
    assert {name.split("/")[0] for name in found} == {
        "apps", "config", "templates", "static", "frontend", "requirements", "manage.py", "CHANGELOG.md", "LICENSE",
    }  # fmt: skip
    code = {str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "apps").rglob("*.py")}
    assert code <= found


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_the_image(tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def collected(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the image's own last step put its home and keys; it ran on what was let in."""
    made = tmp_path_factory.mktemp("build")
    (step,) = [each for each in run_steps() if "collectstatic" in each]
    step = step.replace("/tmp/home", f"{made}/home").replace("/tmp/keys", f"{made}/keys")
    environment = {"PATH": f"{BIN}:/usr/bin:/bin"}
    done = subprocess.run(["bash", "-euc", step], cwd=image, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return made


def test_the_images_own_last_step_collects_the_static_files_and_leaves_no_key(collected: Path, image: Path) -> None:
    assert (image / "staticfiles" / "staticfiles.json").exists()
    assert list(collected.iterdir()) == []
    assert not (image / ".keys").exists()


# -- A database of one's own -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Database:
    """A database whose roles were made by docker/roles.sql; role names begin with ``prefix`` instead of carelane_."""

    name: str
    prefix: str
    words: dict[str, str]

    def address(self, role: str) -> str:
        where = quote(str(settings.EMBEDDED.sockets), safe="")
        return f"postgresql://{self.prefix}{role}:{self.words[role]}@{where}:5432/{self.name}"


def superuser(database: str = "postgres") -> psycopg.Connection:
    return psycopg.connect(
        host=str(settings.EMBEDDED.sockets),
        user="postgres",
        password=embedded_servers.passwords(settings.EMBEDDED)["postgres"],
        dbname=database,
        autocommit=True,
    )


@contextlib.contextmanager
def own_database(tmp_path: Path, *, by_superuser: bool) -> Iterator[Database]:
    """An empty database, and ``psql --file docker/roles.sql`` as the page says.

    The test's server has the roles already, so these have other names; the file is the same.
    """
    mark = secrets.token_hex(3)
    made = Database(f"own_{mark}", f"own{mark}_", {role: secrets.token_hex(12) for role in embedded_servers.ROLES})
    administrator, word = "postgres", embedded_servers.passwords(settings.EMBEDDED)["postgres"]
    with superuser() as server:
        if not by_superuser:
            administrator, word = f"own{mark}_admin", secrets.token_hex(12)
            server.execute(f"CREATE ROLE {administrator} LOGIN CREATEROLE CREATEDB PASSWORD '{word}'")
        server.execute(f"CREATE DATABASE {made.name} OWNER {administrator}")
    script = tmp_path / "roles.sql"
    script.write_text((REPOSITORY / "docker" / "roles.sql").read_text().replace("carelane_", made.prefix))
    command = [
        embedded_servers.client_program("psql"),
        "--no-psqlrc",
        "--quiet",
        "--dbname",
        made.name,
        "--file",
        str(script),
    ]
    for role, secret in made.words.items():
        command += ["--set", f"{role}={secret}"]
    where = {"PGHOST": str(settings.EMBEDDED.sockets), "PGUSER": administrator, "PGPASSWORD": word}
    done = subprocess.run(command, env={"PATH": "/usr/bin:/bin", **where}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    yield made
    embedded_servers.drop_database(settings.EMBEDDED, made.name)
    with superuser() as server:
        for role in [*(f"{made.prefix}{name}" for name in made.words), administrator]:
            if role != "postgres":
                server.execute(f"DROP OWNED BY {role}")
                server.execute(f"DROP ROLE {role}")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with own_database(tmp_path, by_superuser=True) as made:
        yield made


@pytest.fixture
def manage(image: Path, database: Database, tmp_path: Path) -> Callable[..., str]:
    """``manage("migrate")`` runs a command of the image in production on that database; what it printed."""
    embedded_servers.ensure_redis(settings.EMBEDDED)

    def run(*words: str, program: str = "python manage.py") -> str:
        done = subprocess.run(
            [str(BIN / program.split()[0]), *program.split()[1:], *words],
            cwd=image, env=environment(database, tmp_path), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


def environment(database: Database, folder: Path) -> dict[str, str]:
    return {
        "PATH": f"{Path(embedded_servers.client_program('pg_dump')).parent}:/usr/bin:/bin",
        "CARELANE_URL": "https://carelane.clinic.test",
        "ALLOWED_HOSTS": "carelane.clinic.test,localhost",
        "CARELANE_HOME": str(folder / "data"),
        "CARELANE_KEYS": str(folder / "keys"),
        "CARELANE_CHECKPOINTS": str(folder / "checkpoints"),
        "REDIS_URL": embedded_servers.redis_url(settings.EMBEDDED),
        "DATABASE_URL": database.address("app"),
        **{f"DATABASE_{role.upper()}_URL": database.address(role) for role in ("owner", "audit", "reader")},
    }


def test_a_new_installation_works_with_the_roles_of_the_file(
    manage: Callable[..., str], image: Path, collected: Path, database: Database, tmp_path: Path
) -> None:
    manage("create_keys")
    manage("migrate", "--verbosity", "0")
    link = manage("create_admin", "you@clinic.test", "--name", "You")
    assert "https://carelane.clinic.test/account/" in link
    assert "every one as it was written" in manage("verify_audit")

    web = tmp_path / "web.sock"
    command = ["gunicorn", "config.wsgi", "--bind", f"unix:{web}", "--workers", "1", "--threads", "2"]
    with (tmp_path / "web.log").open("w") as log:
        process = subprocess.Popen(
            [str(BIN / command[0]), *command[1:]],
            cwd=image,
            env=environment(database, tmp_path),
            stdout=log,
            stderr=log,
        )
        try:
            assert asked(web, "/healthz") == (200, '{"status": "ok"}')
            status, page = asked(web, "/account/sign-in/")
            assert status == 200
            style = re.search(r'href="(/static/[^"]+\.css)"', page)
            assert style is not None
            assert asked(web, style.group(1))[0] == 200
        finally:
            process.terminate()
            process.wait(20)

    manage("backup", str(tmp_path / "copy"), str(tmp_path / "copy-of-keys"))
    (backup,) = (tmp_path / "copy").iterdir()
    assert (backup / "database.dump").stat().st_size > 10_000
    rights(database)


def tried(database: Database, role: str, statement: str) -> bool:
    """Whether a role may; nothing stays done unless it is the owner who may."""
    with psycopg.connect(database.address(role)) as connection:
        try:
            connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            return False
        if role != "owner":
            connection.rollback()
        return True


def rights(database: Database) -> None:
    """What each role may: the reader reads, the application writes rows and no tables, nobody alters the trail."""
    assert tried(database, "reader", "SELECT count(*) FROM users_user")
    assert not tried(database, "reader", "DELETE FROM users_user")
    assert tried(database, "app", "UPDATE users_user SET theme = ''")
    assert not tried(database, "app", "CREATE TABLE mine (id int)")
    assert not tried(database, "app", "DELETE FROM audit_auditentry")
    assert not tried(database, "app", "DELETE FROM auditlog_logentry")


def test_the_administrator_of_a_managed_server_who_is_no_superuser_runs_the_same_file(tmp_path: Path) -> None:
    with own_database(tmp_path, by_superuser=False) as made:
        assert tried(made, "owner", "CREATE TABLE rows (id bigint GENERATED ALWAYS AS IDENTITY, word text)")
        assert tried(made, "app", "INSERT INTO rows (word) VALUES ('x')")
        assert tried(made, "reader", "SELECT * FROM rows")
        assert not tried(made, "reader", "INSERT INTO rows (word) VALUES ('x')")
        assert not tried(made, "audit", "SELECT * FROM rows")
        assert not tried(made, "app", "CREATE TABLE mine (id int)")


def asked(place: Path, path: str) -> tuple[int, str]:
    """The answer of the web process on a socket, as its proxy asks."""
    deadline = time.monotonic() + 30
    while True:
        connection = http.client.HTTPConnection("localhost", timeout=20)
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.connect(str(place))
            break
        except OSError:
            assert time.monotonic() < deadline, "the web process does not listen"
            time.sleep(0.05)
    headers = {"Host": "carelane.clinic.test", "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    with contextlib.closing(connection):
        return answer.status, answer.read().decode()


# -- The packages of the image ---------------------------------------------------------------------------------------


@pytest.mark.peers
def test_the_packages_of_the_image_are_enough_for_its_last_step(image: Path, tmp_path: Path) -> None:
    """A fresh environment from base.lock, by hash; nothing of the developers' packages."""
    (install,) = [each for each in run_steps() if each.startswith("pip install")]
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    bin_ = tmp_path / "venv" / "bin"
    given = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HTTP", "http"))}
    environment = {"PATH": f"{bin_}:/usr/bin:/bin", "HOME": str(tmp_path), **given}
    done = subprocess.run(["bash", "-euc", install], cwd=image, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    (step,) = [each for each in run_steps() if "collectstatic" in each]
    step = step.replace("/tmp/home", f"{tmp_path}/home").replace("/tmp/keys", f"{tmp_path}/keys")
    shutil.rmtree(image / "staticfiles", ignore_errors=True)
    subprocess.run(["bash", "-euc", step], cwd=image, env=environment, check=True, capture_output=True)
    assert (image / "staticfiles" / "staticfiles.json").exists()
    installed = subprocess.run(
        [bin_ / "python", "-m", "pip", "list", "--format", "freeze"], check=True, capture_output=True, text=True
    ).stdout.lower()
    assert "django==" in installed
    assert "pytest" not in installed
