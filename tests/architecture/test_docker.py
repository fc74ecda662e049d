"""The container files, read: every queue has a worker, every setting exists, nobody is root."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from apps.installation import embedded_servers
from config.celery import QUEUES

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKER = REPOSITORY / "docker"


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load((DOCKER / "compose.yaml").read_text())


def words(service: dict) -> list[str]:
    command = service.get("command", [])
    return command if isinstance(command, list) else command.split()


def test_every_queue_has_a_worker(compose) -> None:
    served = set()
    for service in compose["services"].values():
        command = words(service)
        if "worker" in command:
            served |= set(command[command.index("--queues") + 1].split(","))
    assert served == set(QUEUES)


def test_the_parts_of_an_installation_are_there(compose) -> None:
    assert {"postgres", "redis", "web", "worker", "beat", "receiver", "postfix"} <= set(compose["services"])


def test_every_setting_named_exists(compose) -> None:
    source = "".join(path.read_text() for path in (REPOSITORY / "config").glob("*.py"))
    source += "".join(path.read_text() for path in (REPOSITORY / "apps").rglob("*.py"))
    for name, service in compose["services"].items():
        if name in ("postgres", "redis", "postfix"):
            continue
        for variable in service.get("environment", {}):
            assert f'"{variable.removesuffix("_FILE")}"' in source, variable


def test_every_secret_used_is_declared_and_made(compose) -> None:
    prepare = (DOCKER / "prepare.sh").read_text()
    for service in compose["services"].values():
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
    for secret in compose["secrets"].values():
        stem = Path(secret["file"]).name
        assert stem in prepare or Path(stem).stem in ("postgres", "redis", "postfix"), stem


def test_the_image_runs_as_nobody_special_from_hashed_packages() -> None:
    text = (DOCKER / "Dockerfile").read_text()
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE)[-1] not in ("root", "0")
    assert "--require-hashes" in text


def test_the_roles_are_those_of_the_embedded_server() -> None:
    script = (DOCKER / "roles.sql").read_text()
    for role in embedded_servers.ROLES.values():
        assert f"CREATE ROLE {role} " in script
    grants = re.findall(r"GRANT [A-Z, ]+ ON (?:TABLES|SEQUENCES)", embedded_servers.roles_sql())
    for grant in grants:
        assert grant in script, grant


def test_the_scripts_are_bash_that_parses() -> None:
    for script in DOCKER.rglob("*.sh"):
        subprocess.run(["bash", "-n", script], check=True)


def test_the_secrets_are_made_once_in_a_folder_for_the_owner_alone(tmp_path) -> None:
    copy = tmp_path / "docker"
    copy.mkdir()
    (copy / "prepare.sh").write_text((DOCKER / "prepare.sh").read_text())
    subprocess.run(["bash", copy / "prepare.sh"], check=True, capture_output=True)
    made = {path.name for path in (copy / "secrets").iterdir()}
    assert {"database_url", "redis_url", "redis.conf", "postgres.pem", "postgres.key", "ca.pem"} <= made
    assert "sslmode=verify-full" in (copy / "secrets" / "database_url").read_text()
    assert (copy / "secrets").stat().st_mode & 0o777 == 0o700
    assert (copy / "secrets" / "ca.key").stat().st_mode & 0o077 == 0
    again = subprocess.run(["bash", copy / "prepare.sh"], check=False, capture_output=True)
    assert again.returncode == 1


def test_every_mounted_secret_is_made_and_read_by_a_user_with_another_number(compose, tmp_path) -> None:
    """Compose mounts a file with owner and mode of the host; whoever reads in a container is neither root nor that."""
    copy = tmp_path / "docker"
    copy.mkdir()
    (copy / "prepare.sh").write_text((DOCKER / "prepare.sh").read_text())
    subprocess.run(["bash", copy / "prepare.sh"], check=True, capture_output=True)
    for secret in compose["secrets"].values():
        assert (copy / secret["file"]).stat().st_mode & 0o004, secret["file"]


def test_postgresql_gets_its_key_in_a_file_of_its_own(compose) -> None:
    """It refuses one that others may read, or that belongs to somebody else."""
    service = compose["services"]["postgres"]
    script = (DOCKER / "postgres.sh").read_text()
    assert service["entrypoint"] == ["/postgres.sh"]
    assert "./postgres.sh:/postgres.sh:ro" in service["volumes"]
    assert (DOCKER / "postgres.sh").stat().st_mode & 0o111
    (placed,) = re.findall(
        r"^install --owner=postgres --mode=0600 /run/secrets/postgres_key (\S+)$", script, re.MULTILINE
    )
    assert f"ssl_key_file={placed}" in service["command"]


def test_a_part_that_serves_no_pages_is_not_asked_for_one(compose) -> None:
    """The image's health check asks the web process, which the other parts are not."""
    assert "8000/healthz" in (DOCKER / "Dockerfile").read_text()
    assert "healthcheck" not in compose["services"]["web"]
    for name in ("worker", "beat"):
        assert compose["services"][name]["healthcheck"] == {"disable": True}
    (listens,) = re.findall(r":(\d+)$", compose["services"]["receiver"]["environment"]["CARELANE_LMTP_ADDRESS"])
    check = compose["services"]["receiver"]["healthcheck"]["test"]
    assert f'("127.0.0.1", {listens})' in check[-1]
    compile(check[-1], "healthcheck", "exec")


