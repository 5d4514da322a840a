"""Networks that are banned from SMTP, IMAP and POP3."""

from typing import ClassVar

from django.db import models
from django.utils import timezone


class Ban(models.Model):
    """One network, in CIDR form, until a moment or for good. `made_by`: as the audit trail names who acts.

    A row is never changed: who is banned anew has a new one. So (count, highest id) tells whether anything has changed.
    """

    network = models.TextField(unique=True)
    reason = models.TextField()
    made_by = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return self.network
