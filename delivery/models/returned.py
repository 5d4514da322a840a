"""What came back of messages that other hosts had accepted: bounces (RFC 3464) and complaints (RFC 5965)."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower


class ReturnedKind(models.TextChoices):
    """What came back."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"


class ReturnedMail(models.Model):
    """One recipient of one message that was taken by the next host, and came back later: once for each kind.

    `queued_recipient_id` is no foreign key: this outlives the queue's rows, so it repeats what is known of them.
    `account_id` submitted it (None: nobody's account did), `domain` is that which has forwarded it, or else that of its
    reverse-path, `message_id` its Message-ID. `cause`: a Cause (protocols/bounce_causes.py), "" for complaints;
    `diagnostic`: the other side's own words, `reporter` the host that says so. `is_proven`: it came to an address that
    only the next hosts were told (VERP); otherwise it quoted a message that was really sent to that recipient, which
    whoever has got it can do. `is_vouched_for`: who says so may know (delivery/returns/vouching.py). What is neither is
    hearsay: told as that, and nothing follows from it.
    """

    kind = models.TextField(choices=ReturnedKind.choices)
    queued_recipient_id = models.BigIntegerField()
    account_id = models.BigIntegerField(null=True)
    domain = models.TextField()
    reverse_path = models.TextField(blank=True)
    forward_path = models.TextField()
    message_id = models.TextField(blank=True)
    status = models.TextField(blank=True)
    cause = models.TextField(blank=True)
    diagnostic = models.TextField(blank=True)
    reporter = models.TextField(blank=True)
    is_proven = models.BooleanField(default=False)
    is_vouched_for = models.BooleanField(default=False, db_default=False)
    at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "returned mail"
        verbose_name_plural = "returned mail"
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["queued_recipient_id", "kind"], name="returned_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["account_id", "at"], name="returned_to_an_account"),
            models.Index(fields=["domain", "at"], name="returned_to_a_domain"),
            models.Index(Lower("forward_path"), name="returned_by_forward_path"),
            models.Index(fields=["at"], condition=models.Q(kind="complaint"), name="complaint_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.forward_path}: {self.kind}"


class ReturnReading(models.Model):
    """Up to which verdict messages were looked through for what came back: one row."""

    last_verdict_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"up to verdict {self.last_verdict_id}"
