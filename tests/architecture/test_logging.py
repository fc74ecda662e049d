"""What reaches the log files: code words and places, never what somebody typed."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest

from config.logging import CodeWordFormatter, configure


@pytest.fixture
def lines():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(CodeWordFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)


def test_the_configuration_is_the_one_in_force() -> None:
    configure({})
    assert any(isinstance(handler.formatter, CodeWordFormatter) for handler in logging.getLogger().handlers)
    assert logging.getLogger("django").handlers == []


def test_an_exception_is_its_type_and_its_place(lines) -> None:
    try:
        raise ValueError("Dana Öberg, born 1960-02-29")
    except ValueError:
        logging.getLogger("django.request").error("Internal Server Error: %s", "/contacts/7/", exc_info=sys.exc_info())
    (line,) = lines()
    assert line["error"] == "ValueError"
    assert "Dana" not in json.dumps(line, ensure_ascii=False)
    assert any("test_logging" in frame for frame in line["frames"])


def test_third_parties_may_say_what_happened_but_not_to_whom(lines) -> None:
    logging.getLogger("somebody.parser").error("could not parse %s", "Dana")
    logging.getLogger("somebody.parser").error(f"could not parse {'Dana'}")
    assert "Dana" not in json.dumps(lines())
