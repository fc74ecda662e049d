"""The key ring of a process: read once from the key folder, kept in memory, never logged."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.core import keyfiles


@dataclass(frozen=True)
class KeyRing:
    """Keys of 32 bytes each. ``keks`` maps an epoch's number to its key-encryption key."""

    keks: dict[int, bytes] = field(repr=False)
    current_kek: int
    index: bytes = field(repr=False)
    service: bytes = field(repr=False)
    audit: bytes = field(repr=False)
    link: bytes = field(repr=False)
    folder: Path = field(repr=False)


def load(folder: Path) -> KeyRing:
    """Read the ring from ``folder``. Raises ``ImproperlyConfigured`` naming what is missing and what to do."""
    try:
        keks = {
            int(path.stem.removeprefix("kek-")): keyfiles.read(folder, path.stem)
            for path in sorted(folder.glob("kek-*.key"))
        }
        if not keks:
            raise FileNotFoundError("kek-1.key")
        return KeyRing(
            keks=keks,
            current_kek=max(keks),
            index=keyfiles.read(folder, "index"),
            service=keyfiles.read(folder, "service"),
            audit=keyfiles.read(folder, "audit"),
            link=keyfiles.read(folder, "link"),
            folder=folder,
        )
    except FileNotFoundError as error:
        name = Path(error.filename or str(error)).name
        raise ImproperlyConfigured(
            f"{name} is missing in the key folder (CARELANE_KEYS). Restore it from the key backup; only a new "
            "installation may run 'manage.py create_keys'."
        ) from None


@lru_cache(maxsize=1)
def ring() -> KeyRing:
    """The process's key ring."""
    return load(Path(settings.CARELANE_KEYS))
