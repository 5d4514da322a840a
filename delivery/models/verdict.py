"""What the filters said of messages that came in, and those that are held back for their recipients."""

from typing import ClassVar

from django.db import models

from delivery.findings import Action


class RecordedVerdict(models.Model):
    """What was done with one message for one account, and why. `findings` holds Finding as JSON objects.

    `content_id` is no foreign key: a verdict shall not keep a message from being removed.
    """

    account = models.ForeignKey("mailboxes.Account", on_delete=models.CASCADE, related_name="+")
    content_id = models.BigIntegerField()
    action = models.SmallIntegerField(choices=[(each.value, each.name.lower()) for each in Action])
    score = models.FloatField()
    findings = models.JSONField(default=list)
    trace_id = models.TextField()
    peer = models.TextField()
    reverse_path = models.TextField(blank=True)
    judged_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "content_id"], name="one_verdict_a_message")
        ]
        # What a trace, the API and the sweep (filters/forgetting.py) find verdicts by.
        indexes: ClassVar = [
            models.Index(fields=["trace_id"], name="verdicts_by_trace"),
            models.Index(fields=["content_id"], name="verdicts_by_content"),
        ]

    def __str__(self) -> str:
        return f"{Action(self.action).name.lower()} at {self.score} points"


class Quarantined(models.Model):
    """A message that one account can have or discard until it expires. `told_at`: when a digest told of it."""

    account = models.ForeignKey("mailboxes.Account", on_delete=models.CASCADE, related_name="+")
    content = models.ForeignKey(
        "mailboxes.Content", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    held_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "quarantined"
        indexes: ClassVar = [
            models.Index(fields=["held_at"], condition=models.Q(told_at=None), name="quarantined_untold")
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "content"], name="quarantined_once")
        ]

    def __str__(self) -> str:
        return f"quarantined message {self.pk}"
