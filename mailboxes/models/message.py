"""A message in a mailbox, and one that was there.

Both tables are narrow and refer to Content, so that STORE, COPY and MOVE rewrite little. Nothing that STORE changes
is indexed. References carry no database constraint: the mailbox lock keeps them true (DESIGN: COPY costs six times
as much with constraints), and content goes only long after nothing refers to it.
"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models


class MessageColumns(models.Model):
    """What both tables hold. `flags` are bits as in store/values.py; `uid` and `modseq` as in RFC 9051, RFC 7162."""

    uid = models.BigIntegerField()
    modseq = models.BigIntegerField()
    flags = models.SmallIntegerField(default=0)
    size_octets = models.IntegerField()
    internal_date = models.DateTimeField()
    saved_at = models.DateTimeField()
    keywords = ArrayField(models.TextField(), default=list)
    content = models.ForeignKey(
        "mailboxes.Content",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )

    class Meta:
        abstract = True


class Message(MessageColumns):
    """A message as one mailbox shows it."""

    pk = models.CompositePrimaryKey("mailbox_id", "uid")
    mailbox = models.ForeignKey(
        "mailboxes.Mailbox",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="messages",
    )

    def __str__(self) -> str:
        return f"UID {self.uid} in mailbox {self.mailbox_id}"


class Expunged(MessageColumns):
    """A message that was expunged: told to sessions that have not heard of it, and the way back for its owner."""

    pk = models.CompositePrimaryKey("mailbox_id", "uid")
    mailbox = models.ForeignKey(
        "mailboxes.Mailbox",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="expunged",
    )
    expunged_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "expunged"
        indexes: ClassVar = [
            # What vanished since: the journal of a busy mailbox may be far longer than the mailbox.
            models.Index(fields=["mailbox", "modseq"], name="expunged_since"),
        ]

    def __str__(self) -> str:
        return f"UID {self.uid}, expunged from mailbox {self.mailbox_id}"
