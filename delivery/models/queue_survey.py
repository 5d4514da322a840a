"""What the queue looks like, counted now and then (queue/survey.py), so that no page has to count a million rows."""

from typing import ClassVar

from django.db import models

EVERYTHING = ""
"""The `domain` of rows about the whole host: no domain has this name."""


class QueueSurvey(models.Model):
    """What waited `at` this moment, of mail that accounts of one domain sent, or of all: counts by state, by age and
    by next hop, as Standing has them. `seconds`: how long the counting of all took.
    """

    domain = models.TextField(primary_key=True)
    at = models.DateTimeField()
    seconds = models.FloatField()
    standing = models.JSONField()

    def __str__(self) -> str:
        return f"{self.domain or 'everything'} at {self.at:%H:%M:%S}"


class QueueFlow(models.Model):
    """Recipients that came into the queue in the minutes from `at` on, and outcomes of attempts in that time."""

    domain = models.TextField()
    at = models.DateTimeField()
    queued = models.IntegerField(default=0, db_default=0)
    delivered = models.IntegerField(default=0, db_default=0)
    deferred = models.IntegerField(default=0, db_default=0)
    bounced = models.IntegerField(default=0, db_default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["domain", "at"], name="queue_flow_of_domain"),
        ]
        indexes: ClassVar = [models.Index(fields=["at"], name="queue_flow_at")]

    def __str__(self) -> str:
        return f"{self.domain or 'everything'} from {self.at:%H:%M}"
