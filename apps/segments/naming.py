"""Ids inside, names at the edge: a rule holds ids of segments, campaigns and tags, people read and write their names.

A name that nothing has stays in the rule as it was written: whoever looks says that it is no longer there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from apps.contacts.attributes import definitions as attributes
from apps.contacts.tags import definitions as tags
from apps.imports import selectors as imports
from apps.segments import rules
from apps.segments.conditions import kind_of
from apps.segments.conditions.base.documents import Document, Json
from apps.segments.conditions.base.nodes import Handle, Reference, RefersTo
from apps.segments.models import Segment
from apps.vault import sealing
from apps.vault.tokens import normalize, token128

TABLE = "segments_segment"


@dataclass(frozen=True)
class Campaigns:
    """What campaigns tell without being imported: ids by name, names by id (those that are there), and every name."""

    ids: Callable[[Collection[str]], Mapping[str, int]]
    names: Callable[[Collection[int]], Mapping[int, str]]
    every_name: Callable[[], Collection[str]]


_campaigns: dict[str, Campaigns] = {}


def register_campaigns(app: str, campaigns: Campaigns) -> None:
    """``campaigns`` answers for conditions about engagement."""
    _campaigns[app] = campaigns


def name_token(name: str) -> bytes:
    """The keyed look-up of a segment's name; case, accents and spaces do not count."""
    return token128("segment.name", normalize(name))


def segment_ids(names: Iterable[str]) -> dict[str, int]:
    """Ids of the segments of these names, by name as given; names that nothing has are left out. One query."""
    by_token: dict[bytes, list[str]] = {}
    for name in names:
        by_token.setdefault(name_token(name), []).append(name)
    rows = Segment.objects.filter(name_token__in=by_token).values_list("name_token", "pk") if by_token else ()
    return {name: pk for token, pk in rows for name in by_token[bytes(token)]}


def segment_names(ids: Collection[int]) -> dict[int, str]:
    """Names of these segments by id; what is gone is left out. One query, and these rows opened."""
    rows = Segment.objects.filter(pk__in=ids).only("sealed", "version") if ids else ()
    return {
        row.pk: str(sealing.open_service(row.sealed, table=TABLE, row=row.pk, version=row.version)["name"])
        for row in rows
    }


def campaign_ids(handles: Iterable[Handle]) -> dict[Handle, int]:
    """Ids of these campaigns, given by id or name; those that are not there are left out."""
    numbers, names = _sorted(handles)
    found: dict[Handle, int] = {}
    for each in _campaigns.values():
        if numbers:
            found |= {number: number for number in each.names(numbers)}
        if names:
            found.update((name, pk) for name, pk in each.ids(names).items())
    return found


def every_campaign() -> list[str]:
    """Names of all campaigns, in order."""
    return sorted(name for each in _campaigns.values() for name in each.every_name())


def ids_of(found: Iterable[Reference]) -> dict[Reference, int]:
    """Ids of what these references name or number; what nothing is called is left out. One query a kind."""
    asked = _by_kind(found)
    numbers, names = _sorted(asked[RefersTo.SEGMENT])
    known: dict[Reference, int] = {Reference(RefersTo.SEGMENT, number): number for number in numbers}
    known |= {Reference(RefersTo.SEGMENT, name): pk for name, pk in segment_ids(names).items()}
    if asked[RefersTo.CAMPAIGN]:
        known |= {Reference(RefersTo.CAMPAIGN, of): pk for of, pk in campaign_ids(asked[RefersTo.CAMPAIGN]).items()}
    own = {str(of).removeprefix(attributes.PREFIX): of for of in asked[RefersTo.ATTRIBUTE]}
    known |= {Reference(RefersTo.ATTRIBUTE, own[name]): pk for name, pk in attributes.ids_of(own).items()}
    numbers, names = _sorted(asked[RefersTo.TAG])
    known |= {Reference(RefersTo.TAG, number): number for number in numbers}
    known |= {Reference(RefersTo.TAG, name): pk for name, pk in tags.ids_of(names).items()}
    numbers = _sorted(asked[RefersTo.IMPORT])[0]
    known |= {Reference(RefersTo.IMPORT, pk): pk for pk in imports.there(numbers)}
    return known


def names_of(found: Iterable[Reference]) -> dict[Reference, str]:
    """Names of the segments, campaigns and tags that these references number; what is gone is left out."""
    asked = _by_kind(found)
    numbers = {kind: _sorted(handles)[0] for kind, handles in asked.items()}
    known = {Reference(RefersTo.SEGMENT, pk): name for pk, name in segment_names(numbers[RefersTo.SEGMENT]).items()}
    known |= {Reference(RefersTo.TAG, pk): name for pk, name in tags.names_of(numbers[RefersTo.TAG]).items()}
    if wanted := numbers[RefersTo.CAMPAIGN]:
        for each in _campaigns.values():
            known |= {Reference(RefersTo.CAMPAIGN, pk): name for pk, name in each.names(wanted).items()}
    return known


def with_ids(rule: rules.Rule) -> rules.Rule:
    """The rule as it is stored: ids for the names that a person wrote."""
    written = [each for each in rules.references(rule) if isinstance(each.name, str) and each.kind in _NUMBERED]
    if not written:
        return rule
    found = rules.with_references(rule, ids_of(written))
    assert isinstance(found, rules.Group)
    return found


def document(rule: rules.Rule) -> Json:
    """The rule's JSON as people read and write it, in forms and in files: with names."""
    return rules.with_references(rule, names_of(rules.references(rule))).to_document()


# -- JSON of rules that stand in other documents -------------------------------------------------------------------


def tree_references(tree: Json) -> list[Reference]:
    """What a rule's JSON refers to; parts that cannot be read refer to nothing."""
    if "match" in tree:
        return [each for child in tree.get("rules", []) for each in tree_references(child)]
    condition = _condition(tree)
    return list(condition.references()) if condition is not None else []


def translated(tree: Json, names: Mapping[Reference, Handle]) -> Json:
    """The same JSON where it refers to what ``names`` says instead; what cannot be read stays as it is."""
    if "match" in tree:
        return tree | {"rules": [translated(child, names) for child in tree.get("rules", [])]}
    condition = _condition(tree)
    if condition is None:
        return tree
    before, after = condition.to_document(), condition.with_references(names).to_document()
    return tree | {part: value for part, value in after.items() if before.get(part) != value}


def _condition(tree: Json) -> rules.Condition | None:
    fields = attributes.catalog()
    kind = kind_of(tree, fields)
    try:
        return kind.parse(Document(tree, (), fields)) if kind is not None else None
    except rules.RuleError:
        return None


#: Own attributes are called by a name that never changes.
_NUMBERED = (RefersTo.SEGMENT, RefersTo.CAMPAIGN, RefersTo.TAG)


def _by_kind(found: Iterable[Reference]) -> dict[RefersTo, list[Handle]]:
    asked: dict[RefersTo, list[Handle]] = {kind: [] for kind in RefersTo}
    for each in found:
        asked[each.kind].append(each.name)
    return asked


def _sorted(handles: Iterable[Handle]) -> tuple[list[int], list[str]]:
    """Ids and names apart."""
    given = list(handles)
    return [of for of in given if isinstance(of, int)], [of for of in given if isinstance(of, str)]
