"""An address that leads elsewhere."""

from typing import ClassVar

from django.db import models
from django.utils import timezone


class Alias(models.Model):
    """Mail for `address` goes to each of its targets, here or elsewhere. Local part `*` makes it the catch-all."""

    address = models.OneToOneField("domains.Address", on_delete=models.PROTECT, related_name="alias")
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "aliases"
        ordering: ClassVar = ["address__domain__name", "address__local_part"]

    def __str__(self) -> str:
        return str(self.address)


class AliasTarget(models.Model):
    """One address that an alias leads to, as text: it may be anywhere."""

    alias = models.ForeignKey(Alias, on_delete=models.CASCADE, related_name="targets")
    email = models.TextField()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["alias", "email"], name="alias_target_once")]
        indexes: ClassVar = [models.Index(fields=["email"])]

    def __str__(self) -> str:
        return self.email
