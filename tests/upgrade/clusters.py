"""A second, really separate PostgreSQL, and standing on it for a while."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connections

from apps.installation import embedded_servers

WHO = {"default": "app", "owner": "owner", "audit": "audit", "reader": "reader"}
_CONNECTION = ("HOST", "PORT", "USER", "PASSWORD", "NAME")


@contextlib.contextmanager
def another_cluster(root: Path) -> Iterator[embedded_servers.Places]:
    """A cluster with roles and passwords of its own in a new folder; gone afterwards."""
    where = embedded_servers.places(root / "home", root / "passwords")
    where.home.mkdir(parents=True, exist_ok=True)
    embedded_servers.ensure_postgres(where)
    try:
        yield where
    finally:
        embedded_servers.stop(where)
        shutil.rmtree(where.state, ignore_errors=True)


@contextlib.contextmanager
def standing_on(where: embedded_servers.Places) -> Iterator[None]:
    """Every role's connection leads to the database of ``where``, and back again afterwards."""
    before = {alias: {name: connections[alias].settings_dict[name] for name in _CONNECTION} for alias in connections}

    def point(to: dict[str, dict[str, object]]) -> None:
        for alias in connections:
            connections[alias].close()
            connections[alias].settings_dict.update(to[alias])
            settings.DATABASES[alias].update(to[alias])

    point(
        {
            alias: {n: embedded_servers.database_settings(where, role)[n] for n in _CONNECTION}
            for alias, role in WHO.items()
        }
    )
    try:
        yield
    finally:
        point(before)


def forget() -> None:
    """Whatever this process remembers of keys and rows: another installation is another process."""
    for name, module in list(sys.modules.items()):
        if name.startswith("apps."):
            for thing in list(vars(module).values()):
                if hasattr(thing, "cache_clear"):
                    thing.cache_clear()
