"""A fresh machine: what is missing is installed, or named in one line; one list for all commands."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
NOTHING = ("bash", "cat", "env", "grep")


class Machine:
    """A path that has nothing but what a scene puts there; what was asked of its programs stands in a file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder / "bin", folder / "asked"
        self.folder.mkdir()
        self.asked.touch()
        for name in NOTHING:
            (self.folder / name).symlink_to(shutil.which(name) or name)
        # The list looks where only root does, too: here as empty as the rest.
        self.script = folder / "programs"
        self.script.write_text((REPOSITORY / ".ci" / "programs").read_text().replace(":/usr/sbin:/sbin", ""))

    def has(self, name: str, body: str = "exit 0") -> None:
        program = self.folder / name
        program.write_text(f'#!{shutil.which("bash")}\necho "{name} $*" >> {self.asked}\n{body}\n')
        program.chmod(0o755)

    def start(self, wanted: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.folder)}
        return subprocess.run(
            [self.folder / "bash", self.script, wanted],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


# apt-get of a scene: after "install" the named programs exist.
INSTALLS = """
[ "$1" = install ] || exit 0
for each in python3 gpg openssl; do
  printf '#!{bash}\\nexit 0\\n' > {folder}/$each; /bin/chmod +x {folder}/$each
done
"""


def installs(machine: Machine) -> str:
    return INSTALLS.format(bash=shutil.which("bash"), folder=machine.folder)


def test_root_installs_what_is_missing_and_only_that(machine: Machine) -> None:
    machine.has("id", "echo 0")
    machine.has("openssl")
    machine.has("apt-get", installs(machine))
    done = machine.start("demo")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Installing what is missing: python3 python3-venv gnupg\n"
    last = machine.asked.read_text().splitlines()[-1]
    assert last == "apt-get install -y -qq --no-install-recommends python3 python3-venv gnupg"
    machine.asked.write_text("")
    assert machine.start("demo").stdout == ""
    assert "apt-get" not in machine.asked.read_text(), "where all is there, nothing is asked"


def test_somebody_with_sudo_installs_through_it(machine: Machine) -> None:
    machine.has("id", "echo 1000")
    machine.has("sudo", 'shift; [ "$1" = true ] || exec "$@"')
    machine.has("apt-get", installs(machine))
    assert machine.start("demo").returncode == 0
    assert "sudo -n env DEBIAN_FRONTEND=noninteractive" in machine.asked.read_text()


def test_anybody_else_reads_one_line(machine: Machine) -> None:
    machine.has("id", "echo 1000")
    machine.has("sudo", "exit 1")
    machine.has("apt-get", installs(machine))
    done = machine.start("peers")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Please install what is missing: Python 3.11 or 3.12 with venv and pip, gpg, openssl, postfix, nginx,"
        " caddy, systemd-analyze"
        " (apt-get install --no-install-recommends python3 python3-venv gnupg openssl postfix nginx caddy systemd)\n"
    )
    assert "apt-get" not in machine.asked.read_text()


def test_where_there_is_no_apt_the_line_names_other_packages_or_programs(machine: Machine) -> None:
    named = "Please install what is missing: Python 3.11 or 3.12 with venv and pip, gpg, openssl, chromium, perl"
    assert machine.start("test").stderr == f"{named}\n"
    machine.has("brew")
    assert machine.start("test").stderr.startswith(f"{named} (brew install python@3.12 gnupg openssl@3 --cask chromium")


def test_an_installation_that_brought_nothing_is_said(machine: Machine) -> None:
    """Ubuntu's package of Chromium is an empty one where there is no snap."""
    machine.has("id", "echo 0")
    for name in ("python3", "gpg", "openssl", "perl", "apt-get"):
        machine.has(name)
    done = machine.start("test")
    assert done.returncode == 1
    assert done.stderr.startswith("Please install what is missing: chromium (")


def test_a_browser_that_somebody_chose_will_do(machine: Machine, tmp_path: Path) -> None:
    for name in ("python3", "gpg", "openssl", "perl"):
        machine.has(name)
    assert machine.start("test").returncode == 1
    (tmp_path / "browsers" / "chromium-1200").mkdir(parents=True)
    done = subprocess.run(
        [machine.folder / "bash", machine.script, "test"],
        cwd=tmp_path,
        env={"PATH": str(machine.folder), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path / "browsers")},
        check=False,
    )
    assert done.returncode == 0


def test_a_python_that_is_too_old_or_has_no_venv_does_not_count(machine: Machine) -> None:
    for name in ("gpg", "openssl"):
        machine.has(name)
    machine.has("python3", "exit 1")
    assert machine.start("demo").returncode == 1
    machine.has("python3.11")
    assert machine.start("demo").returncode == 0


def test_where_python_runs_set_up_is_silent_with_an_empty_home_too() -> None:
    done = subprocess.run(
        ["bash", REPOSITORY / ".ci" / "programs", "setup"],
        cwd=REPOSITORY,
        env={**os.environ, "HOME": ""},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
