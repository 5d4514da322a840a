"""A hosted domain."""

from typing import ClassVar

from django.db import models
from django.utils import timezone


class SuppressionLearning(models.TextChoices):
    """Who sends no more to an address, besides the account whose mail came back or was complained about."""

    ACCOUNTS = "accounts", "nobody else"
    SEVERAL = "several", "everybody, after two accounts"
    DOMAIN = "domain", "everybody, at once"


class Domain(models.Model):
    """A domain whose mail is received here. `name` is in A-labels, lower case (RFC 5890)."""

    name = models.TextField(unique=True)
    alias_of = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="domain_aliases",
        help_text="Mail for any address here goes to the same local part of that domain.",
    )
    is_enabled = models.BooleanField(
        default=True, help_text="A disabled domain takes no mail and no sign-ins."
    )
    junk_score = models.FloatField(
        null=True, blank=True, help_text="From so many points on mail goes to Junk; empty: as the whole host."
    )
    quarantine_score = models.FloatField(
        null=True,
        blank=True,
        help_text="From so many points on mail is kept in quarantine; empty: as the whole host.",
    )
    refuse_score = models.FloatField(
        null=True, blank=True, help_text="From so many points on mail is refused; empty: as the whole host."
    )
    suppression_learning = models.TextField(
        choices=SuppressionLearning.choices,
        default=SuppressionLearning.SEVERAL,
        db_default=SuppressionLearning.SEVERAL.value,
        help_text="What mail of one account that came back, and complaints about it, teach others in the domain.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name
