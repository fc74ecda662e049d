"""The container's Postfix, started for real: strangers bring mail for our domain, and for no other."""

from __future__ import annotations

import contextlib
import os
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP

FOLDER = Path(__file__).resolve().parents[2] / "docker" / "postfix"
POSTFIX = shutil.which("postfix", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
DOMAIN = "bounces.clinic.test"
pytestmark = pytest.mark.peers
MAIL = b"From: MAILER-DAEMON@far.test\r\nTo: us\r\nSubject: Undelivered\r\n\r\nNo such user.\r\n"


def run(*words: str | Path, folder: Path) -> str:
    """A Postfix program on the configuration in ``folder``; what it printed."""
    program = Path(POSTFIX or "/usr/sbin/postfix").with_name(str(words[0]))
    done = subprocess.run([program, "-c", folder, *words[1:]], check=True, capture_output=True, text=True)
    assert "unused parameter" not in done.stderr, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """The configuration as the container has it, its queue in a folder that Postfix's own user may enter."""
    if POSTFIX is None:
        pytest.skip("postfix is absent")
    with tempfile.TemporaryDirectory(prefix="carelane-postfix-") as name:
        root = Path(name)
        root.chmod(0o755)
        shutil.copy(FOLDER / "main.cf", root / "main.cf")
        checks = (FOLDER / "header_checks").read_text().replace("@NAME@", DOMAIN.replace(".", r"\."))
        (root / "header_checks").write_text(checks)
        shutil.copy("/usr/share/postfix/master.cf.dist", root / "master.cf")
        run("postconf", "-e", f"bounce_domain={DOMAIN}", f"myhostname={DOMAIN}", folder=root)
        yield root


def test_every_line_is_one_that_postfix_knows(folder: Path) -> None:
    asked = [
        line.partition("=")[0].strip()
        for line in (FOLDER / "main.cf").read_text().splitlines()
        if "=" in line and not line.startswith("#")
    ]
    known = run("postconf", "-n", folder=folder)
    assert [name for name in asked if f"{name} =" not in known] == []
    assert run("postconf", "-hx", "relay_domains", folder=folder).strip() == DOMAIN


@pytest.mark.parametrize(
    ("header", "goes"),
    [
        (f"Authentication-Results: {DOMAIN}; dkim=pass header.d=bank.test", True),
        (f"AUTHENTICATION-RESULTS:{DOMAIN};spf=pass", True),
        (f"Authentication-Results: (by us) {DOMAIN} 1; dmarc=pass", True),
        (f'Authentication-Results: "{DOMAIN}"; dkim=pass', True),
        (f"Authentication-Results:\n\t{DOMAIN.upper()};\n dkim=pass", True),
        (f"Authentication-Results: {DOMAIN}", True),
        ("Authentication-Results: mx.far.test; dkim=pass", False),
        (f"Authentication-Results: not{DOMAIN}; dkim=pass", False),
        (f"Authentication-Results: {DOMAIN}.far.test; dkim=pass", False),
        (f"Authentication-Results: {DOMAIN.replace('.', 'x')}; dkim=pass", False),
        (f"ARC-Authentication-Results: i=1; {DOMAIN}; dkim=pass", False),
        (f"Subject: Authentication-Results: {DOMAIN}; dkim=pass", False),
    ],
)
def test_results_under_our_own_name_come_from_nobody_else(folder: Path, header: str, goes: bool) -> None:
    program = Path(POSTFIX or "/usr/sbin/postfix").with_name("postmap")
    words = [program, "-c", folder, "-q", header, f"regexp:{folder}/header_checks"]
    found = subprocess.run(words, check=False, capture_output=True, text=True)
    assert found.stderr == ""
    assert found.stdout.strip() == ("IGNORE" if goes else "")


class _Kept:
    """The receiver of our side: keeps what it was handed."""

    def __init__(self) -> None:
        self.got: list[tuple[str, list[str]]] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if not address.startswith("b-"):
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Any, mail: Any) -> str:
        self.got.append((mail.mail_from, mail.rcpt_tos))
        return "250 kept"


class _Receiver(Controller):
    def factory(self) -> LMTP:
        return LMTP(self.handler)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def _running(folder: Path, receiver: int) -> Iterator[int]:
    """Postfix on a port of its own. The one who asks comes from loopback, so loopback is made a stranger."""
    port = _free_port()
    for part in ("queue", "data"):
        (folder / part).mkdir()
    shutil.chown(folder / "data", "postfix")
    run(
        "postconf",
        "-e",
        f"queue_directory={folder}/queue",
        f"data_directory={folder}/data",
        f"maillog_file={folder}/log",
        f"maillog_file_prefixes={folder}",
        "inet_interfaces=127.0.0.1",
        "mynetworks=192.0.2.1/32",
        f"relay_transport=lmtp:inet:127.0.0.1:{receiver}",
        "smtpd_tls_security_level=none",
        folder=folder,
    )
    run("postconf", "-M", f"smtp/inet=127.0.0.1:{port} inet n - n - - smtpd", folder=folder)
    run("postconf", "-F", "*/*/chroot = n", folder=folder)
    run("postfix", "start", folder=folder)
    try:
        yield port
    finally:
        run("postfix", "stop", folder=folder)


# Postfix's first process drops its rights by itself and wants to be root; the tests may be anybody.
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, which Postfix starts as")
def test_a_strange_mail_host_brings_a_bounce_and_nothing_for_others(folder: Path) -> None:
    kept, port = _Kept(), _free_port()
    receiver = _Receiver(kept, hostname="127.0.0.1", port=port)
    receiver.start()
    try:
        with _running(folder, port) as public, smtplib.SMTP("127.0.0.1", public, "mx.far.test", 20) as stranger:
            stranger.sendmail("", [f"b-1.abc@{DOMAIN}", f"b-2.def@{DOMAIN}"], MAIL)
            with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
                stranger.sendmail("someone@far.test", ["victim@elsewhere.test"], MAIL)
            assert refused.value.recipients["victim@elsewhere.test"][0] == 554
            with pytest.raises(smtplib.SMTPRecipientsRefused) as unknown:
                stranger.sendmail("forged@far.test", [f"nobody@{DOMAIN}"], MAIL)
            assert unknown.value.recipients[f"nobody@{DOMAIN}"][0] == 550
            deadline = time.monotonic() + 30
            while len(kept.got) < 2 and time.monotonic() < deadline:
                stranger.noop()
        assert sorted(kept.got) == [("<>", [f"b-1.abc@{DOMAIN}"]), ("<>", [f"b-2.def@{DOMAIN}"])]
    finally:
        receiver.stop()
