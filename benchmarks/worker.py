"""A sending process, as a Celery worker would be: ``python -m benchmarks.worker``.

It says ``ready`` once everything is imported and connected, so that its start is not timed. For each line it
reads, it sends what is ready and answers with what it did as JSON; it ends when its input ends.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")


def main() -> None:
    import django

    django.setup()
    from django.db import connection

    from apps.core import actors
    from apps.delivery import services

    # Optional, for finding out where the time goes: CARELANE_BENCH_PROFILE=PATH.
    profile = os.environ.get("CARELANE_BENCH_PROFILE")
    connection.ensure_connection()
    print("ready", flush=True)
    for _ in sys.stdin:
        if profile:
            import cProfile

            watch = cProfile.Profile()
            done = watch.runcall(services.dispatch, actor=actors.system("dispatcher"), seconds=3600)
            watch.dump_stats(f"{profile}.{os.getpid()}")
        else:
            done = services.dispatch(actor=actors.system("dispatcher"), seconds=3600)
        print(json.dumps(dataclasses.asdict(done) | {"cpu": round(sum(os.times()[:2]), 1)}), flush=True)


if __name__ == "__main__":
    main()
