"""An installation of its own, walked by the commands that people use, and everything it left on disk and in memory."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apps.installation import embedded_servers

REPOSITORY = Path(__file__).resolve().parents[2]


class Installation:
    """A home, keys and temporary files under ``root``; mail goes to providers whose home is elsewhere."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home, self.keys, self.temporary = root / "home", root / "keys", root / "tmp"
        self.checkpoints, self.world, self.logs = root / "checkpoints", root / "world", root / "home" / "logs"
        for folder in (self.home, self.keys, self.temporary, self.world, self.logs):
            folder.mkdir(mode=0o700, parents=True)
        self.places = embedded_servers.places(self.home, self.keys)
        self.port = _free_ports(6)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.commands: subprocess.Popen[str] | None = None
        # Digests of pieces and lines of dumps that are not searched (again).
        self.known: set[bytes] = set()
        self.lines: set[bytes] = set()
        names = ("goodmail", "plainmail", "oldmail", "keymail")
        transport = ",".join(
            f"{name}.test=mx.{name}.test@127.0.0.1:{self.port + 1 + number}" for number, name in enumerate(names)
        )
        self.environment = {
            **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LC_ALL")},
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "CARELANE_MODE": "demo",
            "CARELANE_HOME": str(self.home),
            "CARELANE_KEYS": str(self.keys),
            "CARELANE_CHECKPOINTS": str(self.checkpoints),
            "CARELANE_TRANSPORT_MAP": transport,
            "CARELANE_MAIL_ROOTS": str(self.world / "demo-ca" / "root.pem"),
            "CARELANE_SMIME_ROOTS": str(self.world / "demo-ca" / "root.pem"),
            "CARELANE_LMTP_ADDRESS": "",
            "CARELANE_INBOUND_SMTP_ADDRESS": f"127.0.0.1:{self.port}",
            "TMPDIR": str(self.temporary),
            "PYTHONUNBUFFERED": "1",
        }

    def manage(self, *words: str, check: bool = True) -> dict[str, Any]:
        """Run a command; its JSON when it prints any. What it says on standard error goes to the log folder."""
        code, said, complained = self._run(*words)
        if check and code:
            raise AssertionError(f"{words}: exit {code}\n{said}\n{complained}")
        with contextlib.suppress(ValueError):
            return dict(json.loads(said.strip().splitlines()[-1] if said.strip() else ""))
        return {"text": said}

    def python(self, program: str) -> str:
        """Run Python inside the installation."""
        code, said, complained = self._run("shell", "--no-imports", "-c", program)
        if code:
            raise AssertionError(complained)
        return said.strip()

    def _run(self, *words: str) -> tuple[int, str, str]:
        if self.commands is None:
            with (self.logs / "commands.log").open("ab") as log:
                self.commands = subprocess.Popen(
                    [sys.executable, str(Path(__file__).with_name("commands.py"))],
                    env=self.environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    cwd=REPOSITORY,
                )
        assert self.commands.stdin is not None
        assert self.commands.stdout is not None
        self.commands.stdin.write(json.dumps(words) + "\n")
        self.commands.stdin.flush()
        code, said, complained = json.loads(self.commands.stdout.readline())
        with (self.logs / "commands.log").open("a") as log:
            log.write(complained)
        return code, said, complained

    def rest(self) -> None:
        """End the process that ran the commands: what one writes at its end is written."""
        if self.commands is not None:
            self.commands.communicate(timeout=20)
            self.commands = None

    def start(self, name: str, *words: str, **more: str) -> None:
        """Start a part and wait until its port answers."""
        log = (self.logs / f"{name}.log").open("ab") if name != "world" else subprocess.DEVNULL
        self.processes.append(
            subprocess.Popen(
                [sys.executable, str(REPOSITORY / "manage.py"), *words],
                env={**self.environment, **more},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=REPOSITORY,
                start_new_session=True,
            )
        )

    def wait_for(self, port: int) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            time.sleep(0.1)
        raise AssertionError(f"nothing answers on port {port}")

    def connect(self, role: str = "reader") -> Any:
        import psycopg

        found = embedded_servers.database_settings(self.places, role)
        return psycopg.connect(
            host=found["HOST"], port=found["PORT"], user=found["USER"], password=found["PASSWORD"], dbname=found["NAME"]
        )

    def redis(self) -> Any:
        import redis

        return redis.Redis(unix_socket_path=str(self.places.redis_socket))

    def pieces(self, *, files: bool = True) -> Iterator[tuple[str, bytes, bool]]:
        """(place, content, whether clinical words may stand there) of everything the product left.

        The vocabulary table may hold clinical terms; so may its file, the write-ahead log, which repeats it, and the
        server's statistics of its commonest values (a run of more than a minute sees autovacuum gather them).
        """
        self.rest()
        yield "pg_dump", self.fresh_lines(self.dump("--exclude-table-data", "contacts_vocabulary")), False
        if files:
            yield from self.database_files()
        yield "postgresql.log", self.places.postgres_log.read_bytes(), False
        yield "redis", self.redis_contents(), False
        for folder in (self.home, self.temporary, self.checkpoints):
            for path in sorted(folder.rglob("*")):
                if path.is_file() and self.places.data not in path.parents:
                    yield str(path.relative_to(self.root)), path.read_bytes(), False

    def remember(self) -> None:
        """Whatever stands there now stood there before the first patient came: it is not searched."""
        with self.connect("postgres") as connection:
            connection.autocommit = True
            # A segment of the log is one file: the road's begin with one of their own.
            connection.execute("SELECT pg_switch_wal()")
        self.known = {hashlib.sha256(content).digest() for _, content, _ in self.pieces()}

    def fresh_lines(self, dump: bytes) -> bytes:
        """The lines (a row each) that no dump before had."""
        lines = list(dict.fromkeys(dump.split(b"\n")))
        fresh = [line for line in lines if line not in self.lines]
        self.lines.update(lines)
        return b"\n".join(fresh)

    def database_files(self) -> Iterator[tuple[str, bytes, bool]]:
        """Every file of the database cluster, its write-ahead log included."""
        with self.connect("postgres") as connection:
            connection.execute("CHECKPOINT")
            vocabulary = {
                row[0]
                for row in connection.execute(
                    "WITH its AS (SELECT oid, reltoastrelid FROM pg_class"
                    " WHERE oid IN ('contacts_vocabulary'::regclass, 'pg_statistic'::regclass)),"
                    " parts AS (SELECT oid FROM its UNION SELECT reltoastrelid FROM its UNION"
                    " SELECT indexrelid FROM pg_index WHERE indrelid IN (SELECT oid FROM its))"
                    " SELECT pg_relation_filepath(oid) FROM parts WHERE oid <> 0"
                )
                if row[0]
            }
        for path in sorted(self.places.data.rglob("*")):
            if path.is_file() and not path.is_symlink():
                inside = str(path.relative_to(self.places.data))
                with contextlib.suppress(FileNotFoundError):
                    yield f"data/{inside}", path.read_bytes(), inside in vocabulary or inside.startswith("pg_wal")

    def dump(self, *options: str) -> bytes:
        found = embedded_servers.database_settings(self.places, "reader")
        return subprocess.run(
            [embedded_servers.client_program("pg_dump"), *options, str(found["NAME"])],
            env={
                "PATH": os.environ["PATH"],
                "PGHOST": str(found["HOST"]),
                "PGPORT": str(found["PORT"]),
                "PGUSER": str(found["USER"]),
                "PGPASSWORD": str(found["PASSWORD"]),
            },
            capture_output=True,
            check=True,
        ).stdout

    def redis_contents(self) -> bytes:
        """Every key and value, Celery's waiting messages among them."""
        client, parts = self.redis(), []
        for key in client.scan_iter():
            kind = client.type(key)
            parts.append(key)
            if kind == b"string":
                parts.append(client.get(key) or b"")
            elif kind == b"list":
                parts += client.lrange(key, 0, -1)
            elif kind == b"hash":
                parts += [piece for pair in client.hgetall(key).items() for piece in pair]
            elif kind == b"set":
                parts += client.smembers(key)
            elif kind == b"zset":
                parts += client.zrange(key, 0, -1)
        return b"\n".join(parts)

    def stop(self) -> None:
        if self.commands is not None:
            self.commands.kill()
            self.commands.communicate()
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)
        embedded_servers.stop(self.places)
        if self.places.state != self.home:
            shutil.rmtree(self.places.state, ignore_errors=True)


@contextlib.contextmanager
def installation() -> Iterator[Installation]:
    """A fresh installation, migrated and staffed; gone afterwards."""
    root = Path(tempfile.mkdtemp(prefix="carelane-leaks-"))
    made = Installation(root)
    try:
        made.manage("migrate", "--verbosity", "0")
        made.python("from apps.demo import staff; staff.create_missing()")
        made.start("world", "demo_mail", "--port", str(made.port + 1), CARELANE_HOME=str(made.world))
        made.start("receiver", "receive_mail")
        for port in range(made.port, made.port + 5):
            made.wait_for(port)
        made.remember()
        yield made
    finally:
        made.stop()
        shutil.rmtree(root, ignore_errors=True)


def _free_ports(count: int) -> int:
    """The first of ``count`` neighbouring free ports on loopback."""
    # Below the range from which outgoing connections take theirs.
    for first in range(16_000 + os.getpid() % 900 * 8, 32_000, 8):
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise AssertionError("no free ports")
