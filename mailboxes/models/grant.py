"""Who else may use a mailbox (RFC 4314)."""

from typing import ClassVar

from django.db import models


class Grant(models.Model):
    """Rights on one mailbox for one account, or without `account` for everybody who signs in ("anyone").

    `rights` are letters of RFC 4314 section 2.1, in its order, at least one. The owner has all rights without a row.
    """

    mailbox = models.ForeignKey("mailboxes.Mailbox", on_delete=models.CASCADE, related_name="grants")
    account = models.ForeignKey(
        "mailboxes.Account", on_delete=models.CASCADE, null=True, related_name="grants"
    )
    rights = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["mailbox", "account"], nulls_distinct=False, name="grant_once")
        ]

    def __str__(self) -> str:
        return self.rights
