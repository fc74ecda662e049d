"""Tags, and which people have them."""

from __future__ import annotations

from typing import Any

from django.db import models

from apps.core import clock
from apps.core.classification import Kind, classify
from apps.jobs.models import SEALED, SealedJob
from apps.vault import sealing

TAG_TABLE = "contacts_tag"
TAG_JOB_TABLE = "contacts_tagjob"


@classify(id=Kind.PLAIN, name_token=Kind.TOKEN, sealed=Kind.SEALED, version=Kind.PLAIN, created_at=Kind.PLAIN)
class Tag(models.Model):
    """``sealed`` (service key) holds name, description and level: each of them may tell a condition."""

    name_token = models.BinaryField(max_length=16, unique=True)
    sealed = models.BinaryField()
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"Tag {self.pk}"

    def opened(self) -> dict[str, Any]:
        """The sealed part."""
        found: dict[str, Any] = sealing.open_service(self.sealed, table=TAG_TABLE, row=self.pk, version=self.version)
        return found


@classify(pk=Kind.PLAIN, tag_id=Kind.PLAIN, person_id=Kind.PLAIN, import_id=Kind.PLAIN)
class PersonTag(models.Model):
    """One person has one tag; the key finds the people of a tag, the index the tags of a person.

    ``import_id`` is the import that gave it, so that its undo takes it back. No foreign keys: tags are given to a
    million people at once, and whoever writes holds tag and people (``tags.services``).
    """

    pk = models.CompositePrimaryKey("tag_id", "person_id")
    tag_id = models.BigIntegerField()
    person_id = models.BigIntegerField()
    import_id = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["person_id"], name="person_tag_person")]

    def __str__(self) -> str:
        return f"PersonTag {self.tag_id} {self.person_id}"


@classify(
    id=Kind.PLAIN,
    tag_id=Kind.PLAIN,
    act=Kind.PLAIN,
    source=Kind.PLAIN,
    source_id=Kind.PLAIN,
    state=Kind.PLAIN,
    after=Kind.PLAIN,
    changed=Kind.PLAIN,
    **SEALED,
)
class TagJob(SealedJob):
    """One tag given to many people, or taken from them; ``done`` of ``total`` people are behind it, up to ``after``.

    For ``changed`` of them that changed something. ``sealed`` (service key) holds what the list was searched for, the
    ids of those who were chosen, and what went wrong.
    """

    class Act(models.TextChoices):
        ADD = "add", "Add"
        REMOVE = "remove", "Remove"

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Canceled"
        FAILED = "failed", "Failed"

    UNDER_WAY = (State.RUNNING,)

    tag_id = models.BigIntegerField()
    act = models.CharField(max_length=6, choices=Act.choices)
    source = models.CharField(max_length=12)  # "list", "chosen", or what a higher layer registered ("segment")
    source_id = models.BigIntegerField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    after = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(default=0)
