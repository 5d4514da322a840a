"""Metadata of a mailbox or of the server (RFC 5464)."""

from typing import ClassVar

from django.db import models
from django.db.models import Q


class Annotation(models.Model):
    """One entry. Without `mailbox` it is the server's; without `account` it is shared, else that account's own."""

    mailbox = models.ForeignKey(
        "mailboxes.Mailbox", on_delete=models.CASCADE, null=True, related_name="annotations"
    )
    account = models.ForeignKey(
        "mailboxes.Account", on_delete=models.CASCADE, null=True, related_name="annotations"
    )
    entry = models.TextField()  # in lower case, with its /private or /shared
    value = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["mailbox", "account", "entry"], nulls_distinct=False, name="annotation_once"
            ),
            models.CheckConstraint(
                condition=Q(account=None) ^ Q(entry__startswith="/private/"),
                name="annotation_is_shared_or_private",
            ),
        ]

    def __str__(self) -> str:
        return self.entry
