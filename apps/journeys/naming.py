"""Ids inside, names at the edge: stored definitions hold ids; the builder, files and sentences show and take names.

A name that nothing has stays in the definition as it was written: its checks say that it is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.contacts.attributes import definitions as attributes
from apps.contacts.tags import definitions as tags
from apps.content import naming as content
from apps.journeys import steps
from apps.journeys.definition import Definition, mails, to_json, walk
from apps.journeys.fields import Handle, Referring, Translator
from apps.journeys.parse import parse
from apps.references.models import Noun, Place
from apps.references.services import Used
from apps.segments import naming as segments
from apps.segments.conditions.base.nodes import Reference, RefersTo

GONE = "no longer there"
#: What nobody takes away while a running version asks for it, through the segments it was approved with.
_KEPT = (RefersTo.ATTRIBUTE, RefersTo.TAG)


@dataclass(frozen=True, repr=False)
class Found:
    """What definitions refer to: segments, templates, brands and tags, and what their rules ask for."""

    handles: set[tuple[str, Handle]] = field(default_factory=set)
    references: set[Reference] = field(default_factory=set)

    def handle(self, kind: str, of: Handle) -> Handle:
        """Note it, and leave it as it is."""
        self.handles.add((kind, of))
        return of

    def rule(self, tree: dict[str, Any]) -> dict[str, Any]:
        """Note what a rule refers to."""
        self.references.update(segments.tree_references(tree))
        return tree


@dataclass(frozen=True, repr=False)
class Calling:
    """Calls things by what ``handles`` and ``references`` say; what is in neither keeps its name."""

    handles: Mapping[tuple[str, Handle], Handle]
    references: Mapping[Reference, Handle]

    def handle(self, kind: str, of: Handle) -> Handle:
        """See ``Translator``."""
        return self.handles.get((kind, of), of)

    def rule(self, tree: dict[str, Any]) -> dict[str, Any]:
        """See ``Translator``."""
        return segments.translated(tree, self.references)

    def definition(self, stored: Definition) -> Definition:
        """The same journey in other words."""
        before = to_json(stored)
        after = translated(before, self)
        return stored if after == before else parse(after)


def translated(data: Mapping[str, Any], translator: Translator) -> dict[str, Any]:
    """The JSON of a definition with other objects called differently; every step's fields know what refers."""
    trigger = dict(data["trigger"])
    if trigger.get("segment"):
        trigger["segment"] = translator.handle(Noun.SEGMENT, trigger["segment"])
    return {**data, "trigger": trigger, "steps": _steps(data["steps"], translator)}


def _steps(documents: Sequence[Mapping[str, Any]], translator: Translator) -> list[dict[str, Any]]:
    found = []
    for document in documents:
        kind, step = steps.KINDS[document["type"]], dict(document)
        for each in kind.fields:
            if isinstance(each, Referring):
                step |= each.translate(document, translator)
        for branch in kind.branch_names(document):
            step[branch.name] = _steps(document.get(branch.name, []), translator)
        found.append(step)
    return found


def found_in(definitions: Iterable[Definition]) -> Found:
    """Everything that these definitions refer to."""
    found = Found()
    for each in definitions:
        translated(to_json(each), found)
    return found


_IDS: Mapping[str, Callable[[list[str]], Mapping[str, int]]] = {
    Noun.SEGMENT: segments.segment_ids,
    Noun.TEMPLATE: content.template_ids,
    Noun.BRAND: content.brand_ids,
    Noun.TAG: tags.ids_of,
}
_NAMES: Mapping[str, Callable[[list[int]], Mapping[int, str]]] = {
    Noun.SEGMENT: segments.segment_names,
    Noun.TEMPLATE: content.template_names,
    Noun.BRAND: content.brand_names,
    Noun.TAG: tags.names_of,
}


def with_ids(definition: Definition) -> Definition:
    """The definition as it is stored; one query for each kind of thing that it names."""
    found = found_in([definition])
    handles: dict[tuple[str, Handle], Handle] = {}
    for kind, ids in _IDS.items():
        if names := [of for its, of in found.handles if its == kind and isinstance(of, str)]:
            handles |= {(kind, name): pk for name, pk in ids(names).items()}
    named = [each for each in found.references if isinstance(each.name, str) and each.kind is not RefersTo.ATTRIBUTE]
    return Calling(handles, segments.ids_of(named) if named else {}).definition(definition)


def names_of(definitions: Iterable[Definition]) -> Calling:
    """What everything in these definitions is called; one query for each kind, however many there are."""
    found = found_in(definitions)
    handles: dict[tuple[str, Handle], Handle] = {}
    for kind, names in _NAMES.items():
        if ids := [of for its, of in found.handles if its == kind and isinstance(of, int)]:
            known = names(ids)
            handles |= {(kind, of): known.get(of, GONE) for of in ids}
    numbered = [each for each in found.references if isinstance(each.name, int)]
    called: dict[Reference, Handle] = dict.fromkeys(numbered, GONE)
    return Calling(handles, called | segments.names_of(numbered) if numbered else called)


def with_names(definition: Definition) -> Definition:
    """The definition as people read and write it."""
    return names_of([definition]).definition(definition)


def uses(definitions: Iterable[Definition], frozen: Iterable[Mapping[str, Any]] = ()) -> list[Used]:
    """What these stored definitions refer to, for the table of references.

    ``frozen`` are rules of segments as a running version goes by them: attributes and tags that they ask for are used.
    """
    given = list(definitions)
    referred = found_in(given)
    asked = referred.references
    for rule in frozen:
        asked |= {each for each in segments.tree_references(dict(rule)) if each.kind in _KEPT}
    found = [Used(Noun(each.kind), pk, Place.RULE) for each, pk in segments.ids_of(asked).items()]
    for each in given:
        if isinstance(each.trigger.segment, int):
            found.append(Used(Noun.SEGMENT, each.trigger.segment, Place.TRIGGER))
        for _, mail in mails(each):
            if isinstance(mail.template, int):
                found.append(Used(Noun.TEMPLATE, mail.template, Place.MESSAGE))
            if isinstance(mail.sender, int):
                found.append(Used(Noun.BRAND, mail.sender, Place.SENDER))
    found += [
        Used(Noun.TAG, of, Place.WRITTEN) for kind, of in referred.handles if kind == Noun.TAG and isinstance(of, int)
    ]
    written = {name for each in given for place in walk(each) for name in place.step.writes}
    return found + [Used(Noun.ATTRIBUTE, pk, Place.WRITTEN) for pk in attributes.ids_of(written).values()]
