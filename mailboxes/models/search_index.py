"""The index that SEARCH answers from: see mailboxes/store/search_index.py."""

from typing import ClassVar

from django.db import models
from django.utils import timezone


class SearchIndex(models.Model):
    """How far one mailbox is indexed: all of its messages with UIDs up to `indexed_to`, none above."""

    mailbox = models.OneToOneField(
        "mailboxes.Mailbox", on_delete=models.CASCADE, primary_key=True, related_name="search_index"
    )
    indexed_to = models.BigIntegerField(default=0)
    # Of the indexed messages, also those that were expunged since.
    message_count = models.IntegerField(default=0)
    size_octets = models.BigIntegerField(default=0)
    checked_at = models.DateTimeField(default=timezone.now)  # for words of messages that are gone

    def __str__(self) -> str:
        return f"search index of mailbox {self.mailbox_id}"


class SearchSegment(models.Model):
    """A stretch of a mailbox's UIDs. Never changed: a larger one takes its place. See store/search_segments.py."""

    index = models.ForeignKey(SearchIndex, on_delete=models.CASCADE, related_name="segments", db_index=False)
    first_uid = models.BigIntegerField()
    last_uid = models.BigIntegerField()
    message_count = models.IntegerField()
    size_octets = models.BigIntegerField()  # of its messages
    octets = models.IntegerField()  # of its words
    uids = models.BinaryField()  # 32-bit numbers
    unread = models.BinaryField()  # 16-bit numbers: places of messages with more text than is indexed

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["index", "first_uid"], name="search_segment_once")
        ]

    def __str__(self) -> str:
        return f"UIDs {self.first_uid}-{self.last_uid} of mailbox {self.index_id}"


class SearchWords(models.Model):
    """The words of one area of a segment."""

    pk = models.CompositePrimaryKey("segment_id", "area")
    segment = models.ForeignKey(SearchSegment, on_delete=models.CASCADE, related_name="words", db_index=False)
    area = models.SmallIntegerField()
    words = models.BinaryField()
    offsets = models.BinaryField()  # 32-bit numbers
    postings = models.BinaryField()

    class Meta:
        verbose_name_plural = "search words"

    def __str__(self) -> str:
        return f"area {self.area} of segment {self.segment_id}"
