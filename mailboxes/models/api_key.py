"""A key that a program uses at the REST API."""

from typing import ClassVar

from django.db import models
from django.utils import timezone


class ApiKey(models.Model):
    """An operator's, who may do everything, or one of an `account`, which may see what that account may.

    `digest` is SHA-256 of the key: 256 random bits need no slow hash. The key itself is shown once, when made.
    """

    name = models.TextField(unique=True, help_text="Who uses it; stands in the audit trail as api:NAME.")
    account = models.ForeignKey(
        "mailboxes.Account",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="api_keys",
        help_text="Empty: the key may do everything. Otherwise it sees what this account and its domains may see.",
    )
    digest = models.BinaryField(unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API key"
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name
