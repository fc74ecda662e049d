"""Writing templates, brands, skeletons and images."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from apps.approvals import two_people
from apps.audit.actions import Action
from apps.audit.services import record
from apps.content import authors, blocks, images, uses, variants
from apps.content.brands import COLOR
from apps.content.compiling import design_level
from apps.content.models import Asset, Brand, Skeleton, Template, TemplateRevision, TemplateVersion
from apps.content.own_fields import own_fields
from apps.content.presets import all_presets
from apps.content.selectors import name_token, skeleton_address
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.mail.compiled import CompiledMessage, UnsafeHeader
from apps.mail.encoders import v1
from apps.references import selectors as references
from apps.references import services as reference_services
from apps.references.models import Noun
from apps.vault import keys, sealing, tokens

KEPT_REVISIONS = 100
MAX_NAME = 80


class Stale(Refused):
    """Another tab or person saved meanwhile. Nothing was overwritten; `current` is the version now in force."""

    def __init__(self, current: int) -> None:
        self.current = current
        super().__init__(
            "template.changed",
            "This template was changed in another tab or by somebody else. Your last change was not saved here: "
            "load the newest version, or keep yours as a copy.",
        )


class NameTaken(Refused):
    """A living template of that name exists."""

    def __init__(self) -> None:
        super().__init__("template.name_taken", "There is already a template of that name. Choose another name.")


def _checked_name(name: str) -> str:
    text = " ".join(v1.canonical(name).split())
    if not text:
        raise Refused("template.name_missing", "Give the template a name.")
    if len(text) > MAX_NAME:
        raise Refused("template.name_too_long", f"The name is longer than {MAX_NAME} characters. Shorten it.")
    return text


def _next_id(model: type[Any]) -> int:
    """The next row id, before the row: the seal of a row names it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [model._meta.db_table])
        return int(cursor.fetchone()[0])


# templates


@transaction.atomic
def template_create(
    *,
    actor: Actor,
    name: str,
    data: Mapping[str, Any],
    kind: str = Template.Kinds.TEMPLATE,
    brand: Brand | None = None,
    copy_of: int | None = None,
) -> Template:
    """A new draft from blocks JSON; `copy_of` is the template that was copied. Raises `BadTemplate`, `NameTaken`."""
    name = _checked_name(name)
    design = blocks.parse(data)
    token = name_token(name)
    if Template.objects.living().filter(name_token=token).exists():
        raise NameTaken
    now, pk = clock.now(), _next_id(Template)
    template = Template(
        pk=pk,
        sealed=sealing.seal_service({"name": name}, table=Template.TABLE, row=pk),
        name_token=token,
        kind=kind,
        level=design_level(design, own_fields()),
        brand=brand,
        created_at=now,
        updated_at=now,
    )
    try:
        with transaction.atomic():
            template.save(force_insert=True)
    except IntegrityError:  # somebody took the name since we looked
        raise NameTaken from None
    _revise(template, 1, blocks.dump(design))
    uses.uses_write(template)
    codes: dict[str, Any] = {"kind": str(kind)}
    if copy_of is not None:
        codes["copy_of"] = copy_of
    record(actor=actor, action=Action.TEMPLATE_CREATE, kind="template", subject=pk, codes=codes)
    return template


def _revise(template: Template, number: int, data: Mapping[str, Any]) -> None:
    TemplateRevision(
        template=template,
        number=number,
        sealed=sealing.seal_service(data, table=TemplateRevision.TABLE, row=f"{template.pk}:{number}"),
        created_at=clock.now(),
    ).save(force_insert=True)


def _locked(template_id: int, version: int | None) -> Template:
    """The template, locked, if it is still at `version`. Raises `Stale`, `Refused`."""
    template = Template.objects.select_for_update().filter(pk=template_id).first()
    if template is None or template.status == Template.Status.ARCHIVED:
        raise Refused("template.unknown", "That template is not there any more. Go back to the list.")
    if version is not None and template.version != version:
        raise Stale(template.version)
    return template


Edit = Callable[[dict[str, Any]], Mapping[str, Any]]


