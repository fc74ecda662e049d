"""What a start in production refuses about addresses, each said in a sentence; and what it takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SAYS = "import json, config.settings as s; print(json.dumps([s.ALLOWED_HOSTS, s.PROXIES, s.SECURE_PROXY_SSL_HEADER]))"


@pytest.fixture
def start(tmp_path):
    """``start(ALLOWED_HOSTS="...")`` reads the settings as a production process; (exit code, what it said)."""
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "secret.key").write_text("a signing key of this test")
    socket = "postgres://%2Frun%2Fpostgresql/carelane"
    fixed = {f"DATABASE{role}_URL": socket for role in ("", "_OWNER", "_AUDIT", "_READER")}

    def run(**given: str) -> tuple[int, str]:
        environment = {
            "PATH": os.environ["PATH"],
            "CARELANE_MODE": "production",
            "CARELANE_HOME": str(tmp_path / "home"),
            "CARELANE_KEYS": str(tmp_path / "keys"),
            "CARELANE_URL": "https://carelane.clinic.test",
            "REDIS_URL": "unix:///run/redis.sock",
            **fixed,
            **given,
        }
        done = subprocess.run(
            [sys.executable, "-c", SAYS], env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_only_the_public_host_is_answered_to_and_one_proxy_is_expected(start) -> None:
    code, said = start()
    assert code == 0, said
    assert json.loads(said) == [["carelane.clinic.test"], 1, ["HTTP_X_FORWARDED_PROTO", "https"]]


def test_a_process_that_ends_tls_itself_believes_no_header(start) -> None:
    assert json.loads(start(CARELANE_PROXIES="0")[1])[1:] == [0, None]


@pytest.mark.parametrize(
    ("hosts", "words"),
    [
        ("*", "no * and no leading dot"),
        ("carelane.clinic.test,.clinic.test", "no * and no leading dot"),
        ("localhost", "must contain carelane.clinic.test"),
    ],
)
def test_a_careless_list_of_hosts_is_refused(start, hosts, words) -> None:
    code, said = start(ALLOWED_HOSTS=hosts)
    assert code != 0
    assert words in said


def test_object_storage_without_tls_is_refused(start) -> None:
    options = {"bucket_name": "files", "endpoint_url": "http://storage.clinic.test:9000"}
    given = {"CARELANE_STORAGE": "storages.backends.s3.S3Storage", "CARELANE_STORAGE_OPTIONS": json.dumps(options)}
    code, said = start(**given)
    assert code != 0
    assert "endpoint_url in CARELANE_STORAGE_OPTIONS must begin with https://" in said


def test_a_database_named_by_a_file_is_no_demo(start, tmp_path) -> None:
    """Docker secrets are files: whoever forgets the mode there must not publish the demo's sign-ins."""
    (tmp_path / "url").write_text("postgres://%2Frun%2Fpostgresql/carelane")
    code, said = start(
        CARELANE_MODE="",
        DATABASE_URL="",
        DATABASE_URL_FILE=str(tmp_path / "url"),
        CARELANE_URL="http://carelane.clinic.test",
    )
    assert code != 0
    assert "must begin with https:// in production" in said


def test_folders_may_be_named_from_where_one_stands(tmp_path) -> None:
    """What the settings start stands in another folder: a relative path must not lead elsewhere there."""
    code = f"import os, sys; sys.path.insert(0, {str(REPOSITORY)!r}); from config import settings as s; "
    code += "print(s.CARELANE_HOME, s.CARELANE_KEYS, s.CARELANE_CHECKPOINTS)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "CARELANE_HOME": "data", "CARELANE_KEYS": "./keys"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == [str(tmp_path / each) for each in ("data", "keys", "keys/checkpoints")], done.stderr


def test_the_first_commands_of_an_installation_need_no_key(tmp_path) -> None:
    """As docs/deploy.md has them: static files are collected and keys are made where there is none yet."""
    keys = tmp_path / "first"
    environment = {
        "PATH": os.environ["PATH"],
        "CARELANE_MODE": "production",
        "CARELANE_HOME": str(tmp_path / "home"),
        "CARELANE_KEYS": str(keys),
        "CARELANE_STATIC": str(tmp_path / "static"),
        "CARELANE_URL": "https://carelane.clinic.test",
        "REDIS_URL": "unix:///run/redis.sock",
        **{
            f"DATABASE{role}_URL": "postgres://%2Frun%2Fnowhere/carelane"
            for role in ("", "_OWNER", "_AUDIT", "_READER")
        },
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env=environment,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )

    early = run("migrate")
    assert (early.returncode, early.stderr.count("\n")) == (2, 1), early.stderr
    assert "Run 'manage.py create_keys'" in early.stderr
    collected = run("collectstatic", "--noinput", "--verbosity", "0")
    assert collected.returncode == 0, collected.stderr
    assert not keys.exists()
    made = run("create_keys")
    assert made.returncode == 0, made.stderr
    assert (keys / "secret.key").stat().st_mode & 0o777 == 0o600
    assert "is missing" not in run("segment_count", "Women").stderr


def test_a_command_beside_a_running_demo_makes_links_that_lead_to_it(tmp_path) -> None:
    code = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); from config import settings as s; print(s.PUBLIC_URL)"

    def address(**given: str) -> str:
        environment = {"PATH": os.environ["PATH"], "CARELANE_HOME": str(tmp_path), "CARELANE_KEYS": str(tmp_path / "k")}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment | given, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert address() == "http://127.0.0.1:8000"
    (tmp_path / "demo-address").write_text("127.0.0.1:8010")
    assert address() == "http://127.0.0.1:8010"
    assert address(CARELANE_URL="http://127.0.0.1:9000") == "http://127.0.0.1:9000"
