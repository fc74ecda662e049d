"""Postfix, Exim and OpenSMTPD as relays in front of a far server, each on a loopback port with a queue of its own.

The three packages exclude each other, so the two that are not installed are unpacked into the folder of the run and
laid over the system in a mount namespace that ends with the process: nothing of the machine changes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import smtplib
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
LIFETIME = 12  # seconds that a relay keeps what is not taken
START_SECONDS = 30
_PACKAGES = {
    "exim": ("exim4-base", "exim4-daemon-light", "libidn12"),
    "opensmtpd": ("opensmtpd", "libevent-2.1-7", "libdb5.3"),
}

_EXIM = """
primary_hostname = relay.exim.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
acl_smtp_rcpt = everybody
tls_advertise_hosts =
dsn_advertise_hosts = *
keep_environment =
delay_warning = 2s
begin acl
everybody:
  accept
begin routers
ours:
  driver = manualroute
  domains = {bounces}
  transport = ours
  route_list = * 127.0.0.1
  self = send
far:
  driver = manualroute
  transport = far
  route_list = * 127.0.0.1
  self = send
begin transports
ours:
  driver = smtp
  port = {ours}
  allow_localhost
far:
  driver = smtp
  port = {far}
  allow_localhost
begin retry
* * F,{lifetime}s,1s
"""
_OPENSMTPD = """
queue ttl {lifetime}s
bounce warn-interval 2s
listen on 127.0.0.1 port {port} hostname relay.opensmtpd.test
action "ours" relay host smtp://127.0.0.1:{ours}
action "far" relay host smtp://127.0.0.1:{far}
match from any for domain "{bounces}" action "ours"
match from any for any action "far"
"""
_NAMESPACE = """
set -e
root="$1" over="$2"
mount -t tmpfs none "$over"
for part in usr etc var; do
  mkdir -p "$root/$part" "$over/$part.upper" "$over/$part.work"
  mount -t overlay overlay -o "lowerdir=$root/$part:/$part,upperdir=$over/$part.upper,workdir=$over/$part.work" "/$part"
done
# Sockets and process ids of the programs.
mount -t tmpfs none /run
id=64901
for user in Debian-exim opensmtpd opensmtpq; do
  grep -q "^$user:" /etc/passwd || echo "$user:x:$id:$id::/nonexistent:/bin/false" >>/etc/passwd
  grep -q "^$user:" /etc/group || echo "$user:x:$id:" >>/etc/group
  id=$((id + 1))
