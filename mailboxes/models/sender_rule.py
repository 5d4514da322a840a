"""Senders that an account always lets in, or never."""

from typing import ClassVar

from django.db import models
from django.utils import timezone


class SenderRule(models.Model):
    """`pattern` is an address, or `@domain` for a domain and all below it, as mailboxes.sender_rules writes them."""

    account = models.ForeignKey("mailboxes.Account", on_delete=models.CASCADE, related_name="sender_rules")
    pattern = models.TextField()
    is_allowed = models.BooleanField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["pattern"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "pattern"], name="one_rule_a_sender")
        ]

    def __str__(self) -> str:
        return f"{self.pattern} is {'let in' if self.is_allowed else 'refused'}"
