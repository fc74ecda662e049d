"""Somebody hands over a backup that they wrote themselves: it writes nothing outside, and nothing by halves."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from apps.installation import backup


@pytest.fixture
def keys(tmp_path: Path, settings: Any) -> Path:
    settings.CARELANE_KEYS = tmp_path / "keys"
    return tmp_path / "keys"


def archive(path: Path, *members: tuple[str, bytes, bytes, str]) -> Path:
    """Members as (name, content, type, link)."""
    with tarfile.open(path, "w") as made:
        for name, content, kind, link in members:
            facts = tarfile.TarInfo(name)
            facts.size, facts.type, facts.linkname = len(content), kind, link
            made.addfile(facts, io.BytesIO(content))
    return path


GOOD = ("index.key", b"k" * 32, tarfile.REGTYPE, "")


@pytest.mark.parametrize(
    "member",
    [
        ("../evil.key", b"x", tarfile.REGTYPE, ""),
        ("/tmp/evil.key", b"x", tarfile.REGTYPE, ""),
        ("..", b"x", tarfile.REGTYPE, ""),
        (".", b"x", tarfile.REGTYPE, ""),
        ("sitecustomize.py", b"x", tarfile.REGTYPE, ""),
        ("kek-1.key", b"", tarfile.SYMTYPE, "/etc/passwd"),
        ("kek-1.key", b"", tarfile.SYMTYPE, "index.key"),
        ("kek-1.key", b"", tarfile.LNKTYPE, "nothing"),
        ("kek-1.key", b"", tarfile.FIFOTYPE, ""),
        ("kek-1.key", b"", tarfile.DIRTYPE, ""),
        ("huge.key", b"x" * (backup.LARGEST_KEY + 1), tarfile.REGTYPE, ""),
    ],
)
def test_a_forged_key_backup_writes_nothing(tmp_path: Path, keys: Path, member: Any) -> None:
    with pytest.raises(backup.BackupError, match="not a key backup"):
        backup.restore_keys(archive(tmp_path / "keys.tar", GOOD, member))
    assert not keys.exists() or not list(keys.iterdir())
    assert not (tmp_path / "evil.key").exists()


def test_what_is_no_archive_is_refused(tmp_path: Path, keys: Path) -> None:
    (tmp_path / "keys.tar").write_bytes(b"not a tar at all")
    with pytest.raises(backup.BackupError):
        backup.restore_keys(tmp_path / "keys.tar")


def test_other_keys_stay_and_no_key_is_added_beside_them(tmp_path: Path, keys: Path) -> None:
    keys.mkdir()
    (keys / "link.key").write_bytes(b"ours")
    made = archive(tmp_path / "keys.tar", GOOD, ("link.key", b"theirs", tarfile.REGTYPE, ""))
    with pytest.raises(backup.BackupError, match=r"Another link\.key"):
        backup.restore_keys(made)
    assert [path.name for path in keys.iterdir()] == ["link.key"]


def test_a_key_is_not_written_through_a_link(tmp_path: Path, keys: Path) -> None:
    keys.mkdir()
    (keys / "index.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(backup.BackupError):
        backup.restore_keys(archive(tmp_path / "keys.tar", GOOD))
    assert not (tmp_path / "elsewhere").exists()


def test_an_honest_key_backup_is_private(tmp_path: Path, keys: Path) -> None:
    backup.restore_keys(archive(tmp_path / "keys.tar", GOOD))
    assert (keys / "index.key").read_bytes() == b"k" * 32
    assert (keys / "index.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "digests", [{}, [], None, "x", {"database.dump": ""}, {"../../etc/passwd": "", "/dev/zero": ""}]
)
def test_a_manifest_names_both_files_and_no_other_is_read(tmp_path: Path, digests: Any) -> None:
    for name in (backup.DUMP, backup.FILES):
        (tmp_path / name).write_bytes(b"")
    told = {"made_at": "2026-01-01", "version": "0.2.0", "digests": digests}
    (tmp_path / backup.MANIFEST).write_text(json.dumps(told))
    with pytest.raises(backup.BackupError):
        backup.read_manifest(tmp_path)