def test_the_status_page_and_postfix_look_for_the_receiver_where_it_is(compose) -> None:
    place = compose["services"]["web"]["environment"]["CARELANE_LMTP_ADDRESS"]
    assert place == "receiver:2424"
    assert f"relay_transport = lmtp:inet:{place}" in (DOCKER / "postfix" / "main.cf").read_text()


def test_the_backup_is_made_by_programs_of_the_servers_version(compose) -> None:
    """pg_dump refuses a server newer than itself."""
    (server,) = re.findall(r"^postgres:(\d+)", compose["services"]["postgres"]["image"])
    assert f"postgresql-client-{server} " in (DOCKER / "Dockerfile").read_text()


def test_the_database_container_makes_the_roles_of_the_file_and_lets_nobody_in_without_tls(compose, tmp_path) -> None:
    script = (DOCKER / "roles.sh").read_text()
    assert "--file /roles.sql" in script
    assert "./roles.sql:/roles.sql:ro" in compose["services"]["postgres"]["volumes"]
    rules = tmp_path / "pg_hba.conf"
    # As the image's entrypoint writes them.
    rules.write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n\nhost all all all scram-sha-256\n")
    lines = script.partition("--file /roles.sql\n")[2]
    subprocess.run(["bash", "-euc", lines], env={"PGDATA": str(tmp_path), "PATH": "/usr/bin:/bin"}, check=True)
    assert rules.read_text().splitlines()[-1] == "hostssl all all all scram-sha-256"
    assert "host all all 127.0.0.1/32 scram-sha-256" in rules.read_text()


def networks(service: dict) -> set[str]:
    return set(service["networks"])


def test_whoever_speaks_to_strangers_reaches_neither_database_nor_web(compose) -> None:
    parts = compose["services"]
    assert compose["networks"]["data"] == {"internal": True}
    assert networks(parts["postgres"]) == networks(parts["redis"]) == {"data"}
    for name in ("postgres", "redis", "web", "worker", "beat"):
        assert not networks(parts["postfix"]) & networks(parts[name]), name
    assert networks(parts["postfix"]) & networks(parts["receiver"])
    for name in ("web", "worker"):
        assert networks(parts[name]) >= {"data", "out"}, "mail leaves, and certificates are looked at"


def test_no_part_gains_rights_that_it_was_not_started_with(compose) -> None:
    for name, service in compose["services"].items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
    for name in ("web", "worker", "beat", "receiver"):
        assert compose["services"][name]["cap_drop"] == ["ALL"]
        assert compose["services"][name]["read_only"] is True


def test_what_an_administrator_sets_reaches_the_parts(compose) -> None:
    for name in ("web", "worker", "beat", "receiver"):
        assert compose["services"][name]["env_file"] == [{"path": "../.env", "required": False}]
