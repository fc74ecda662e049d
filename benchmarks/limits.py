"""What this machine can do at best: Postfix's C client into Postfix's sink, and OpenSSL's signatures."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CONNECTIONS = 64
BYTES = 10_000


def run(size: int, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Messages per second of smtp-source over 64 connections, RSA-2048 signatures per second of one core."""
    with sink(folder) as port:
        source = _smtp_source(port)
    say(f"smtp-source: {source:,.0f}/s")
    speed = _openssl()
    say(f"openssl rsa2048: {speed:,.0f}/s")
    return {"smtp_source_per_s": round(source), "openssl_rsa2048_per_s": round(speed)}


def ratios(figures: dict[str, Any]) -> dict[str, Any]:
    """Each figure as a share of its limit."""
    pairs = {
        "import_of_copy": ("import_rows_per_s", "copy_rows_per_s"),
        "send_of_smtp_source": ("send_per_s", "smtp_source_per_s"),
        "send_dkim_of_openssl": ("send_dkim_per_s", "openssl_rsa2048_per_s"),
    }
    return {
        name: round(figures[mine] / figures[limit], 3)
        for name, (mine, limit) in pairs.items()
        if figures.get(mine) and figures.get(limit)
    }


def program(name: str) -> str:
    """A program of Postfix, which lies in /usr/sbin. Exits with what to install."""
    found = shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if not found:
        raise SystemExit(f"Install Postfix (Debian: postfix) for {name}.")
    return found


@contextlib.contextmanager
def sink(folder: Path) -> Iterator[int]:
    """A plain SMTP server that takes everything and keeps nothing; gives its port on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # As root the sink wants another user to run as.
    import os

    command = [program("smtp-sink"), "-c"] + (["-u", "nobody"] if os.geteuid() == 0 else [])
    process = subprocess.Popen(
        [*command, f"127.0.0.1:{port}", "1000"], cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


def _smtp_source(port: int) -> float:
    command = [program("smtp-source"), "-s", str(CONNECTIONS), "-l", str(BYTES), "-d"]
    command += ["-f", "from@bench.test", "-t", "to@bench.test"]
    sent, seconds, count = 0, 0.0, 10_000
    while seconds < 10:
        began = time.perf_counter()
        subprocess.run([*command, "-m", str(count), f"127.0.0.1:{port}"], check=True, capture_output=True)
        seconds += time.perf_counter() - began
        sent += count
    return sent / seconds


def _openssl() -> float:
    done = subprocess.run(["openssl", "speed", "-seconds", "10", "rsa2048"], capture_output=True, text=True, check=True)
    # Newer versions have more columns: "sign verify encrypt decrypt sign/s verify/s encr./s decr./s", times with an s.
    names = next(row.split() for row in done.stdout.splitlines() if "sign/s" in row)
    line = next(row for row in done.stdout.splitlines() if row.startswith("rsa") and "2048" in row)
    return float(line.split()[-len(names) :][names.index("sign/s")])
