"""Who uses what: one row for each way in which one object uses another. Ids and code words alone."""

from __future__ import annotations

from django.db import models

from apps.core.classification import Kind, classify


class Noun(models.TextChoices):
    """Kinds of objects that use or are used."""

    ATTRIBUTE = "attribute", "Attribute"
    SEGMENT = "segment", "Segment"
    TEMPLATE = "template", "Template"
    BRAND = "brand", "Brand"
    CAMPAIGN = "campaign", "Campaign"
    JOURNEY = "journey", "Journey"
    IMPORT = "import", "Import"
    TAG = "tag", "Tag"


class Place(models.TextChoices):
    """How an object uses another."""

    RULE = "rule", "A rule asks for it"
    AUDIENCE = "audience", "It says who gets the message"
    EXCLUDED = "excluded", "Its people are left out"
    TRIGGER = "trigger", "It lets people in"
    MESSAGE = "message", "It is sent"
    SENDER = "sender", "Messages come from it"
    MERGED = "merged", "It is merged into a text"
    WRITTEN = "written", "It is given a value"


@classify(
    id=Kind.PLAIN,
    user_kind=Kind.PLAIN,
    user_id=Kind.PLAIN,
    used_kind=Kind.PLAIN,
    used_id=Kind.PLAIN,
    place=Kind.PLAIN,
)
class Reference(models.Model):
    """``user`` uses ``used`` in one way. No foreign keys: the apps of both sides stand above this one.

    Written in the transaction that saves the user, so it is never older or newer than what it is about.
    """

    user_kind = models.CharField(max_length=12, choices=Noun.choices)
    user_id = models.BigIntegerField()
    used_kind = models.CharField(max_length=12, choices=Noun.choices)
    used_id = models.BigIntegerField()
    place = models.CharField(max_length=10, choices=Place.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user_kind", "user_id", "used_kind", "used_id", "place"], name="reference_once"
            )
        ]
        indexes = [models.Index(fields=["used_kind", "used_id"], name="reference_used")]

    def __str__(self) -> str:
        return f"Reference {self.pk}"