@transaction.atomic
def template_save(*, actor: Actor, template_id: int, version: int | None, edit: Edit) -> Template:
    """Autosave: apply `edit` (blocks JSON in, blocks JSON out) to the draft as one revision.

    `version` is the one the editor showed; a template changed since raises `Stale` and stays as it is. None
    saves unseen (the command line). An edit that changes nothing saves nothing. Raises `BadTemplate`.
    """
    template = _locked(template_id, version)
    before = template.revisions.get(number=template.revision).data
    design = variants.aged(blocks.parse(before), blocks.parse(edit(before)))
    after = blocks.dump(design)
    if after == before:
        return template
    # What was undone is gone once something new is written.
    template.revisions.filter(number__gt=template.revision).delete()
    template.revisions.filter(number__lte=template.revision - KEPT_REVISIONS).delete()
    template.revision += 1
    template.last_revision = template.revision
    _revise(template, template.revision, after)
    template.level = design_level(design, own_fields())
    _changed(actor, template, ["design"])
    return template


def _changed(actor: Actor, template: Template, fields: list[str]) -> None:
    template.version += 1
    template.updated_at = clock.now()
    if template.status == Template.Status.PUBLISHED:
        template.status = Template.Status.DRAFT
    template.save()
    uses.uses_write(template)
    codes = {"revision": template.revision}
    record(actor=actor, action=Action.TEMPLATE_CHANGE, kind="template", subject=template.pk, fields=fields, codes=codes)


@transaction.atomic
def template_step_back(*, actor: Actor, template_id: int, version: int, steps: int) -> Template:
    """Undo (``steps=1``) or redo (``steps=-1``). At either end nothing happens."""
    template = _locked(template_id, version)
    target = template.revision - steps
    found = template.revisions.filter(number=target).first()
    if found is None:
        return template
    template.revision = target
    template.level = design_level(blocks.parse(found.data), own_fields())
    _changed(actor, template, ["design"])
    return template


@transaction.atomic
def template_rename(*, actor: Actor, template_id: int, name: str) -> Template:
    """Another name. Raises `NameTaken`."""
    template = _locked(template_id, None)
    name = _checked_name(name)
    token = name_token(name)
    if Template.objects.living().filter(name_token=token).exclude(pk=template_id).exists():
        raise NameTaken
    template.name_token = token
    template.sealed = sealing.seal_service({"name": name}, table=Template.TABLE, row=template.pk)
    try:
        with transaction.atomic():
            template.save(update_fields=["name_token", "sealed"])
    except IntegrityError:  # somebody took the name since we looked
        raise NameTaken from None
    record(actor=actor, action=Action.TEMPLATE_CHANGE, kind="template", subject=template.pk, fields=["name"])
    return template


@transaction.atomic
def template_brand(*, actor: Actor, template_id: int, brand: Brand | None, version: int | None = None) -> Template:
    """Another brand, or None for the default one. ``version``: see ``template_save``."""
    template = _locked(template_id, version)
    if template.kind != Template.Kinds.TEMPLATE and template.published and not authors.may_steer(actor):
        raise Refused(
            "notice.brand_not_allowed",
            "This notice goes to every patient as it is, so an administrator chooses its brand.",
        )
    template.brand = brand
    _changed(actor, template, ["brand"])
    return template


def free_name(name: str) -> str:
    """`name`, or ``name (2)`` and so on when it is taken."""
    wanted, number = name[: MAX_NAME - 6], 2
    shown = wanted
    while Template.objects.living().filter(name_token=name_token(shown)).exists():
        shown = f"{wanted} ({number})"
        number += 1
    return shown


@transaction.atomic
def template_duplicate(
    *, actor: Actor, template_id: int, revision: int | None = None, edit: Edit | None = None
) -> Template:
    """A copy of the draft, or of an older revision with an edit on top: how a stale tab keeps its work."""
    source = Template.objects.get(pk=template_id)
    found = source.revisions.filter(number=revision or source.revision).first()
    data = (found or source.revisions.get(number=source.revision)).data
    if edit is not None:
        data = dict(edit(data))
    name = free_name(f"Copy of {source.name}")
    return template_create(actor=actor, name=name, data=data, kind=source.kind, brand=source.brand, copy_of=source.pk)


