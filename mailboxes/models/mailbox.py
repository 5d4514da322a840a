"""An IMAP mailbox (RFC 9051 section 2.3.1.1, RFC 7162)."""

from typing import ClassVar

from django.db import models
from django.db.models import Q


class Mailbox(models.Model):
    """A mailbox of an account. Its counts live here, so that SELECT and STATUS read one row.

    DELETE keeps the row (`deleted_at`): its messages can be taken back, its subscription outlives it
    (RFC 9051 section 6.3.7). It goes when nobody needs it (store/deleted_mailboxes.py). Names are unique among the
    living.
    """

    account = models.ForeignKey("mailboxes.Account", on_delete=models.CASCADE, related_name="mailboxes")
    name = models.TextField()
    uid_validity = models.BigIntegerField()
    uid_next = models.BigIntegerField(default=1)
    highest_modseq = models.BigIntegerField(default=1)
    # Of the last change that was no arrival: arrivals alone are found by UID, without a scan for modseqs.
    flags_modseq = models.BigIntegerField(default=1)
    first_recent_uid = models.BigIntegerField(default=1)
    special_use = models.TextField(default="", blank=True)
    is_subscribed = models.BooleanField(default=False)
    message_count = models.IntegerField(default=0)
    unseen_count = models.IntegerField(default=0)
    deleted_count = models.IntegerField(default=0)
    size_octets = models.BigIntegerField(default=0)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "mailboxes"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "name"],
                condition=Q(deleted_at=None),
                name="mailbox_name_once_among_the_living",
            )
        ]

    def __str__(self) -> str:
        return self.name
