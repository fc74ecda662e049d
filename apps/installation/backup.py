"""Backup and restore of an installation: database, sealed files and, apart from them, the keys.

Not an app: it has no table. ``manage.py backup`` and ``manage.py restore`` (in ``compliance``) call it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.core.files.storage import default_storage

from apps.installation import embedded_servers

LARGEST_KEY = 64 * 1024
IN_A_FOLDER = "django.core.files.storage.FileSystemStorage"
_KEY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}\.(key|pem)")
DUMP, FILES, MANIFEST = "database.dump", "files.tar", "manifest.json"


class BackupError(Exception):
    """A backup or restore that was not done; the sentence says what to do. Nothing half done is left in place."""


@dataclass(frozen=True)
class Manifest:
    """What a backup holds: creation time, product version, digests of its files, its migrations ("app.name").

    Backups of 0.1.0 name no migrations.
    """

    made_at: str
    version: str
    digests: Mapping[str, str]
    migrations: frozenset[str] = frozenset()


def back_up(*, to: Path, keys_to: Path, version: str, now: datetime, migrations: Iterable[str] = ()) -> Path:
    """Write a backup folder inside ``to`` and the keys as one file inside ``keys_to``; returns the folder.

    ``migrations`` are those that the database has ("app.name"): by them older code knows that it cannot read it.
    Raises ``BackupError`` when the two lie together, or ``pg_dump`` fails.
    """
    to, keys_to = to.resolve(), keys_to.resolve()
    if to == keys_to or to in keys_to.parents or keys_to in to.parents:
        raise BackupError("Keys and data must not be backed up into one place. Name two separate folders.")
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    final = to / f"carelane-{stamp}"
    draft = to / f".carelane-{stamp}"
    if final.exists():
        raise BackupError(f"{final} exists already. Wait a second and try again.")
    draft.mkdir(mode=0o700, parents=True)
    try:
        _dump(draft / DUMP)
        with _private(draft / FILES) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
            pack_files(archive)
        digests = {name: _digest(draft / name) for name in (DUMP, FILES)}
        manifest = {"made_at": now.isoformat(), "version": version, "digests": digests}
        manifest["migrations"] = sorted(migrations)
        with _private(draft / MANIFEST) as file:
            file.write(json.dumps(manifest, indent=1).encode())
        _keys(keys_to, stamp)
        draft.rename(final)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return final


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup whose files are whole. Raises ``BackupError``."""
    try:
        found = json.loads((folder / MANIFEST).read_text())
        for name in (DUMP, FILES):
            if _digest(folder / name) != found["digests"][name]:
                raise BackupError(f"{name} in this backup is damaged. Use another backup.")
        migrations = frozenset(found.get("migrations", ()))
        return Manifest(found["made_at"], found["version"], found["digests"], migrations)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise BackupError("This folder is not a complete backup: manifest, dump or files are missing.") from None


def is_older(manifest: Manifest, *, version: str, migrations: Collection[str]) -> bool:
    """Whether a backup comes from an older version and will be migrated. Pure.

    ``version`` and ``migrations`` ("app.name") are those of this code. Raises ``BackupError`` for a backup of a newer
    version, or with a migration that this code does not know: it could be read wrongly, so it is not read at all.
    """
    theirs, ours = _numbers(manifest.version), _numbers(version)
    if theirs > ours:
        raise BackupError(
            f"This backup was made by version {manifest.version}, which is newer than this one ({version}). "
            f"Install version {manifest.version} or a later one, then restore. Nothing was changed."
        )
    if theirs == ours and not manifest.migrations <= set(migrations):
        raise BackupError(
            f"This backup was made by a later state of version {version}: its database has migrations that this code "
            "does not know. Install the code that made it, then restore. Nothing was changed."
        )
    return theirs < ours


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def restore_keys(keys_file: Path) -> None:
    """Unpack a key backup into CARELANE_KEYS. Raises ``BackupError`` when other keys lie there, or it holds anything
    but small files with names of keys; then nothing is written.
    """
    found = _keys_in(keys_file)
    target = Path(settings.CARELANE_KEYS)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in found.items():
        path = target / name
        if path.is_symlink() or (path.exists() and path.read_bytes() != content):
            raise BackupError(f"Another {name} lies in CARELANE_KEYS. Move that folder away first.")
    for name, content in found.items():
        if not (target / name).exists():
            with _private(target / name) as file:
                file.write(content)


