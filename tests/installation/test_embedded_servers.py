"""The embedded servers: a checkout never meets the database of another that had its path before."""

from __future__ import annotations

import os
import shutil

import pytest

from apps.installation import embedded_servers


def test_a_checkout_cloned_again_to_the_same_path_has_a_state_folder_of_its_own(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(embedded_servers, "STATE_ROOT", tmp_path / "state")
    monkeypatch.setattr(os, "geteuid", lambda: 0)  # only root keeps the database outside the home folder
    home, keys = tmp_path / "home", tmp_path / "keys"
    first = embedded_servers.places(home, keys)
    assert embedded_servers.places(home, keys) == first
    shutil.rmtree(home)
    second = embedded_servers.places(home, keys)
    assert second.state != first.state
    assert second.state.parent == tmp_path / "state"


def test_sockets_lie_on_a_path_short_enough_for_the_system(tmp_path) -> None:
    deep = tmp_path / ("x" * 100) / ("y" * 100)
    where = embedded_servers.Places(home=deep, keys=deep, state=deep)
    assert len(str(where.sockets / ".s.PGSQL.5432.lock")) < 104
    assert len(str(where.redis_socket)) < 104


@pytest.mark.parametrize(("gigabytes", "megabytes"), [(0.5, 128), (8, 1024), (24, 2048)])
def test_the_database_takes_a_share_of_the_memory(monkeypatch, gigabytes, megabytes) -> None:
    machine = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": int(gigabytes * 2**30) // 4096}
    monkeypatch.setattr(os, "sysconf", machine.__getitem__)
    assert embedded_servers._shared_buffers() == megabytes
