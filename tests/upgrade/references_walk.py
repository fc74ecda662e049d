"""Who uses what, found the long way round: everything opened, read with its names, and looked up one by one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from apps.campaigns import selectors as campaigns
from apps.contacts.attributes import definitions
from apps.content.models import Brand, Template
from apps.journeys import selectors as journeys
from apps.journeys.definition import to_json
from apps.journeys.models import Journey
from apps.references.models import Reference
from apps.segments import naming
from apps.segments import selectors as segments

Row = tuple[str, int, str, int]


def in_the_table() -> set[Row]:
    """What the table says, however often one uses the other."""
    return set(Reference.objects.values_list("user_kind", "user_id", "used_kind", "used_id"))


def by_walking() -> set[Row]:
    """What everything there is says of itself."""
    ids = {
        "segment": {each.name: each.id for each in segments.everyone()},
        "campaign": {each.name: each.id for each in campaigns.everyone()},
        "template": {row.name: row.pk for row in Template.objects.living()},
        "brand": {row.name: row.pk for row in Brand.objects.all()},
        "attribute": {each.name: each.id for each in definitions.everything(retired=True)},
    }
    found: set[Row] = set()
    for user_kind, user_id, tree in _documents():
        found |= {(user_kind, user_id, kind, ids[kind][name]) for kind, name in _named(tree) if name in ids[kind]}
    return found


def _documents() -> Iterator[tuple[str, int, Any]]:
    for segment in segments.everyone():
        yield "segment", segment.id, naming.document(segment.rule)
    for campaign in campaigns.everyone():
        yield "campaign", campaign.id, campaign.spec.as_json()
    for row in Journey.objects.select_related("version"):
        journey = journeys.opened(row)
        for definition in filter(None, (journey.draft, journey.active)):
            yield "journey", row.pk, to_json(definition)
        for rule in row.version.segments().values() if row.version else ():
            # Of these only what they ask about people: segments that they led to then are no business of today.
            yield "journey", row.pk, [{"field": name} for name in re.findall(r"attribute\.\w+", json.dumps(rule))]
    for row in Template.objects.living():
        texts = [row.revisions.get(number=row.revision).data]
        texts += [version.opened for version in row.versions.filter(number=row.published)]
        merged = re.findall(r"\battributes\.(\w+)", json.dumps(texts))
        yield "template", row.pk, [{"field": f"attribute.{name}"} for name in merged]
        yield "template", row.pk, {"brand": row.brand.name if row.brand else None}


def _named(tree: Any) -> Iterator[tuple[str, str]]:
    """Kinds and names of whatever a document with names mentions."""
    kinds = {"segment": "segment", "template": "template", "sender": "brand", "brand": "brand", "campaign": "campaign"}
    if isinstance(tree, list):
        for each in tree:
            yield from _named(each)
    elif isinstance(tree, dict):
        for part, value in tree.items():
            if part in kinds and isinstance(value, str):
                yield kinds[part], value
            elif part == "exclude":
                yield from (("segment", name) for name in value)
            elif part == "field" and str(value).startswith("attribute."):
                yield "attribute", value.removeprefix("attribute.")
            elif part == "attribute" and isinstance(value, str):
                yield "attribute", value
            else:
                yield from _named(value)