@transaction.atomic
def template_publish(*, actor: Actor, template_id: int, version: int | None = None) -> TemplateVersion:
    """Freeze the draft as an immutable version. Publishing the same content again returns the version there
    is.

    A notice goes to every patient without further approval, so a second person publishes it: raises ``Refused`` for
    whoever edited it since it was last published.
    """
    template = _locked(template_id, version)
    seen_by_two = template.kind != Template.Kinds.TEMPLATE and actor.kind == "staff"
    if seen_by_two and (why := two_people.why_not(actor, [authors.notice(template)])):
        raise Refused("approval.own_work", why)
    data = template.revisions.get(number=template.revision).data
    design = variants.unmarked(blocks.parse(data))
    payload = {"name": template.name, "design": blocks.dump(design)}
    content = json.dumps(payload["design"], sort_keys=True, ensure_ascii=True)
    token = tokens.token128("template-content", content)
    last = template.versions.order_by("-number").first()
    if last is not None and bytes(last.content_token) == token:
        published = last
    else:
        number = (last.number if last else 0) + 1
        published = TemplateVersion(
            template=template,
            number=number,
            sealed=sealing.seal_service(payload, table=TemplateVersion.TABLE, row=f"{template.pk}:{number}"),
            content_token=token,
            level=design.level,
            created_at=clock.now(),
            created_by=str(actor),
        )
        published.save(force_insert=True)
    template.published = published.number
    template.status = Template.Status.PUBLISHED
    template.save(update_fields=["published", "status"])
    uses.uses_write(template)
    codes = {"version": published.number}
    record(actor=actor, action=Action.TEMPLATE_PUBLISH, kind="template", subject=template.pk, codes=codes)
    return published


@transaction.atomic
def words_approve(*, version: TemplateVersion | None, brand: Brand | None) -> None:
    """Note that a second person approves this text and sender (None: the default one) as they are now.

    Part of approving what sends them, in its transaction and on the trail with it; until that ends nobody changes
    the brand, so the caller looks at it after this.
    """
    if version is not None:
        TemplateVersion.objects.filter(pk=version.pk).update(approved_at=clock.now())
    sender = Brand.objects.filter(pk=brand.pk) if brand is not None else Brand.objects.filter(is_default=True)
    sender.update(approved_version=F("version"))


@transaction.atomic
def template_archive(*, actor: Actor, template_id: int) -> None:
    """Delete, for people: it leaves the lists. Its versions stay, because messages were made from them."""
    template = _locked(template_id, None)
    if found := references.used_by(Noun.TEMPLATE, template_id):
        raise Refused(
            "template.in_use",
            f"This template is used by {len(found)} {'other' if len(found) > 1 else found[0].kind.lower()}"
            f"{' objects' if len(found) > 1 else ''}. Change or finish them first, then delete it.",
        )
    template.status = Template.Status.ARCHIVED
    template.save(update_fields=["status"])
    reference_services.references_delete(kind=Noun.TEMPLATE, ids=[template.pk])
    record(actor=actor, action=Action.TEMPLATE_ARCHIVE, kind="template", subject=template.pk)


def presets_install(*, actor: Actor) -> list[Template]:
    """Every shipped template that is not there yet, as a published template of its own."""
    made = []
    for starter in all_presets().values():
        if Template.objects.living().filter(name_token=name_token(starter.name)).exists():
            continue
        template = template_create(actor=actor, name=starter.name, data=blocks.dump(starter.design), kind=starter.kind)
        template_publish(actor=actor, template_id=template.pk)
        template.refresh_from_db()
        made.append(template)
    return made


# brands


