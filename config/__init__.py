"""Settings, schedule and entry points. Every process of the product begins here."""

import resource

# Each holds keys and opened people: should it crash, no picture of its memory is left on the disk.
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

from config.celery import app as celery_app  # noqa: E402 - after the limit, so that nothing runs without it

__all__ = ["celery_app"]
