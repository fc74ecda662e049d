"""Somebody reads the database as it is now, copies what sessions it holds, and tries to sit down in one."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore as LibraryStore
from django.contrib.sessions.models import Session
from django.test import Client

from apps.users.sessions import SessionStore, content, stored_key

pytestmark = pytest.mark.django_db


def with_cookie(value: str) -> Client:
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = value
    return client


def test_no_value_of_the_table_is_a_cookie(signed_in: Any) -> None:
    ada = signed_in("ada")
    assert ada.get("/settings/users/").status_code == 200
    assert with_cookie(ada.session.session_key).get("/settings/users/").status_code == 200  # so a cookie does open it
    rows = list(Session.objects.values_list("session_key", "session_data"))
    assert rows
    for key, data in rows:
        assert ada.session.session_key not in (key, data)
        for stolen in (key, data, data[:32]):
            assert with_cookie(stolen).get("/settings/users/").status_code == 302


def test_the_table_does_not_tell_whose_session_it_is(signed_in: Any) -> None:
    max_ = signed_in("max")
    max_.get("/")
    row = Session.objects.get()
    assert content(row)["_auth_user_id"] == str(max_.staff.pk)
    assert b"_auth_user" not in base64.b64decode(row.session_data)
    assert row.get_decoded() == {}  # the library, which has only the signing key, reads nothing


def test_an_administrators_session_is_not_moved_under_ones_own_cookie(signed_in: Any) -> None:
    ada, max_ = signed_in("ada"), signed_in("max")
    assert (ada.get("/settings/users/").status_code, max_.get("/settings/users/").status_code) == (200, 403)
    moved = Session.objects.get(session_key=stored_key(ada.session.session_key)).session_data
    Session.objects.filter(session_key=stored_key(max_.session.session_key)).update(session_data=moved)
    assert max_.get("/settings/users/").status_code == 302


def test_a_session_written_before_they_were_sealed_is_over(cast: Any) -> None:
    old = LibraryStore()
    old["_auth_user_id"] = str(cast.ada.pk)
    old.save()
    assert with_cookie(str(old.session_key)).get("/settings/users/").status_code == 302
    Session.objects.filter(session_key=old.session_key).update(session_key=stored_key(str(old.session_key)))
    assert SessionStore(old.session_key).load() == {}
    assert with_cookie(str(old.session_key)).get("/settings/users/").status_code == 302


async def _asynchronously() -> tuple[bool, str, dict[str, Any], bool]:
    store = SessionStore()
    await store.aset("word", "x")
    await store.asave()
    key = str(store.session_key)
    read = await SessionStore(key).aload()
    there = await SessionStore().aexists(key)
    await SessionStore().adelete(key)
    return there, key, read, await SessionStore().aexists(key)


@pytest.mark.django_db(transaction=True)
def test_asynchronous_callers_get_the_same(db: None) -> None:
    from asgiref.sync import async_to_sync

    there, key, read, after = async_to_sync(_asynchronously)()
    assert there
    assert read == {"word": "x"}
    assert not after
    assert not Session.objects.filter(session_key=key).exists()
