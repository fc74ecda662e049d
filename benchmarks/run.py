"""``make bench SIZE=100000``: prints progress on standard error and one JSON object as the last line.

Each figure is taken over at least ten seconds and stands beside a limit measured in the same run: a raw COPY, Postfix's
C client into the same receiver, ``openssl speed``. A second, untimed pass of the same code into a receiver that checks
every message proves that each recipient got exactly theirs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")

AT_LEAST = 10.0


def say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def prepare() -> None:
    """A fresh database, migrated, with the benchmark's organization."""
    import django
    from django.conf import settings

    django.setup()
    from django.core.management import call_command

    from apps.core import keyfiles
    from apps.installation import embedded_servers

    embedded_servers.ensure_running(settings.EMBEDDED)
    keyfiles.create_missing(Path(settings.CARELANE_KEYS))
    embedded_servers.drop_database(settings.EMBEDDED, embedded_servers.DATABASE)
    embedded_servers.create_database(settings.EMBEDDED, embedded_servers.DATABASE)
    call_command("migrate", verbosity=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=100_000, help="number of people")
    parser.add_argument("--only", default="", help="comma-separated parts: import, segments, limits, send, journeys")
    options = parser.parse_args()
    only = set(options.only.split(",")) - {""}
    say("preparing a database")
    prepare()
    from benchmarks import importing, journeys, limits, segments, sending

    parts = {
        "import": importing.run,
        "segments": segments.run,
        "limits": limits.run,
        "send": sending.run,
        "journeys": journeys.run,
    }
    figures: dict[str, object] = {"size": options.size}
    with tempfile.TemporaryDirectory(prefix="carelane-bench-") as folder:
        for name, run in parts.items():
            if only and name not in only and name != "import":
                continue
            say(name)
            figures.update(run(options.size, Path(folder), say))
    figures.update(limits.ratios(figures))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
