"""What is known of accounts that send: limits of their own, whom they wrote to, and whether what they send is held."""

from typing import ClassVar

from django.db import models


class SubmissionLimits(models.Model):
    """An account's own limits; empty ones are as the settings say, 0 is no limit. `first_*`: first-time recipients."""

    account = models.OneToOneField(
        "mailboxes.Account", on_delete=models.CASCADE, primary_key=True, related_name="submission_limits"
    )
    messages_per_hour = models.PositiveIntegerField(null=True, blank=True)
    messages_per_day = models.PositiveIntegerField(null=True, blank=True)
    recipients_per_hour = models.PositiveIntegerField(null=True, blank=True)
    recipients_per_day = models.PositiveIntegerField(null=True, blank=True)
    first_per_hour = models.PositiveIntegerField("first-time recipients per hour", null=True, blank=True)
    first_per_day = models.PositiveIntegerField("first-time recipients per day", null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["account__login"]
        verbose_name_plural = "submission limits"

    def __str__(self) -> str:
        return f"limits of account {self.pk}"


class KnownRecipient(models.Model):
    """An address that an account has written to: caseless in the domain, as it is in the local part."""

    account = models.ForeignKey("mailboxes.Account", on_delete=models.CASCADE, related_name="+")
    address = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "address"], name="known_recipient_once")
        ]

    def __str__(self) -> str:
        return self.address


class HandedInOnce(models.Model):
    """A message that a program has handed in with an idempotency key: `digest` (SHA-256) of what it asked, and what it
    was `told` (submission/once.py).
    """

    account = models.ForeignKey("mailboxes.Account", on_delete=models.CASCADE, related_name="+")
    key = models.TextField()
    digest = models.BinaryField()
    told = models.JSONField()
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "key"], name="handed_in_once")]

    def __str__(self) -> str:
        return self.key


class SendingHold(models.Model):
    """What the account submits is held until an operator lifts this; `reason` is a sentence."""

    account = models.OneToOneField(
        "mailboxes.Account", on_delete=models.CASCADE, primary_key=True, related_name="sending_hold"
    )
    since = models.DateTimeField()
    reason = models.TextField()

    class Meta:
        ordering: ClassVar = ["-since"]

    def __str__(self) -> str:
        return f"account {self.pk}: {self.reason}"
