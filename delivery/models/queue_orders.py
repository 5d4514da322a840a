"""Verbs over the queue that take longer than a page: who ordered what, and how far it has come."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone


class OrderState(models.TextChoices):
    """Where an order stands."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class QueueOrder(models.Model):
    """A verb with its filter (queue/verbs.py), carried out batch by batch, each in one transaction with this row.

    `asked`: the filter as QueueFilter.told() gives it. `sent_from`: domains of accounts whose mail it reaches; None:
    everybody's. `last_id`, `after_id`, `changed`, `busy` are the Run. `total`: how many were meant when it began;
    None until they are counted.
    """

    by = models.TextField()
    holder = models.TextField()
    verb = models.TextField()
    until = models.DateTimeField(null=True, blank=True)
    to = models.TextField(default="", blank=True)
    reply = models.TextField(default="", blank=True)
    asked = models.JSONField()
    sent_from = models.JSONField(null=True, blank=True)
    state = models.TextField(choices=OrderState.choices, default=OrderState.RUNNING)
    total = models.IntegerField(null=True, blank=True)
    last_id = models.BigIntegerField()
    after_id = models.BigIntegerField(default=0)
    changed = models.IntegerField(default=0)
    busy = models.IntegerField(default=0)
    error = models.TextField(default="", blank=True)
    ordered_at = models.DateTimeField(default=timezone.now)
    moved_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=Q(state="running"), name="queue_order_running"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} by {self.by}: {self.state}"