done
mkdir -p /etc/exim4 /var/spool/exim4 /var/log/exim4 /var/spool/smtpd /var/lib/opensmtpd/empty
chown Debian-exim:Debian-exim /var/spool/exim4 /var/log/exim4
chmod 711 /var/spool/smtpd
# OpenSMTPD's own control asks for this.
if [ -e /usr/sbin/smtpctl ]; then chgrp opensmtpq /usr/sbin/smtpctl && chmod 2755 /usr/sbin/smtpctl; fi
cp "$3" "$4"
shift 4
exec "$@"
"""
_PLACES = {
    "exim": (_EXIM, "/etc/exim4/exim4.conf", ("/usr/sbin/exim4", "-bdf", "-q1s")),
    "opensmtpd": (_OPENSMTPD, "/etc/smtpd.conf", ("/usr/sbin/smtpd", "-d", "-f", "/etc/smtpd.conf")),
}


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


Relay = Iterator[tuple[Callable[[], bool], Callable[[], None]]]
"""Whether it still runs, and what makes it try everything again now."""


@contextlib.contextmanager
def running(name: str, folder: Path, *, far: int, ours: int, bounces: str) -> Iterator[tuple[int, Callable[[], None]]]:
    """The relay `name`: its port, and what makes it try everything again now.

    Mail for the domain `bounces` goes to `ours`, everything else to `far`.
    """
    if os.geteuid() != 0:
        pytest.skip("needs root, which mail servers start as")
    port = free_port()
    start = _postfix if name == "postfix" else _overlaid
    values = {"port": port, "far": far, "ours": ours, "bounces": bounces, "lifetime": LIFETIME}
    with start(name, folder, values) as (alive, hurry):
        _greeted(port, alive)
        yield port, hurry


def _greeted(port: int, alive: Callable[[], bool]) -> None:
    """Wait until the relay answers; a connection that is refused comes back at once, so the queue asks again."""
    watch = socket.create_server(("127.0.0.1", 0))
    watch.settimeout(0.2)
    with watch:
        for _ in range(START_SECONDS * 5):
            with contextlib.suppress(OSError, smtplib.SMTPException), smtplib.SMTP("127.0.0.1", port, timeout=5):
                return
            assert alive(), "the mail server ended while it started"
            with contextlib.suppress(TimeoutError):
                watch.accept()
    pytest.fail("the mail server did not answer in time")


@contextlib.contextmanager
def _overlaid(
    name: str, folder: Path, values: dict[str, object]
) -> Iterator[tuple[Callable[[], bool], Callable[[], None]]]:
    root, over = folder / "root", folder / "over"
    over.mkdir()
    _unpack(_PACKAGES[name], root)
    text, place, command = _PLACES[name]
    config = folder / "config"
    config.write_text(text.format(**values).lstrip())
    config.chmod(0o644)
    # Only the program and its children see the overlays, which end with them.
    words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c", _NAMESPACE, "relay"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*words, root, over, config, place, *command], stdout=log, stderr=log, start_new_session=True
        )

    def hurry() -> None:
        # Exim asks its queue each second; OpenSMTPD waits minutes, whatever its configuration says.
        if name == "opensmtpd":
            inside = ["nsenter", f"--target={server.pid}", "--mount", "/usr/sbin/smtpctl", "schedule", "all"]
            done = subprocess.run(inside, capture_output=True, text=True)
            assert done.returncode == 0, (done.stdout, done.stderr)

    try:
        yield lambda: server.poll() is None, hurry
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait(10)


def _unpack(packages: tuple[str, ...], root: Path) -> None:
    """Fetch packages and unpack them, without installing anything."""
    missing = [each for each in ("apt-get", "dpkg-deb", "unshare") if shutil.which(each, path=SBIN) is None]
    if missing:
        pytest.skip(f"{missing[0]} is absent")
    # apt fetches as a user of its own, which must be able to write here.
    store = root.parent / "packages"
    store.mkdir(mode=0o777)
    done = subprocess.run(["apt-get", "download", "-qq", *packages], cwd=store, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("the packages could not be fetched")
    root.mkdir()
    for package in sorted(store.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, root], check=True)


@contextlib.contextmanager
def _postfix(
    _name: str, folder: Path, values: dict[str, object]
) -> Iterator[tuple[Callable[[], bool], Callable[[], None]]]:
    postfix = shutil.which("postfix", path=SBIN)
    if postfix is None:
        pytest.skip("postfix is absent")

    def run(program: str, *words: str) -> None:
        subprocess.run([Path(postfix).with_name(program), "-c", folder, *words], check=True, capture_output=True)

    (folder / "main.cf").write_text("compatibility_level=3.6\n")
    shutil.copy("/usr/share/postfix/master.cf.dist", folder / "master.cf")
    for part in ("queue", "data"):
        (folder / part).mkdir()
    shutil.chown(folder / "data", "postfix")
    lifetime = values["lifetime"]
    run(
        "postconf",
        "-e",
        f"queue_directory={folder}/queue",
        f"data_directory={folder}/data",
        f"maillog_file={folder}/log",
        f"maillog_file_prefixes={folder}",
        "myhostname=relay.postfix.test",
        "mydestination=",
        "inet_interfaces=127.0.0.1",
        "inet_protocols=ipv4",
        "mynetworks=127.0.0.0/8",
        "smtpd_tls_security_level=none",
        "smtp_tls_security_level=none",
        "smtp_destination_concurrency_failed_cohort_limit=0",
        f"relayhost=[127.0.0.1]:{values['far']}",
        f"transport_maps=inline:{{ {values['bounces']}=smtp:[127.0.0.1]:{values['ours']} }}",
        "delay_warning_time=2s",
        "confirm_delay_cleared=yes",
        "queue_run_delay=1s",
        "minimal_backoff_time=1s",
        "maximal_backoff_time=1s",
        f"maximal_queue_lifetime={lifetime}s",
        f"bounce_queue_lifetime={lifetime}s",
    )
    run("postconf", "-M", f"smtp/inet=127.0.0.1:{values['port']} inet n - n - - smtpd")
    run("postconf", "-F", "*/*/chroot = n")
    run("postfix", "start")
    try:
        yield lambda: True, lambda: None
    finally:
        run("postfix", "stop")
