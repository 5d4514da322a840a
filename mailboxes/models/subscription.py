"""Which mailboxes of others an account has subscribed to (RFC 4314 section 4)."""

from typing import ClassVar

from django.db import models


class Subscription(models.Model):
    """One account's subscription to somebody else's mailbox. To its own it is a column of the mailbox.

    It follows the mailbox through RENAME, and is told only while the account may look the mailbox up.
    """

    account = models.ForeignKey("mailboxes.Account", on_delete=models.CASCADE, related_name="subscriptions")
    mailbox = models.ForeignKey("mailboxes.Mailbox", on_delete=models.CASCADE, related_name="subscriptions")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "mailbox"], name="subscription_once")
        ]

    def __str__(self) -> str:
        return f"Account {self.account_id} to mailbox {self.mailbox_id}"
