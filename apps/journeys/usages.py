"""Where journeys use templates and segments: asked by the apps below, which do not know journeys."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.urls import reverse

from apps.contacts.attributes.usages import Usage as AttributeUsage
from apps.content.models import Template
from apps.content.usage import Use
from apps.journeys import selectors
from apps.journeys.definition import Definition, mails, walk
from apps.journeys.models import Journey
from apps.segments import rules
from apps.segments import selectors as segments
from apps.segments.usages import Usage


def _all() -> Iterator[tuple[selectors.OpenedJourney, list[Definition]]]:
    """Every journey with its draft and its active definition."""
    for row in Journey.objects.select_related("version"):
        journey = selectors.opened(row)
        yield journey, [journey.draft, *([journey.active] if journey.active else [])]


def of_template(template_id: int) -> list[Use]:
    """Journeys that send the template."""
    template = Template.objects.filter(pk=template_id).first()
    if template is None:
        return []
    name = template.name
    return [
        Use("Journey", journey.name, reverse("journeys:flow", args=[journey.id]))
        for journey, definitions in _all()
        if any(mail.template == name for each in definitions for _, mail in mails(each))
    ]


def of_segment(segment_id: int) -> list[Usage]:
    """Journeys that start with the segment or ask whether a person is in it."""
    segment = segments.by_id(segment_id)
    if segment is None:
        return []
    return [
        Usage("Journey", journey.name, reverse("journeys:flow", args=[journey.id]))
        for journey, definitions in _all()
        if any(segment.name in _mentioned(each) for each in definitions)
    ]


def using_attributes(names: Collection[str]) -> Iterator[tuple[str, AttributeUsage]]:
    """Which of the own attributes called ``names`` journeys ask for or write: steps, and segments as approved."""
    for journey, definitions in _all():
        steps = [place.step for each in definitions for place in walk(each)]
        rule_trees = [rule for step in steps if (rule := step.rule)]
        if journey.row.version is not None:
            # A segment may have been edited since, but the active version goes by it as it was.
            rule_trees += journey.row.version.segments().values()
        found: set[str] = set()
        for tree in rule_trees:
            try:
                found.update(rules.mentioned_attributes(segments.parse(tree)))
            except rules.RuleError:
                continue
        url = reverse("journeys:flow", args=[journey.id])
        asked = {mentioned.removeprefix("attribute.") for mentioned in found} & set(names)
        written = {name for step in steps for name in step.writes} & set(names)
        for name in sorted(asked | written):
            yield name, AttributeUsage("Journey", journey.name, url, searches=name in asked)


def _mentioned(definition: Definition) -> set[str]:
    found = {definition.trigger.segment} - {""}
    for place in walk(definition):
        if rule := place.step.rule:
            try:
                found.update(rules.mentioned_segments(segments.parse(rule)))
            except rules.RuleError:
                continue
    return found
