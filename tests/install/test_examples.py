"""The files of docs/examples, looked at by the programs that read them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml
from django.conf import settings

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "docs" / "examples"
UNITS = EXAMPLES / "systemd"
PROGRAMS = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


def found(program: str) -> str:
    """Where a program is; without it the test is left out."""
    place = shutil.which(program, path=PROGRAMS)
    if place is None:
        pytest.skip(f"left out: {program} is absent")
    return place


@pytest.mark.peers
def test_nginx_takes_the_file(tmp_path: Path) -> None:
    nginx = found("nginx")
    key, certificate = tmp_path / "privkey.pem", tmp_path / "fullchain.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
        + ["-keyout", key, "-out", certificate, "-subj", "/CN=carelane.clinic.example"],
        check=True, capture_output=True,
    )  # fmt: skip
    text = (EXAMPLES / "nginx.conf").read_text()
    (tmp_path / "site.conf").write_text(text.replace("/etc/letsencrypt/live/carelane.clinic.example", str(tmp_path)))
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        f"pid {tmp_path}/pid;\nerror_log {tmp_path}/log;\nevents {{}}\nhttp {{\ninclude {tmp_path}/site.conf;\n"
        f"client_body_temp_path {tmp_path}/body;\nproxy_temp_path {tmp_path}/proxy;\n}}\n"
    )
    done = subprocess.run([nginx, "-t", "-p", tmp_path, "-c", whole], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


@pytest.mark.peers
def test_caddy_takes_the_file(tmp_path: Path) -> None:
    command = [found("caddy"), "validate", "--adapter", "caddyfile", "--config", EXAMPLES / "Caddyfile"]
    done = subprocess.run(
        command, env={"PATH": PROGRAMS, "HOME": str(tmp_path)}, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def megabytes(text: str, pattern: str) -> int:
    (number,) = re.findall(pattern, text)
    return int(number) * 1024 * 1024


def test_both_proxies_let_the_largest_form_through_and_keep_no_body_on_disk() -> None:
    nginx, caddy = (EXAMPLES / "nginx.conf").read_text(), (EXAMPLES / "Caddyfile").read_text()
    assert megabytes(nginx, r"client_max_body_size (\d+)m;") >= settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    assert megabytes(caddy, r"max_size (\d+)MB") >= settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    assert "proxy_request_buffering off;" in nginx
    assert "proxy_max_temp_file_size 0;" in nginx
    assert nginx.count("access_log off;") == 2, "links open something once"
    assert "\n\tlog" not in caddy


def test_nginx_writes_every_header_that_the_product_believes() -> None:
    written = re.findall(r"proxy_set_header (\S+)\s+(\S+);", (EXAMPLES / "nginx.conf").read_text())
    assert dict(written) == {
        "Connection": '""',
        "Host": "$host",
        "X-Forwarded-Proto": "$scheme",
        "X-Forwarded-For": "$remote_addr",
    }


def test_a_shell_reads_every_line_of_the_example_as_it_stands() -> None:
    """systemd and compose take off the same quotes."""
    lines = (REPOSITORY / ".env.example").read_text().splitlines()
    given = [line.removeprefix("#") for line in lines if re.match(r"#?[A-Z_]+=", line)]
    script = "set -a\n" + "\n".join(given) + "\nexec env -0"
    done = subprocess.run(["bash", "-euc", script], env={"PATH": "/usr/bin:/bin"}, check=True, capture_output=True)
    read = dict(each.split("=", 1) for each in done.stdout.decode().split("\0") if each)
    for line in given:
        name, _, value = line.partition("=")
        assert read[name] == value.strip("'"), name
    assert json.loads(read["CARELANE_STORAGE_OPTIONS"])["endpoint_url"].startswith("https://")
    assert read["DATABASE_URL"].endswith("sslmode=verify-full&sslrootcert=/etc/carelane/ca.pem")


# -- systemd ---------------------------------------------------------------------------------------------------------


def unit(name: str) -> ConfigParser:
    parsed = ConfigParser(interpolation=None, strict=False)
    parsed.optionxform = str  # type: ignore[assignment, method-assign]
    parsed.read(UNITS / name)
    return parsed


@pytest.mark.peers
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """The programs they start stand elsewhere here; everything else is as it lies."""
    analyze = found("systemd-analyze")
    for path in UNITS.iterdir():
        text = path.read_text().replace("/opt/carelane/.venv/bin", str(Path(sys.executable).parent))
        (tmp_path / path.name).write_text(text)
    done = subprocess.run(
        [analyze, "verify", *sorted(tmp_path.glob("carelane*"))], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_by_hand_and_in_containers_the_same_parts_run() -> None:
    services = yaml.safe_load((REPOSITORY / "docker" / "compose.yaml").read_text())["services"]
    (web,) = re.findall(r"^CMD (\[.*\])$", (REPOSITORY / "docker" / "Dockerfile").read_text(), re.MULTILINE)
    commands = {
        "web": yaml.safe_load(web),
        **{name: services[name]["command"] for name in ("worker", "beat", "receiver")},
    }
    for name, command in commands.items():
        started = unit(f"carelane-{name}.service")["Service"]["ExecStart"].removeprefix("/opt/carelane/.venv/bin/")
        differs = {"0.0.0.0:8000": "127.0.0.1:8000", "/tmp/celerybeat": "/run/carelane-beat/schedule"}
        words = [differs.get(word, word) for word in command]
        assert started.replace("--pidfile= ", "--pidfile  ") == " ".join(words), name
        assert f"carelane-{name}.service" in unit("carelane.target")["Unit"]["Wants"]


def test_no_unit_runs_as_root_or_may_write_where_the_code_lies() -> None:
    for path in UNITS.glob("*.service"):
        service = unit(path.name)["Service"]
        assert service["User"] == "carelane"
        assert service["ProtectSystem"] == "strict"
        assert service["NoNewPrivileges"] == "yes"
        assert service["LimitCORE"] == "0"
        assert "/opt" not in service["ReadWritePaths"]
