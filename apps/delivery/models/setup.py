"""How this installation sends: settings of delivery, and the keys that sign."""

from __future__ import annotations

from django.db import models

from apps.core import clock
from apps.core.classification import Kind, classify

SETTINGS_TABLE = "delivery_deliverysettings"
DKIM_TABLE = "delivery_dkimkey"


@classify(id=Kind.PLAIN, sealed=Kind.SEALED, version=Kind.PLAIN, updated_at=Kind.PLAIN)
class DeliverySettings(models.Model):
    """One row. Sealed under the service key; its form is `setup.Setup`."""

    sealed = models.BinaryField()
    version = models.IntegerField(default=1)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_delivery_settings")]

    def __str__(self) -> str:
        return f"DeliverySettings {self.pk}"


@classify(
    id=Kind.PLAIN,
    domain=Kind.PLAIN,
    selector=Kind.PLAIN,
    kind=Kind.PLAIN,
    sealed=Kind.SEALED,
    record=Kind.PLAIN,
    state=Kind.PLAIN,
    created_at=Kind.PLAIN,
    changed_at=Kind.PLAIN,
)
class DkimKey(models.Model):
    """A signing key: created, then published in the DNS, then in use, then retired (B-314).

    The private key is sealed under the service key; `record` is the public TXT value.
    """

    class KeyState(models.TextChoices):
        CREATED = "created", "Not in use yet"
        ACTIVE = "active", "Signing"
        RETIRED = "retired", "Retired"

    domain = models.CharField(max_length=253)
    selector = models.CharField(max_length=63)
    kind = models.CharField(max_length=7, choices=[("rsa", "RSA 2048"), ("ed25519", "Ed25519")])
    sealed = models.BinaryField()
    record = models.CharField(max_length=600)
    state = models.CharField(max_length=7, choices=KeyState.choices, default=KeyState.CREATED)
    created_at = models.DateTimeField(default=clock.now)
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["domain", "selector"], name="dkim_selector_once")]

    def __str__(self) -> str:
        return f"DkimKey {self.pk}"
