"""Brands, templates and their versions, skeletons, assets. Names and contents are sealed under the service
key.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from apps.content.blocks import Design, parse
from apps.content.brands import BrandFacts
from apps.content.fields import MergeField
from apps.core.classification import Kind, classify
from apps.vault import sealing


@classify(
    id=Kind.PLAIN,
    sealed=Kind.SEALED,
    name_token=Kind.TOKEN,
    is_default=Kind.PLAIN,
    version=Kind.PLAIN,
    approved_version=Kind.PLAIN,
    updated_at=Kind.PLAIN,
)
class Brand(models.Model):
    """A sender and its look.

    Sealed: name, from_name, from_address, reply_to, postal_address, phone, primary, page, logo (an asset's
    name). An empty postal address or phone means the organization's own.
    """

    TABLE = "content_brand"

    sealed = models.BinaryField()
    name_token = models.BigIntegerField(unique=True)
    is_default = models.BooleanField(default=False)
    version = models.IntegerField(default=1)
    # The last version that a second person approved in a campaign or journey; 0 for none.
    approved_version = models.IntegerField(default=0, db_default=0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_default"], condition=Q(is_default=True), name="one_default_brand")
        ]

    def __str__(self) -> str:
        return f"Brand {self.pk}"

    @property
    def opened(self) -> dict[str, Any]:
        """Its sealed facts."""
        if not hasattr(self, "_opened"):
            self._opened: dict[str, Any] = sealing.open_service(
                self.sealed, table=self.TABLE, row=self.pk, version=self.version
            )
        return self._opened

    @property
    def name(self) -> str:
        return str(self.opened["name"])

    def facts(
        self,
        *,
        postal_address: str,
        phone: str,
        portal: str,
        asset_base: str,
        portal_url: str = "",
        own: tuple[MergeField, ...] = (),
    ) -> BrandFacts:
        """As the compiler wants it; the arguments are the organization's, used where the brand has none."""
        data = self.opened
        return BrandFacts(
            name=data["name"],
            from_name=data["from_name"],
            from_address=data["from_address"],
            reply_to=data.get("reply_to", ""),
            postal_address=data.get("postal_address") or postal_address,
            phone=data.get("phone") or phone,
            primary=data.get("primary") or "#0b5cad",
            page=data.get("page") or "#f4f6f9",
            logo=f"asset:{data['logo']}" if data.get("logo") else "",
            portal=portal,
            portal_url=portal_url,
            asset_base=asset_base,
            own=own,
        )


class TemplateQuerySet(models.QuerySet["Template"]):
    def living(self) -> TemplateQuerySet:
        """Those not archived."""
        return self.exclude(status=Template.Status.ARCHIVED)


@classify(
    id=Kind.PLAIN,
    sealed=Kind.SEALED,
    name_token=Kind.TOKEN,
    kind=Kind.PLAIN,
    status=Kind.PLAIN,
    level=Kind.PLAIN,
    version=Kind.PLAIN,
    revision=Kind.PLAIN,
    last_revision=Kind.PLAIN,
    brand=Kind.PLAIN,
    published=Kind.PLAIN,
    created_at=Kind.PLAIN,
    updated_at=Kind.PLAIN,
)
class Template(models.Model):
    """A design that people work on. Sealed: name.

    `level` is the most a copy can come to; a message has the level of what was merged for its recipient.
    Its content is the revision `revision`; undo and redo move that number, an edit after an undo drops the
    revisions behind it. `version` counts every change and is what an editor must name to be allowed to save.
    """

    TABLE = "content_template"

    class Kinds(models.TextChoices):
        TEMPLATE = "template"
        NOTICE = "notice"
        ACCOUNT = "account"

    class Status(models.TextChoices):
        DRAFT = "draft"
        PUBLISHED = "published"
        ARCHIVED = "archived"

    sealed = models.BinaryField()
    name_token = models.BigIntegerField()
    kind = models.CharField(max_length=10, choices=Kinds, default=Kinds.TEMPLATE)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    level = models.SmallIntegerField(default=0)
    version = models.IntegerField(default=1)
    revision = models.IntegerField(default=1)
    last_revision = models.IntegerField(default=1)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, null=True)
    published = models.IntegerField(default=0)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = TemplateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name_token"], condition=~Q(status="archived"), name="one_living_template_a_name"
            ),
            models.CheckConstraint(condition=Q(level__gte=0, level__lte=3), name="template_level"),
            models.CheckConstraint(condition=Q(revision__lte=models.F("last_revision")), name="template_revision"),
        ]

    def __str__(self) -> str:
        return f"Template {self.pk}"

    @property
    def name(self) -> str:
        data = sealing.open_service(self.sealed, table=self.TABLE, row=self.pk)
        return str(data["name"])

    @property
    def pk_text(self) -> str:
        """Its id as text, for ids of elements."""
        return str(self.pk)


