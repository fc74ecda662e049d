"""Finding people by what somebody typed and by filters: tokens only, nothing is opened here.

Whoever is erased has no search row, so the search table alone answers, without a join: at a million people a join of
rows that are not there costs seconds.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Q, QuerySet

from apps.contacts.models import PersonIdentity, PersonSearch, PersonTag, Suppression
from apps.contacts.person import search_values
from apps.core import folding
from apps.core.numbers import whole
from apps.vault import tokens

COUNT_UP_TO = 10_000
"""Lists longer than this are not counted: the number would cost more than it tells."""

LONGEST_BEGINNING = 4
"""Letters of the longest beginning of a name that has a token (``search_values``)."""


def people(*, text: str = "", filters: Mapping[str, str] | None = None) -> QuerySet[PersonSearch]:
    """Search rows (their key is the person's id) of people who are not erased, whose name, address, telephone or
    record number is ``text``, under ``filters``; where nobody has that name, whose name begins alike (``meant``).

    ``filters``: relation (patient, b2b, subscriber), life (living, deceased), consent ("marketing:granted",
    "marketing:denied", "marketing:none"), mail (address, no_address, suppressed), tag (its id). Unknown values filter
    nothing.
    """
    found = PersonSearch.objects.all()
    if text.strip():
        found = found.filter(_typed(meant(text)))
    for name, value in (filters or {}).items():
        if value and name in _FILTERS:
            found = _FILTERS[name](found, value)
    return found


def meant(text: str) -> str:
    """The words that are looked for: ``text``, or where nobody at all has that name, its ``beginnings``."""
    shorter = beginnings(text)
    return shorter if shorter and not PersonSearch.objects.filter(_typed(text)).exists() else text


def beginnings(text: str) -> str:
    """What was typed, each word cut to the four letters by which names are found; "" where that changes nothing.

    Half a name is no whole word and longer than any beginning that is kept: "Rosali" finds nobody, "Rosa" does.
    Addresses and numbers are found as a whole only, so they are not cut.
    """
    if "@" in text or any(each.isdigit() for each in text):
        return ""
    words = folding.bare_words(text)
    cut = " ".join(word[:LONGEST_BEGINNING] for word in words)
    return cut if any(len(word) > LONGEST_BEGINNING for word in words) else ""


def counted(found: QuerySet[PersonSearch]) -> int | None:
    """How many, or None when there are more than ``COUNT_UP_TO``."""
    number = found.order_by()[: COUNT_UP_TO + 1].count()
    return None if number > COUNT_UP_TO else number


def _typed(text: str) -> Q:
    identities = PersonIdentity.objects.filter(token__in=search_values.typed_identities(text))
    by_identity = identities.values_list("person_id")
    if "@" in text:
        return Q(pk__in=by_identity)
    if numbers := search_values.typed_numbers(text):
        by_identity = by_identity.union(PersonSearch.objects.filter(tokens__overlap=numbers).values_list("pk"))
    words = search_values.name_tokens(text)
    if not words:
        return Q(pk__in=by_identity)
    by_name = Q()
    for wanted in words:
        by_name &= Q(tokens__overlap=wanted)
    # A union, not "or": each half is one look into an index.
    return Q(pk__in=PersonSearch.objects.filter(by_name).values_list("pk").union(by_identity))


def _relation(found: QuerySet[PersonSearch], value: str) -> QuerySet[PersonSearch]:
    return found.filter(tokens__contains=[tokens.token63("person.relation", value)])


def _life(found: QuerySet[PersonSearch], value: str) -> QuerySet[PersonSearch]:
    dead = Q(tokens__contains=[search_values.presence("death_date")])
    return found.filter(dead) if value == "deceased" else found.exclude(dead)


def _consent(found: QuerySet[PersonSearch], value: str) -> QuerySet[PersonSearch]:
    purpose, _, state = value.partition(":")
    if state == "none":
        either = [search_values.consent(purpose, state) for state in ("granted", "denied")]
        return found.exclude(tokens__overlap=either)
    return found.filter(tokens__contains=[search_values.consent(purpose, state)])


def _mail(found: QuerySet[PersonSearch], value: str) -> QuerySet[PersonSearch]:
    has = Q(tokens__contains=[search_values.presence("email")])
    if value == "no_address":
        return found.exclude(has)
    if value == "suppressed":
        mailboxes = PersonIdentity.objects.filter(
            kind=search_values.EMAIL, token__in=Suppression.objects.values("mailbox")
        )
        return found.filter(pk__in=mailboxes.values("person"))
    return found.filter(has)


def _tag(found: QuerySet[PersonSearch], value: str) -> QuerySet[PersonSearch]:
    return found.filter(pk__in=PersonTag.objects.filter(tag_id=whole(value, 0)).values("person_id"))


_FILTERS = {"relation": _relation, "life": _life, "consent": _consent, "mail": _mail, "tag": _tag}
