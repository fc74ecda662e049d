"""A person: sealed bytes in one table, search values in another, identities in a third."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from apps.core import clock
from apps.core.classification import Kind, classify
from apps.jobs.models import LEASED, LeasedJob

PERSON_TABLE = "contacts_person"


@classify(
    id=Kind.PLAIN,
    kek_id=Kind.PLAIN,
    wrapped_profile=Kind.SEALED,
    wrapped_record=Kind.SEALED,
    sealed=Kind.SEALED,
    version=Kind.PLAIN,
    created_at=Kind.PLAIN,
    erased_at=Kind.PLAIN,
    merged_into=Kind.PLAIN,
)
class Person(models.Model):
    """Wrapped keys and the sealed profile. No index but the key.

    ``sealed`` is the profile (see the app's README) under the profile key, bound to ``version``. An erased person
    has neither profile key nor profile; the record key stays for what the law makes us keep. A record that was merged
    into another (``merged_into``) is one of these to everything that decides; ``PersonMerge`` has what an undo needs.
    """

    kek_id = models.SmallIntegerField()
    wrapped_profile = models.BinaryField(null=True)
    wrapped_record = models.BinaryField()
    sealed = models.BinaryField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)
    erased_at = models.DateTimeField(null=True)
    merged_into = models.ForeignKey(
        "self", null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="former"
    )

    class Meta:
        indexes = [
            models.Index(fields=["merged_into"], condition=Q(merged_into__isnull=False), name="person_merged_into")
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | Q(erased_at__isnull=False), name="merged_person_is_closed"
            ),
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True, wrapped_profile__isnull=False, sealed__isnull=False)
                | Q(erased_at__isnull=False, wrapped_profile__isnull=True, sealed__isnull=True),
                name="erased_person_has_no_profile",
            ),
        ]

    def __str__(self) -> str:
        return f"Person {self.pk}"


@classify(
    person=Kind.PLAIN,
    tokens=Kind.TOKEN,
    birth_day=Kind.TOKEN,
    birth_month_day=Kind.TOKEN,
    s0=Kind.TOKEN,
    s1=Kind.TOKEN,
    s2=Kind.TOKEN,
    s3=Kind.TOKEN,
    s4=Kind.TOKEN,
    s5=Kind.TOKEN,
    s6=Kind.TOKEN,
    s7=Kind.TOKEN,
    generation=Kind.PLAIN,
)
class PersonSearch(models.Model):
    """Search values. The date and number slots have no index, so that changing one stays a HOT update."""

    person = models.OneToOneField(Person, primary_key=True, on_delete=models.CASCADE, related_name="search")
    tokens = ArrayField(models.BigIntegerField(), default=list)
    birth_day = models.BigIntegerField(null=True)
    birth_month_day = models.BigIntegerField(null=True)
    s0 = models.BigIntegerField(null=True)
    s1 = models.BigIntegerField(null=True)
    s2 = models.BigIntegerField(null=True)
    s3 = models.BigIntegerField(null=True)
    s4 = models.BigIntegerField(null=True)
    s5 = models.BigIntegerField(null=True)
    s6 = models.BigIntegerField(null=True)
    s7 = models.BigIntegerField(null=True)
    generation = models.SmallIntegerField(default=1)

    class Meta:
        indexes = [GinIndex(fields=["tokens"], name="person_tokens")]

    def __str__(self) -> str:
        return f"PersonSearch {self.pk}"


@classify(id=Kind.PLAIN, kind=Kind.PLAIN, token=Kind.TOKEN, person=Kind.PLAIN)
class PersonIdentity(models.Model):
    """Exact look-ups by 128-bit token. A record number is one person's; a mailbox may be a household's.

    Addresses and telephones beside the primary ones are kinds of their own: they are found, and nothing rests on them
    (no suppression, no portal, no match of an import).
    """

    class IdentityKind(models.IntegerChoices):
        EMAIL = 1
        PHONE = 2
        MRN = 3
        EXTERNAL = 4
        OTHER_EMAIL = 5
        OTHER_PHONE = 6

    kind = models.SmallIntegerField(choices=IdentityKind.choices)
    token = models.BinaryField(max_length=16)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="identities")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "token", "person"], name="identity_once_per_person"),
            models.UniqueConstraint(
                fields=["kind", "token"], condition=Q(kind__in=[3, 4]), name="record_number_is_one_person"
            ),
        ]

    def __str__(self) -> str:
        return f"PersonIdentity {self.pk}"


@classify(id=Kind.PLAIN, generation=Kind.PLAIN, state=Kind.PLAIN, after=Kind.PLAIN, **LEASED)
class SearchRenewal(LeasedJob):
    """Everybody's search values brought to a generation, behind what was written before an upgrade.

    ``done`` of ``total`` people are behind it, up to the id ``after``. One row a generation, for ever: it says that
    nobody has older values, without looking through all of them.
    """

    class State(models.TextChoices):
        RUNNING = "running", "Renewing"
        DONE = "done", "Renewed"
        FAILED = "failed", "Failed"

    UNDER_WAY = (State.RUNNING,)

    generation = models.SmallIntegerField(unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    after = models.BigIntegerField(default=0)