@classify(id=Kind.PLAIN, template=Kind.PLAIN, number=Kind.PLAIN, sealed=Kind.SEALED, created_at=Kind.PLAIN)
class TemplateRevision(models.Model):
    """One saved state of a draft, as blocks JSON. Old ones make undo, and rescue what a stale tab holds."""

    TABLE = "content_templaterevision"

    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="revisions")
    number = models.IntegerField()
    sealed = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["template", "number"], name="one_revision_a_number")]

    def __str__(self) -> str:
        return f"TemplateRevision {self.pk}"

    @property
    def data(self) -> dict[str, Any]:
        """The blocks JSON."""
        opened: dict[str, Any] = sealing.open_service(
            self.sealed, table=self.TABLE, row=f"{self.template_id}:{self.number}"
        )
        return opened


@classify(
    id=Kind.PLAIN,
    template=Kind.PLAIN,
    number=Kind.PLAIN,
    sealed=Kind.SEALED,
    content_token=Kind.TOKEN,
    level=Kind.PLAIN,
    created_at=Kind.PLAIN,
    created_by=Kind.PLAIN,
    approved_at=Kind.PLAIN,
)
class TemplateVersion(models.Model):
    """A published state: what campaigns and journeys point at. Sealed: name and design, which never change.

    `approved_at`: when a second person last approved a campaign or journey that sends it.
    """

    TABLE = "content_templateversion"

    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="versions")
    number = models.IntegerField()
    sealed = models.BinaryField()
    content_token = models.BinaryField(max_length=16)
    level = models.SmallIntegerField(default=0)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=40)
    approved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["template", "number"], name="one_version_a_number")]

    def __str__(self) -> str:
        return f"TemplateVersion {self.pk}"

    @property
    def opened(self) -> dict[str, Any]:
        """``name`` and ``design`` (blocks JSON)."""
        data: dict[str, Any] = sealing.open_service(
            self.sealed, table=self.TABLE, row=f"{self.template_id}:{self.number}"
        )
        return data

    @property
    def design(self) -> Design:
        """The design, checked again on the way out."""
        return parse(self.opened["design"])


@classify(id=Kind.PLAIN, address=Kind.TOKEN, sealed=Kind.SEALED, size=Kind.PLAIN, created_at=Kind.PLAIN)
class Skeleton(models.Model):
    """A compiled message, addressed by a keyed hash of its content and never changed. Rebuilding needs it."""

    TABLE = "content_skeleton"

    address = models.BinaryField(max_length=16, unique=True)
    sealed = models.BinaryField()
    size = models.IntegerField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Skeleton {self.pk}"


@classify(
    id=Kind.PLAIN,
    name=Kind.PLAIN,
    digest=Kind.TOKEN,
    sealed=Kind.SEALED,
    media_type=Kind.PLAIN,
    size=Kind.PLAIN,
    width=Kind.PLAIN,
    height=Kind.PLAIN,
    created_at=Kind.PLAIN,
)
class Asset(models.Model):
    """An image of the library. Its file lies sealed in storage under `name`; sealed here: file name,
    description.

    `name` is random and is the public address; it says nothing about who opens it and nothing is counted.
    """

    TABLE = "content_asset"

    name = models.CharField(max_length=40, unique=True)
    digest = models.BinaryField(max_length=16, unique=True)
    sealed = models.BinaryField()
    media_type = models.CharField(max_length=20)
    size = models.IntegerField()
    width = models.IntegerField()
    height = models.IntegerField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Asset {self.pk}"

    @property
    def opened(self) -> dict[str, Any]:
        """``file_name`` and ``alt``."""
        data: dict[str, Any] = sealing.open_service(self.sealed, table=self.TABLE, row=self.name)
        return data
