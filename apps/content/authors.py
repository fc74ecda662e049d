"""Whose words a message has: they are not approved by whoever wrote them, whatever a colleague touched up since."""

from __future__ import annotations

from collections.abc import Mapping

from apps.audit import selectors as trail
from apps.audit.actions import Action
from apps.content.models import Brand, Template, TemplateVersion
from apps.core.actors import Actor
from apps.core.permissions import Permission, allows

_WRITING = (Action.TEMPLATE_CREATE, Action.TEMPLATE_CHANGE)
_BRANDING = (Action.BRAND_SAVE,)


def why_not(actor: Actor, version: TemplateVersion | None, brand: Brand | None) -> str:
    """Why ``actor`` must leave the decision about this text and sender to somebody else, or "".

    They edited one of the two since a second person last approved it; ever, if nobody did. ``brand`` None is the
    default one.
    """
    if version is not None and _wrote(actor, version):
        return f"You edited the template “{version.template.name}”, {_REASON}"
    brand = brand or default_brand()
    if brand is not None and trail.acted(
        actor=actor, actions=_BRANDING, kind="brand", subject=brand.pk, beyond=brand.approved_version
    ):
        return f"You edited the brand “{brand.name}”, {_REASON}"
    return ""


_REASON = "and nobody else approved that yet, so somebody else has to decide about it."


# What of a brand leads a reader somewhere, or says who writes; the rest is colors.
_STEERING = ("name", "from_name", "from_address", "reply_to", "postal_address", "phone")


def may_steer(actor: Actor) -> bool:
    """Whether ``actor`` may decide alone what notices say about who writes and whom to call.

    Notices go to every patient as they are now, without an approval, so this is the organization's own business.
    """
    return actor.kind != "staff" or allows(actor.role, Permission.ORGANIZATION_EDIT)


def steers_notices(brand: Brand, facts: Mapping[str, str]) -> bool:
    """Whether ``facts`` would change what notices say about who writes and whom to call."""
    before = brand.opened
    return any(before.get(name, "") != facts.get(name, "") for name in _STEERING) and is_in_notices(brand)


def is_in_notices(brand: Brand) -> bool:
    """Whether notices come from this brand: it is the default one, or a published notice chose it."""
    notices = Template.objects.living().filter(kind=Template.Kinds.NOTICE, published__gt=0)
    return brand.is_default or notices.filter(brand=brand).exists()


def default_brand() -> Brand | None:
    """The sender of whatever names none."""
    return Brand.objects.filter(is_default=True).first()


def _wrote(actor: Actor, version: TemplateVersion) -> bool:
    approved = version.template.versions.filter(approved_at__isnull=False)
    last = approved.filter(number__lte=version.number).order_by("-number").first()
    if (last is None or last.number < version.number) and trail.acted(
        actor=actor,
        actions=_WRITING,
        kind="template",
        subject=version.template_id,
        after=last.created_at if last is not None else None,
        until=version.created_at,
    ):
        return True
    # The template's choice of a brand belongs to no version: it counts as it is now.
    chosen = approved.order_by("-approved_at").first()
    return trail.acted(
        actor=actor,
        actions=_WRITING,
        kind="template",
        subject=version.template_id,
        after=chosen.approved_at if chosen is not None else None,
        field="brand",
    )
