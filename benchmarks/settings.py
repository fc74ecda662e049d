"""The product's settings on a database, keys and a home of the benchmark's own."""

import os
from pathlib import Path

_ROOT = Path(os.environ.get("CARELANE_BENCH_HOME", Path(__file__).resolve().parent.parent / ".home" / "bench"))
os.environ["CARELANE_HOME"] = str(_ROOT / "data")
os.environ["CARELANE_KEYS"] = str(_ROOT / "keys")
os.environ["CARELANE_CHECKPOINTS"] = str(_ROOT / "checkpoints")
os.environ["CARELANE_MODE"] = "demo"
for _variable in ("DATABASE_URL", "REDIS_URL"):
    os.environ.pop(_variable, None)

from config.settings import *  # noqa: E402, F403
