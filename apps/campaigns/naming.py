"""Ids inside, names at the edge: a stored spec holds ids; forms, files and pages show and take names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from apps.campaigns import spec as specs
from apps.campaigns.spec import Handle, Spec
from apps.content import naming as content
from apps.core.errors import Refused
from apps.references.models import Noun, Place
from apps.references.services import Used
from apps.segments import naming as segments

GONE = "no longer there"


def with_ids(spec: Spec) -> Spec:
    """The spec as it is stored. Raises Refused for a name that nothing has."""
    names = [of for of in (spec.segment, *spec.exclude) if isinstance(of, str) and of]
    known = segments.segment_ids(names)
    if set(names) - known.keys():
        raise Refused("segment.unknown", "There is no segment of that name.")
    outside = tuple(dict.fromkeys(known[of] if isinstance(of, str) else of for of in spec.exclude))
    segment = known[spec.segment] if isinstance(spec.segment, str) and spec.segment else spec.segment
    specs.ensure_leaves_somebody(segment, outside)
    return replace(spec, segment=segment, exclude=outside, template=_template(spec.template), brand=_brand(spec.brand))


def with_names(spec: Spec) -> Spec:
    """The spec as people read and write it. What is not there any more is called so."""
    numbers = [of for of in (spec.segment, *spec.exclude) if isinstance(of, int)]
    names = segments.segment_names(numbers)

    def called(of: Handle) -> str:
        return names.get(of, GONE) if isinstance(of, int) else of

    template, brand = spec.template, spec.brand
    if isinstance(template, int):
        template = content.template_names([template]).get(template, GONE)
    if isinstance(brand, int):
        brand = content.brand_names([brand]).get(brand, GONE)
    segment, outside = called(spec.segment), tuple(called(of) for of in spec.exclude)
    return replace(spec, segment=segment, exclude=outside, template=template, brand=brand)


def audience_words(spec: Spec, names: Mapping[int, str]) -> str:
    """Whom a stored spec writes to, for a line of a list; ``names`` are those of its segments, of all lines."""
    if spec.everybody:
        return "Everybody"
    of = spec.segment
    return names.get(of, GONE) if isinstance(of, int) else of


def uses(spec: Spec) -> list[Used]:
    """What a stored spec refers to, for the table of references."""
    found = [(Noun.SEGMENT, spec.segment, Place.AUDIENCE)]
    found += [(Noun.SEGMENT, of, Place.EXCLUDED) for of in spec.exclude]
    found += [(Noun.TEMPLATE, spec.template, Place.MESSAGE), (Noun.BRAND, spec.brand, Place.SENDER)]
    return [Used(kind, of, place) for kind, of, place in found if isinstance(of, int)]


def _template(of: Handle) -> Handle:
    if isinstance(of, int) or not of:
        return of
    if (found := content.template_ids([of]).get(of)) is None:
        raise Refused("template.unknown", f"There is no template “{of}”. Choose one of the list.")
    return found


def _brand(of: Handle) -> Handle:
    if isinstance(of, int) or not of:
        return of
    if (found := content.brand_ids([of]).get(of)) is None:
        raise Refused("sender.unknown", f"There is no sender “{of}”. Choose one of the list.")
    return found
