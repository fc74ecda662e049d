"""Sessions of staff in the database, so that whoever reads the database cannot sit down in one.

The library keeps the key of a session as it stands in the cookie, and its content readable: a dump of the last minutes,
or a copy that is kept up to date, would be everybody's second factor. Here a row is found by a keyed token of the key,
and its content is sealed for that row.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.vault import sealing, tokens

TABLE = "django_session"


def stored_key(key: str) -> str:
    """What stands in the table for the session key of a cookie: a keyed token (32 hex digits) that opens nothing."""
    return tokens.token128("staff.session", key).hex()


def content(row: Session) -> dict[str, Any]:
    """What a stored session holds; nothing when it was altered, moved here, or written before sessions were sealed."""
    try:
        sealed = base64.b64decode(row.session_data, validate=True)
        found: dict[str, Any] = sealing.open_service(sealed, table=TABLE, row=row.session_key)
    except (binascii.Error, ValueError, sealing.SealBroken):
        return {}
    return found


class SessionStore(db.SessionStore):
    """The library's store over rows that are sealed and named by ``stored_key``."""

    def load(self) -> dict[str, Any]:
        """The content of the session that the cookie names; without one the key is forgotten."""
        row = self._row()
        if row is None:
            self._session_key = None
            return {}
        return content(row)

    def _row(self) -> Session | None:
        if not self.session_key:
            return None
        key = stored_key(self.session_key)
        return Session.objects.filter(session_key=key, expire_date__gt=timezone.now()).first()

    def exists(self, session_key: str) -> bool:
        """Whether there is a session of that key."""
        return Session.objects.filter(session_key=stored_key(session_key)).exists()

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """The row to write."""
        key = stored_key(self._get_or_create_session_key())  # type: ignore[attr-defined]
        sealed = sealing.seal_service(data, table=TABLE, row=key)
        text = base64.b64encode(sealed).decode("ascii")
        return Session(session_key=key, session_data=text, expire_date=self.get_expiry_date())

    def delete(self, session_key: str | None = None) -> None:
        """End the session of that key, or this one."""
        key = session_key or self.session_key
        if key is not None:
            Session.objects.filter(session_key=stored_key(key)).delete()

    # The same for asynchronous callers, who would otherwise reach the library's own.
    async def aload(self) -> dict[str, Any]:
        """As ``load``."""
        return await sync_to_async(self.load)()

    async def aexists(self, session_key: str) -> bool:
        """As ``exists``."""
        return await sync_to_async(self.exists)(session_key)

    async def acreate_model_instance(self, data: dict[str, Any]) -> Session:
        """As ``create_model_instance``."""
        return await sync_to_async(self.create_model_instance)(data)

    async def adelete(self, session_key: str | None = None) -> None:
        """As ``delete``."""
        await sync_to_async(self.delete)(session_key)