def _keys_in(keys_file: Path) -> dict[str, bytes]:
    """Name to content of a key backup. Raises ``BackupError``."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(keys_file, "r:") as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isreg() and member.size <= LARGEST_KEY else None
                if stream is None or not _KEY_NAME.fullmatch(member.name):
                    raise BackupError("This is not a key backup of Carelane.")
                found[member.name] = stream.read()
    except (OSError, tarfile.TarError):
        raise BackupError("This is not a key backup of Carelane.") from None
    return found


def restore_data(folder: Path) -> None:
    """Restore database and files into an empty installation. Raises ``BackupError`` when it is not empty."""
    read_manifest(folder)
    command = [_program("pg_restore"), "--no-owner", "--exit-on-error", "--single-transaction"]
    owner = settings.DATABASES["owner"]
    command += ["--dbname", owner["NAME"], str(folder / DUMP)]
    done = subprocess.run(command, env=_environment(owner), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BackupError("The database could not be restored; it must be empty. Nothing was changed.")
    with tarfile.open(folder / FILES) as archive:
        unpack_files(archive)


def _folder() -> Path | None:
    """Where sealed files lie when that is a folder; None with object storage."""
    chosen = settings.STORAGES["default"]["BACKEND"]
    return Path(settings.CARELANE_HOME) / "files" if chosen == IN_A_FOLDER else None


def pack_files(archive: tarfile.TarFile) -> None:
    """Put every sealed file into ``archive`` under the name that rows know it by."""
    folder = _folder()
    if folder is None:
        for name in _stored(""):
            member = tarfile.TarInfo(f"./{name}")
            member.size = default_storage.size(name)
            with default_storage.open(name, "rb") as file:
                archive.addfile(member, cast(BinaryIO, file))
    elif folder.is_dir():
        archive.add(folder, arcname=".")


def _stored(folder: str) -> Iterator[str]:
    folders, files = default_storage.listdir(folder)
    yield from (f"{folder}{name}" for name in files if name)
    for each in folders:
        yield from _stored(f"{folder}{each}/")


def unpack_files(archive: tarfile.TarFile) -> None:
    """Bring the sealed files of ``archive`` back, each under its name."""
    folder = _folder()
    if folder is not None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        archive.extractall(folder, filter="data")
        return
    for member in archive:
        source = archive.extractfile(member)
        if source is not None:
            with source, default_storage.open(member.name.removeprefix("./"), "wb") as target:
                shutil.copyfileobj(source, cast(BinaryIO, target))


def _dump(target: Path) -> None:
    reader = settings.DATABASES["reader"]
    command = [_program("pg_dump"), "--format=custom", "--compress=6", "--no-owner", "--dbname", reader["NAME"]]
    with _private(target) as file:
        done = subprocess.run(command, env=_environment(reader), stdout=file, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise BackupError("pg_dump failed. Check that the reader role can read every table, and the disk.")


def _keys(folder: Path, stamp: str) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"carelane-keys-{stamp}.tar"
    source = Path(settings.CARELANE_KEYS)
    with _private(path) as file, tarfile.open(fileobj=file, mode="w") as archive:
        # Not the database passwords: they belong to this machine's servers.
        for key in sorted((*source.glob("*.key"), *source.glob("*.pem"))):
            archive.add(key, arcname=key.name)


def _private(path: Path) -> BinaryIO:
    """A new file that its owner alone reads, wherever the backup is copied to with its modes."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb")


def _program(name: str) -> str:
    if settings.EMBEDDED:
        return embedded_servers.client_program(name)
    found = shutil.which(name)
    if not found:
        raise BackupError(f"{name} is missing. Install PostgreSQL's client programs (postgresql-client).")
    return found


def _environment(database: Mapping[str, Any]) -> dict[str, str]:
    options = database.get("OPTIONS") or {}
    given = {
        "PGHOST": database.get("HOST"),
        "PGPORT": database.get("PORT"),
        "PGUSER": database.get("USER"),
        "PGPASSWORD": database.get("PASSWORD"),
        "PGSSLMODE": options.get("sslmode"),
        "PGSSLROOTCERT": options.get("sslrootcert"),
    }
    return {"PATH": os.environ.get("PATH", ""), **{name: str(value) for name, value in given.items() if value}}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
