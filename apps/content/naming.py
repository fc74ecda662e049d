"""Ids inside, names at the edge: ids and names of templates and brands, in bulk."""

from __future__ import annotations

from collections.abc import Collection

from apps.content.models import Brand, Template
from apps.vault import tokens


def template_token(name: str) -> int:
    """The keyed value by which a template's name is found; case, accents and spaces do not count."""
    return tokens.token63("template-name", tokens.normalize(name))


def brand_token(name: str) -> int:
    """The keyed value by which a brand's name is found."""
    return tokens.token63("brand-name", tokens.normalize(name))


def template_ids(names: Collection[str]) -> dict[str, int]:
    """Ids of the living templates of these names, by name as given; one query."""
    by_token: dict[int, list[str]] = {}
    for name in names:
        by_token.setdefault(template_token(name), []).append(name)
    rows = Template.objects.living().filter(name_token__in=by_token).values_list("name_token", "pk") if names else ()
    return {name: pk for token, pk in rows for name in by_token[token]}


def brand_ids(names: Collection[str]) -> dict[str, int]:
    """Ids of the brands of these names, by name as given; one query."""
    by_token: dict[int, list[str]] = {}
    for name in names:
        by_token.setdefault(brand_token(name), []).append(name)
    rows = Brand.objects.filter(name_token__in=by_token).values_list("name_token", "pk") if names else ()
    return {name: pk for token, pk in rows for name in by_token[token]}


def template_names(ids: Collection[int]) -> dict[int, str]:
    """Names of these templates by id, deleted ones too; one query."""
    return {row.pk: row.name for row in Template.objects.filter(pk__in=ids)} if ids else {}


def brand_names(ids: Collection[int]) -> dict[int, str]:
    """Names of these brands by id; one query."""
    return {row.pk: row.name for row in Brand.objects.filter(pk__in=ids)} if ids else {}