@transaction.atomic
def brand_save(
    *,
    actor: Actor,
    brand: Brand | None = None,
    data: Mapping[str, str],
    is_default: bool = False,
    version: int | None = None,
) -> Brand:
    """Create or change a brand. `version` is the one the editor showed; None saves unseen (the command line).

    Raises `Refused` when somebody else was faster, or when its addresses or colors cannot be used.
    """
    if brand is not None:
        brand = Brand.objects.select_for_update().get(pk=brand.pk)
        if version is not None and version != brand.version:
            raise Refused(
                "brand.changed", "Somebody else changed this brand meanwhile. Open it anew to see their version."
            )
    facts = {name: " ".join(str(data.get(name, "")).split()) for name in BRAND_FIELDS}
    if not facts["name"]:
        raise Refused("brand.name_missing", "Give the brand a name.")
    facts["from_name"] = facts["from_name"] or facts["name"]
    for name in ("from_address", "reply_to"):
        if facts[name] or name == "from_address":
            try:
                facts[name] = v1.mailbox_text(facts[name])
            except UnsafeHeader:
                word = "from-address" if name == "from_address" else "reply-to address"
                raise Refused("address.malformed", f"The {word} is not an e-mail address. Correct it.") from None
    for name in ("primary", "page"):
        if facts[name] and not COLOR.match(facts[name]):
            raise Refused("brand.color_malformed", "Colors are written like #0b5cad. Correct the color.")
    token = tokens.token63("brand-name", tokens.normalize(facts["name"]))
    others = Brand.objects.select_for_update().exclude(pk=brand.pk if brand else 0)
    if others.filter(name_token=token).exists():
        raise Refused("brand.name_taken", "There is already a brand of that name. Choose another name.")
    taken, was = others.filter(is_default=True).exists(), brand is not None and brand.is_default
    if not authors.may_steer(actor) and ((is_default and not was) or (brand and authors.steers_notices(brand, facts))):
        raise Refused("brand.in_notices", STEERED)
    # The first one is what notices come from by itself, when somebody makes it who may decide that.
    is_default = is_default or was or (not taken and authors.may_steer(actor))
    if is_default:
        others.filter(is_default=True).update(is_default=False)
    pk = brand.pk if brand else _next_id(Brand)
    number = brand.version + 1 if brand else 1
    saved = Brand(
        pk=pk,
        sealed=sealing.seal_service(facts, table=Brand.TABLE, row=pk, version=number),
        name_token=token,
        is_default=is_default,
        version=number,
        approved_version=brand.approved_version if brand else 0,
    )
    saved.save(force_insert=brand is None)
    codes = {"version": number}
    record(actor=actor, action=Action.BRAND_SAVE, kind="brand", subject=pk, fields=sorted(facts), codes=codes)
    return saved


STEERED = (
    "Notices to every patient come from the default brand, so an administrator decides which that is, and what it says "
    "of who writes and whom to call. You may change its colors and logo, or add a brand for campaigns."
)
BRAND_FIELDS = (
    "name",
    "from_name",
    "from_address",
    "reply_to",
    "postal_address",
    "phone",
    "primary",
    "page",
    "logo",
)


# skeletons


@transaction.atomic
def skeleton_store(*, actor: Actor, compiled: CompiledMessage) -> Skeleton:
    """Keep a compiled message; the same content is kept once, whoever stores it.

    A message in several languages is kept whole, and each further language as a skeleton of its own besides: a message
    that was sent names the skeleton of its language, and with it alone it can be rebuilt.
    """
    for variant in compiled.variants:
        skeleton_store(actor=actor, compiled=variant)
    raw = compiled.dump()
    address = skeleton_address(compiled)
    found = Skeleton.objects.filter(address=address).first()
    if found is not None:
        return found
    skeleton = Skeleton(
        address=address,
        sealed=sealing.seal_service(raw.decode("ascii"), table=Skeleton.TABLE, row=address.hex()),
        size=len(raw),
        created_at=clock.now(),
    )
    skeleton.save(force_insert=True)
    record(actor=actor, action=Action.SKELETON_STORE, kind="skeleton", subject=skeleton.pk)
    return skeleton


# images


@transaction.atomic
def asset_upload(*, actor: Actor, data: bytes, file_name: str, alt: str = "") -> Asset:
    """Put an image into the library; the same image is kept once. Raises `NotAnImage`."""
    image = images.inspect(data)
    digest = tokens.token128("asset", image.data.hex())
    found = Asset.objects.filter(digest=digest).first()
    if found is not None:
        return found
    name = f"{secrets.token_urlsafe(16)}.{image.extension}"
    facts = {"file_name": v1.canonical(file_name)[:120], "alt": " ".join(v1.canonical(alt).split())[:300]}
    asset = Asset(
        name=name,
        digest=digest,
        sealed=sealing.seal_service(facts, table=Asset.TABLE, row=name),
        media_type=image.media_type,
        size=len(image.data),
        width=image.width,
        height=image.height,
        created_at=clock.now(),
    )
    asset.save(force_insert=True)
    blob = sealing.seal_bytes(_service_key(), image.data, table=Asset.TABLE, row=name, epoch=sealing.SERVICE_KEY)
    stored = default_storage.save(f"assets/{name}", ContentFile(blob))
    if stored != f"assets/{name}":
        raise Refused("image.not_stored", "The image could not be stored under its name. Try again.")
    record(actor=actor, action=Action.ASSET_UPLOAD, kind="asset", subject=asset.pk, codes={"bytes": asset.size})
    return asset


def _service_key() -> bytes:
    return keys.ring().service
