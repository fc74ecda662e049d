"""A sending worker in a process of its own, on the test's database: `python -m tests.delivery.worker NAME MAP`."""

import os
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"


def main(database: str, transport: str) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.db import connections

    for alias in connections:
        connections[alias].settings_dict["NAME"] = database
    settings.TRANSPORT_MAP = transport
    settings.AUDIT_WRITER = "default"
    from apps.core import actors
    from apps.core.levels import Level
    from apps.delivery import services
    from apps.delivery.send import sources
    from tests.delivery.conftest import Letters

    source = Letters()
    source.level = Level.PUBLIC
    sources.register("campaign", source)
    print("ready", flush=True)
    done = services.dispatch(actor=actors.system("dispatcher"), seconds=30, lanes=8)
    print(done, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
