"""The portal's words in English and Spanish.

A small catalogue instead of gettext: no compiler is needed on a fresh machine, a missing word is a failing test,
and a reviewer reads both languages side by side (45 CFR 92.201(c)(3): people review translations, not machines).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo
from functools import cache
from types import MappingProxyType
from typing import Any

from django.utils.html import escape
from django.utils.safestring import mark_safe

from apps.portal.words.en import WORDS as ENGLISH
from apps.portal.words.es import WORDS as SPANISH
from apps.ui import datewords

LANGUAGES: Mapping[str, str] = MappingProxyType({"en": "English", "es": "Español"})
_CATALOGUES = {"en": ENGLISH, "es": SPANISH}
_MONTHS = {
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
    "es": (
        "enero", "febrero", "marzo", "abril", "mayo", "junio",
        "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
    ),
}  # fmt: skip


_E_MAIL = '<span class="nowrap">e-mail</span>'


def known(language: str) -> str:
    """``es`` for any Spanish, otherwise ``en``."""
    return "es" if language[:2].lower() == "es" else "en"


def catalogue(language: str) -> Mapping[str, str]:
    """Dotted key to text."""
    return _CATALOGUES[known(language)]


@cache
def tree(language: str) -> Mapping[str, Any]:
    """The same catalogue as nested mappings, for ``{{ say.link.title }}`` in templates.

    For pages only: "e-mail" would break at its hyphen on a narrow one, so it is kept in one piece there.
    """
    found: dict[str, Any] = {}
    for key, text in catalogue(language).items():
        here = found
        *parents, last = key.split(".")
        for step in parents:
            here = here.setdefault(step, {})
        here[last] = mark_safe(escape(text).replace("e-mail", _E_MAIL)) if "e-mail" in text else text  # noqa: S308
    return found


def months(language: str) -> tuple[str, ...]:
    return _MONTHS[known(language)]


def moment(value: datetime, zone: tzinfo, language: str) -> str:
    """``Nov 22, 2026, 9:00 AM`` or ``22 de noviembre de 2026, 9:00 a. m.``, in ``zone``."""
    if known(language) == "en":
        return datewords.moment(value, zone)
    local = value.astimezone(zone)
    return f"{day(local.date(), language)}, {_spanish_time(local)}"


def day(value: date, language: str) -> str:
    """``Nov 22, 2026`` or ``22 de noviembre de 2026``."""
    if known(language) == "en":
        return datewords.day(value)
    return f"{value.day} de {_MONTHS['es'][value.month - 1]} de {value.year}"


def last_whole_day(end: datetime, zone: tzinfo) -> date:
    """The last day of which something that ends at ``end`` lasts the whole: people do not plan by the minute."""
    return end.astimezone(zone).date() - timedelta(days=1)


def time_of_day(value: datetime, zone: tzinfo, language: str) -> str:
    """``9:00 AM`` or ``9:00 a. m.``."""
    local = value.astimezone(zone)
    return datewords.clock_time(local) if known(language) == "en" else _spanish_time(local)


def _spanish_time(local: datetime) -> str:
    """As Spanish is written in the United States, and as the mails write it: ``1:35 p. m.``, kept on one line."""
    return f"{local.hour % 12 or 12}:{local.minute:02d}\u00a0{'p' if local.hour >= 12 else 'a'}.\u00a0m."
