"""MTA-STS policies of other domains, as they were fetched (RFC 8461 section 3.3)."""

from typing import ClassVar

from django.db import models


class KeptStsPolicy(models.Model):
    """One domain's. policy: the lines of its file that mean something; record_id: of the DNS record that led to it.

    `checked_at`: when it was last asked for again, with or without success; `used_at`: the day when mail last went by
    it; `failure`: why it could not be fetched again, or "".
    """

    domain = models.TextField(primary_key=True)
    policy = models.TextField()
    record_id = models.TextField()
    fetched_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    checked_at = models.DateTimeField()
    used_at = models.DateTimeField()
    failure = models.TextField(default="", blank=True)

    class Meta:
        ordering: ClassVar = ["domain"]
        verbose_name = "MTA-STS policy"
        verbose_name_plural = "MTA-STS policies"

    def __str__(self) -> str:
        return self.domain
