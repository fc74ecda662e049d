"""What somebody without any sign-in can make the server do."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

LARGE = b"x=" + b"a" * (1024 * 1024 + 1)
PUBLIC = (
    "/account/sign-in/",
    "/portal/sign-in/",
    "/portal/lost/",
    "/portal/m/" + "t" * 43 + "/prove/",
    "/r/u/" + "t" * 60,
    "/healthz",
)


@pytest.mark.parametrize("path", PUBLIC)
def test_strangers_cannot_fill_the_memory(path: str) -> None:
    read: list[int] = []

    class Body(io.BytesIO):
        def read(self, *args: Any) -> bytes:
            read.append(1)
            return super().read(*args)

    answer = Client(enforce_csrf_checks=True).generic(
        "POST",
        path,
        b"",
        content_type="application/x-www-form-urlencoded",
        **{"wsgi.input": Body(LARGE), "CONTENT_LENGTH": str(len(LARGE))},
    )
    assert answer.status_code == 413
    assert not read


def test_staff_may_still_upload(signed_in: Any) -> None:
    answer = signed_in("max").post("/account/", LARGE, content_type="application/x-www-form-urlencoded")
    assert answer.status_code != 413
