"""Whose words a message has: they are not approved by whoever wrote them, whatever a colleague touched up since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from apps.approvals.two_people import Part
from apps.audit.actions import Action
from apps.content.models import Brand, Template, TemplateVersion
from apps.core.actors import Actor
from apps.core.permissions import Permission, allows

_WRITING = (Action.TEMPLATE_CREATE, Action.TEMPLATE_CHANGE)
_BRANDING = (Action.BRAND_SAVE,)


def parts(actor: Actor, version: TemplateVersion | None, brand: Brand | None) -> Iterator[Part]:
    """This text and its sender (None: the default one) as parts of what ``actor`` may have to decide about.

    Whoever edited one of the two since a second person last approved it is its author; ever, if nobody did. What
    notices say of the organization an administrator may decide alone, so that counts for nothing here either: a clinic
    of two would have nobody left who may approve.
    """
    if version is not None:
        yield from _text(version)
    sender = brand or default_brand()
    if sender is not None and not (may_steer(actor) and is_in_notices(sender)):
        yield Part(
            "brand",
            sender.pk,
            _BRANDING,
            lambda: f"You edited the brand “{sender.name}”, {_REASON}",
            beyond=sender.approved_version,
        )


def notice(template: Template) -> Part:
    """A notice, which is published without further approval: whoever edited it since the last time is its author."""
    return Part(
        "template",
        template.pk,
        _WRITING,
        lambda: "You edited this notice. It goes to every patient, so somebody else publishes it.",
        after=template.versions.filter(number=template.published).values_list("created_at", flat=True).first(),
    )


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


def _text(version: TemplateVersion) -> Iterator[Part]:
    def why() -> str:
        return f"You edited the template “{version.template.name}”, {_REASON}"

    approved = version.template.versions.filter(approved_at__isnull=False)
    last = approved.filter(number__lte=version.number).order_by("-number").first()
    if last is None or last.number < version.number:
        since = last.created_at if last is not None else None
        yield Part("template", version.template_id, _WRITING, why, after=since, until=version.created_at)
    # The template's choice of a brand belongs to no version: it counts as it is now.
    chosen = approved.order_by("-approved_at").first()
    since = chosen.approved_at if chosen is not None else None
    yield Part("template", version.template_id, _WRITING, why, after=since, field="brand")
