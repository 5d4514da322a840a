"""The suppression list: addresses elsewhere to which an account, or all of a domain, send no more."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from mailhost.protocols.bounce_causes import Cause
from mailhost.protocols.cause_words import WORDS


class SuppressionSource(models.TextChoices):
    """What put an address on the list."""

    BOUNCE = "bounce", "came back"
    COMPLAINT = "complaint", "complained"
    HAND = "hand", "by hand"


class Suppression(models.Model):
    """One address, for one account or for one domain: never both, and once for each.

    `address`: local part and domain as EmailAddress.key has them, with an @ between. `since`: None while its bounces
    are only counted (`count`, from `first_at` to `last_at`); `expires_at`: None until it is lifted. `cause`: a Cause
    where mail came back; `evidence`: the other side's words, or why somebody put it here by hand. `by`: who did.
    """

    account = models.ForeignKey(
        "mailboxes.Account", on_delete=models.CASCADE, null=True, blank=True, db_index=False, related_name="+"
    )
    domain = models.ForeignKey(
        "domains.Domain", on_delete=models.CASCADE, null=True, blank=True, db_index=False, related_name="+"
    )
    address = models.TextField(db_index=True)
    source = models.TextField(choices=SuppressionSource.choices)
    cause = models.TextField(default="", blank=True)
    evidence = models.TextField(default="", blank=True)
    by = models.TextField(default="", blank=True)
    count = models.IntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField(db_index=True)
    since = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "address"], name="suppressed_for_an_account"),
            models.UniqueConstraint(fields=["domain", "address"], name="suppressed_for_a_domain"),
            models.CheckConstraint(
                condition=Q(account__isnull=True, domain__isnull=False)
                | Q(account__isnull=False, domain__isnull=True),
                name="suppressed_for_one",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["expires_at"], condition=Q(expires_at__isnull=False), name="suppression_expires"
            ),
        ]

    @property
    def meaning(self) -> str:
        """What the cause means, in words; "" where there is none."""
        return WORDS[Cause(self.cause)][0] if self.cause in set(Cause) else ""

    def __str__(self) -> str:
        return self.address
