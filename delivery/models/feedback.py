"""What this host reports to others: mail that came in their name, day by day (RFC 9990)."""

from typing import ClassVar

from django.db import models
from django.db.models import Q


class FeedbackState(models.TextChoices):
    """Where one day of one domain stands."""

    COUNTING = "counting"
    DUE = "due"
    SENT = "sent"
    UNWANTED = "unwanted", "nobody to send it to"
    LEFT_OUT = "left out", "beyond the number for a day"


class Feedback(models.Model):
    """A day (UTC) of what one domain is told of, and the report about it.

    `left_out` counts what no row is kept for. `note` says what was not sent, and why. A report is sent in the
    transaction that makes its `state` SENT, and never again.
    """

    day = models.DateField()
    domain = models.TextField()
    row_count = models.IntegerField(default=0)
    left_out = models.BigIntegerField(default=0)
    state = models.TextField(choices=FeedbackState.choices, default=FeedbackState.COUNTING)
    due_at = models.DateTimeField(null=True, blank=True)
    attempts = models.IntegerField(default=0)
    report_id = models.TextField(default="", blank=True)
    size_octets = models.IntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(default="", blank=True)

    class Meta:
        abstract = True
        ordering: ClassVar = ["-day", "domain"]

    def __str__(self) -> str:
        return f"{self.domain}, {self.day}"


class FeedbackRow(models.Model):
    """So many that agree in everything that is reported: `row` has it, `digest` is its SHA-256."""

    digest = models.BinaryField()
    row = models.JSONField()
    count = models.BigIntegerField()

    class Meta:
        abstract = True


class FeedbackCopy(models.Model):
    """A place that a report went to: through the queue, or (`queued_message_id` None) right away."""

    address = models.TextField()
    queued_message_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        abstract = True
        verbose_name = "copy"
        verbose_name_plural = "copies"
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.address


class DmarcFeedback(Feedback):
    """Mail in the name of one policy domain. `policy` has the fields of PublishedPolicy and `uris` those of ReportUri,
    as they were last seen that day."""

    policy = models.JSONField()
    uris = models.JSONField()
    message_count = models.BigIntegerField(default=0)

    class Meta(Feedback.Meta):
        verbose_name = "own DMARC report"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "domain"], name="dmarc_feedback_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(state="due"), name="dmarc_feedback_due")
        ]


class DmarcFeedbackRow(FeedbackRow):
    """Messages that agree."""

    feedback = models.ForeignKey(DmarcFeedback, on_delete=models.CASCADE, related_name="rows", db_index=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["feedback", "digest"], name="dmarc_feedback_row_once")
        ]

    def __str__(self) -> str:
        return f"{self.count} of {self.feedback_id}"


class DmarcFeedbackCopy(FeedbackCopy):
    """An address that a report went to: through the queue, or into a mailbox here."""

    feedback = models.ForeignKey(DmarcFeedback, on_delete=models.CASCADE, related_name="copies")
