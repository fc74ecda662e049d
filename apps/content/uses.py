"""What templates use: the own attributes that their texts merge, and their brand."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping

from django.urls import reverse

from apps.contacts.attributes import definitions as attributes
from apps.content.models import Template
from apps.references import services as references
from apps.references.models import Noun, Place
from apps.references.owners import Shown
from apps.references.services import Used

_MERGED = re.compile(r"\battributes\.([a-z][a-z0-9_]*)")


def uses_write(template: Template) -> None:
    """Note what the template uses now, in its draft and as published. Caller's transaction and lock."""
    texts = [revision.data for revision in template.revisions.filter(number=template.revision)]
    if template.published:
        texts += [version.opened["design"] for version in template.versions.filter(number=template.published)]
    names = {name for text in texts for name in _MERGED.findall(json.dumps(text, ensure_ascii=False))}
    uses = [Used(Noun.ATTRIBUTE, number, Place.MERGED) for number in attributes.ids_of(names).values()]
    if template.brand_id is not None:
        uses.append(Used(Noun.BRAND, template.brand_id, Place.SENDER))
    references.references_write(user_kind=Noun.TEMPLATE, user_id=template.pk, uses=uses)


def names(ids: Collection[int], used: Noun) -> Mapping[int, Shown]:
    """What these templates are called, by id."""
    rows = Template.objects.living().filter(pk__in=ids)
    return {row.pk: Shown(row.name, reverse("content:edit", args=[row.pk])) for row in rows}
