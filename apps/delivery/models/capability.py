"""What mailboxes can take: measured mail servers, and the keys people gave us."""

from __future__ import annotations

from django.db import models

from apps.contacts.models import Person
from apps.core import clock
from apps.core.classification import Kind, classify
from apps.mail.tls import TlsClass

KEY_TABLE = "delivery_recipientkey"


@classify(
    domain=Kind.PLAIN,
    operator=Kind.PLAIN,
    mx=Kind.PLAIN,
    tls_class=Kind.PLAIN,
    fault=Kind.PLAIN,
    measured_at=Kind.PLAIN,
)
class MailDomain(models.Model):
    """How a domain's mail server was last found: by a probe (EHLO, STARTTLS, QUIT) or by a delivery.

    Only the plan trusts it; what carries a message is measured again on its own connection.
    """

    domain = models.CharField(max_length=253, primary_key=True)
    operator = models.CharField(max_length=253, blank=True)
    mx = models.CharField(max_length=253, blank=True)
    tls_class = models.SmallIntegerField(null=True, choices=[(c.value, c.name.lower()) for c in TlsClass])
    fault = models.CharField(max_length=200, blank=True)
    measured_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"MailDomain {self.pk}"


@classify(
    id=Kind.PLAIN,
    person=Kind.PLAIN,
    kind=Kind.PLAIN,
    sealed=Kind.SEALED,
    expires=Kind.PLAIN,
    state=Kind.PLAIN,
    added_at=Kind.PLAIN,
)
class RecipientKey(models.Model):
    """A PGP key or S/MIME certificate of a person. Certificates are personal data: sealed under the profile
    key (material, fingerprint, algorithm, address, notes), so that erasing the person erases them.
    """

    class KeyState(models.TextChoices):
        ACTIVE = "active", "Active"
        REPLACED = "replaced", "Replaced"
        REMOVED = "removed", "Removed"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="keys")
    kind = models.CharField(max_length=5, choices=[("pgp", "PGP"), ("smime", "S/MIME")])
    sealed = models.BinaryField()
    expires = models.DateTimeField(null=True)
    state = models.CharField(max_length=8, choices=KeyState.choices, default=KeyState.ACTIVE)
    added_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "kind"], condition=models.Q(state="active"), name="one_active_key_of_a_kind"
            )
        ]

    def __str__(self) -> str:
        return f"RecipientKey {self.pk}"
