"""Logs: one line of JSON each on standard error, without personal data.

A record's message is a fixed text; what varies is ids and code words. Exceptions are logged as their type and the
places in the code, never with their text or local values, because both may quote what a person typed.
"""

from __future__ import annotations

import json
import logging
import logging.config
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class CodeWordFormatter(logging.Formatter):
    """Time, level, logger, fixed text, and for exceptions the type and the frames."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": self.text_of(record),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            ours = [frame for frame in frames if "site-packages" not in frame.filename] or frames[-1:]
            places = [*ours[-8:], frames[-1]] if frames and frames[-1] not in ours else ours[-8:]
            line["frames"] = [f"{'/'.join(Path(frame.filename).parts[-3:])}:{frame.lineno}" for frame in places]
        return json.dumps(line)

    @staticmethod
    def text_of(record: logging.LogRecord) -> str:
        # Our own loggers pass ids and code words; third parties may pass anything, so only their template stays.
        if record.name.startswith(("apps.", "config.")):
            return record.getMessage()
        return str(record.msg)[:200] if isinstance(record.msg, str) and "%" in record.msg else record.name


def configure(_settings: dict[str, Any]) -> None:
    """Set up logging (named by LOGGING_CONFIG)."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"words": {"()": CodeWordFormatter}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "words"}},
            "root": {"handlers": ["stderr"], "level": "WARNING"},
            "loggers": {
                "apps": {"level": "INFO"},
                "config": {"level": "INFO"},
                # Django's own handlers would print what was asked for, and mail it.
                "django": {"handlers": [], "level": "WARNING", "propagate": True},
                "django.server": {"handlers": [], "propagate": True},
                "django.request": {"level": "ERROR"},
            },
        }
    )
