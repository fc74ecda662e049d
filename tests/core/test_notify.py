"""Somebody waits for the database to say something."""

from __future__ import annotations

import time

import pytest
from django.db import connection

from apps.core import notify


@pytest.mark.django_db(transaction=True)
def test_who_waits_is_woken_and_who_is_not_told_goes_on_by_itself() -> None:
    with notify.listening("carelane_scene") as wait:
        with connection.copy().cursor() as another:
            another.execute("SELECT pg_notify('carelane_scene', '')")
            another.db.close()
        began = time.monotonic()
        wait(60)
        assert time.monotonic() - began < 30
        wait(0.01)  # nothing was said: it ends all the same
