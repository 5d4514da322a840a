"""One row for each administrative act. Actors and subjects stand by value: the trail outlives what it tells of."""

from typing import ClassVar

from django.db import models
from django.utils import timezone


class Act(models.Model):
    """Who (`actor`: a login, "cli" or "api:NAME") did what (`verb`) to which thing (`subject`), and how."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.TextField()
    verb = models.TextField()
    subject = models.TextField(db_index=True)
    details = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.actor}: {self.verb} {self.subject}"
