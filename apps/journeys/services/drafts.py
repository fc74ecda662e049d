"""Drafts: what somebody is still working on. Nobody walks a draft."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from apps.audit import services as audit
from apps.audit.actions import Action
from apps.content import blocks
from apps.content import selectors as content_selectors
from apps.content import services as content
from apps.content.presets import all_presets
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.journeys import approvals
from apps.journeys.definition import Definition, to_json
from apps.journeys.models import Journey
from apps.journeys.parse import parse
from apps.journeys.presets import Preset
from apps.journeys.selectors import name_token
from apps.vault import sealing

UNDO_STEPS = 20


class NameTaken(Refused):
    """Another journey has this name."""


class WouldVoid(Refused):
    """The edit would void what was approved or asked for; nothing was saved."""

    def __init__(self) -> None:
        super().__init__("journey.would_void", "This change would void the approval. Nothing was saved yet.")


class DraftChanged(Refused):
    """Somebody else saved the draft in the meantime."""


def journey_create(*, actor: Actor, name: str, about: str = "", definition: dict[str, Any]) -> Journey:
    """A new journey in draft. ``definition`` is JSON. Raises ``NameTaken``, ``DefinitionBroken``."""
    name = clean_name(name)
    draft = to_json(parse(definition))
    now = clock.now()
    with transaction.atomic():
        if Journey.objects.filter(name_token=name_token(name)).exists():
            raise NameTaken("journey.name_taken", "A journey has this name already. Choose another.")
        journey = Journey(
            name_token=name_token(name), sealed=b"", created_at=now, changed_at=now, created_by=str(actor)
        )
        try:
            with transaction.atomic():
                journey.save(force_insert=True)
        except IntegrityError:
            raise NameTaken("journey.name_taken", "A journey has this name already. Choose another.") from None
        _seal(journey, {"name": name, "about": about.strip()[:500], "draft": draft})
        journey.save(update_fields=["sealed"])
        audit.record(actor=actor, action=Action.JOURNEY_CREATE, kind="journey", subject=journey.pk)
    return journey


def journey_from_preset(*, actor: Actor, preset: Preset) -> Journey:
    """A new draft from a ready-made journey, under its own name or the next free one.

    Templates it sends that do not exist yet are made from the shipped starters, so that their texts can be edited.
    """
    name, number = preset.name, 2
    while Journey.objects.filter(name_token=name_token(name)).exists():
        name, number = f"{preset.name} {number}", number + 1
    url = settings.PUBLIC_URL + reverse("journeys:seen")
    with transaction.atomic():
        for template in preset.templates:
            if content_selectors.template_named(template.name) is None:
                design = blocks.dump(all_presets()[template.starter].design)
                content.template_create(actor=actor, name=template.name, data=template.data(design, url))
        return journey_create(actor=actor, name=name, about=preset.about, definition=preset.definition)


def draft_save(
    *,
    actor: Actor,
    journey: Journey,
    revision: int,
    definition: Definition | None = None,
    name: str | None = None,
    about: str | None = None,
    keep_approval: bool = False,
) -> Journey:
    """Save the draft's definition, name or description; what is None stays.

    ``revision`` is the one the editor saw. Raises ``DraftChanged`` when it is no longer the newest, ``NameTaken``;
    with ``keep_approval`` ``WouldVoid`` when the draft waits for approval or has passed it and its steps change.
    """
    with transaction.atomic():
        locked = Journey.objects.select_for_update().get(pk=journey.pk)
        if locked.revision != revision:
            raise DraftChanged(
                "journey.changed", "Somebody saved this journey meanwhile. The page shows the newest state."
            )
        data = locked.opened()
        fields = []
        if name is not None and clean_name(name) != data["name"]:
            data["name"] = clean_name(name)
            if Journey.objects.filter(name_token=name_token(name)).exclude(pk=locked.pk).exists():
                raise NameTaken("journey.name_taken", "A journey has this name already. Choose another.")
            locked.name_token = name_token(name)
            fields.append("name")
        if about is not None and about.strip()[:500] != data.get("about", ""):
            data["about"] = about.strip()[:500]
            fields.append("about")
        if definition is not None and to_json(parse(to_json(definition))) != data["draft"]:
            if keep_approval and approvals.at_stake(locked, parse(data["draft"])) is not None:
                raise WouldVoid
            data["undo"] = [*data.get("undo", []), data["draft"]][-UNDO_STEPS:]
            data["draft"] = to_json(definition)
            fields.append("draft")
        if not fields:
            return locked
        locked.revision += 1
        locked.changed_at = clock.now()
        _seal(locked, data)
        locked.save(update_fields=["name_token", "revision", "changed_at", "sealed"])
        audit.record(actor=actor, action=Action.JOURNEY_CHANGE, kind="journey", subject=locked.pk, fields=fields)
    return locked


def draft_undo(*, actor: Actor, journey: Journey, revision: int, keep_approval: bool = False) -> Journey:
    """Take back the last change of the draft's steps. Raises ``DraftChanged``; ``Refused`` when nothing is left.

    ``keep_approval`` as in ``draft_save``.
    """
    with transaction.atomic():
        locked = Journey.objects.select_for_update().get(pk=journey.pk)
        if locked.revision != revision:
            raise DraftChanged(
                "journey.changed", "Somebody saved this journey meanwhile. The page shows the newest state."
            )
        data = locked.opened()
        if not data.get("undo"):
            raise Refused("journey.nothing_to_undo", "There is nothing to undo.")
        if keep_approval and approvals.at_stake(locked, parse(data["draft"])) is not None:
            raise WouldVoid
        data["draft"] = data["undo"].pop()
        locked.revision += 1
        locked.changed_at = clock.now()
        _seal(locked, data)
        locked.save(update_fields=["revision", "changed_at", "sealed"])
        audit.record(actor=actor, action=Action.JOURNEY_CHANGE, kind="journey", subject=locked.pk, fields=["draft"])
    return locked


def clean_name(name: str) -> str:
    """The name with single spaces. Raises ``Refused`` for an empty or over-long one."""
    name = " ".join(name.split())
    if not name:
        raise Refused("journey.name_missing", "Give the journey a name.")
    if len(name) > 120:
        raise Refused("journey.name_too_long", "A name has at most 120 characters. Shorten it.")
    return name


def _seal(journey: Journey, data: dict[str, Any]) -> None:
    journey.sealed = sealing.seal_service(data, table="journey", row=journey.pk, version=journey.revision)
