"""An address of a hosted domain: owned by exactly one account or alias."""

from typing import ClassVar

from django.db import models

CATCH_ALL = "*"
"""The local part that stands for every other local part of its domain."""


class Address(models.Model):
    """`local_part` is kept as it is compared: NFC, casefolded (RFC 5321 lets the host decide; people expect it)."""

    domain = models.ForeignKey("domains.Domain", on_delete=models.PROTECT, related_name="addresses")
    local_part = models.TextField()

    class Meta:
        verbose_name_plural = "addresses"
        ordering: ClassVar = ["domain__name", "local_part"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["domain", "local_part"], name="address_once")
        ]

    def __str__(self) -> str:
        return f"{self.local_part}@{self.domain.name}"
