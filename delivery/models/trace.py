"""What became of each message that was brought here, for each recipient: found by whoever asks where it is."""

from typing import ClassVar

from django.db import models


class Outcome(models.IntegerChoices):
    """What the client was told of one recipient, and where its copy went."""

    ACCEPTED = 0, "accepted"
    JUNK = 1, "accepted into Junk"
    QUARANTINED = 2, "held in quarantine"
    RELAYED = 3, "accepted for another host"
    DEFERRED = 4, "put off"
    REFUSED = 5, "refused"
    WAITING = 6, "accepted, to leave later"


class Event(models.TextChoices):
    """What happened to a recipient in the queue: how a try ended, or what was done with it without one."""

    DELIVERED = "delivered", "taken by the other host"
    DEFERRED = "deferred", "put off"
    BOUNCED = "bounced", "refused for good"
    EXPIRED = "expired", "given up: it was tried for too long"
    HELD = "held", "held by an operator"
    RELEASED = "released", "let go"
    HURRIED = "retried", "to be tried again at once"
    CANCELLED = "cancelled", "cancelled"
    REDIRECTED = "redirected", "given another way"
    CAPTURED = "captured", "kept here: nothing leaves this host"
    REPORTED = "reported", "its sender was told"
    UNTOLD = "untold", "nobody could be told"
    RETURNED = "returned", "came back as undeliverable"
    COMPLAINED = "complained", "its recipient complained"
    HEARSAY = "hearsay", "said to have come back, or to be complained about"


class InboundTrace(models.Model):
    """One recipient of one message, or a session that was refused before it named one (`forward_path` is "").

    The table is divided by days (delivery/trace/partitions.py), so that what is old goes at once. `session` and
    `trace_id` are what log, Received and replies call them. `account_id` is the account that it leads to here, no
    foreign key: a trace outlives what it is about. `subject` is "" unless subjects are kept.
    """

    id = models.BigAutoField(
        primary_key=True
    )  # with `at`, in the database: the key of a divided table has to
    at = models.DateTimeField()
    session = models.TextField()
    trace_id = models.TextField(blank=True)
    peer = models.TextField()
    helo = models.TextField(blank=True)
    tls = models.TextField(blank=True)
    login = models.TextField(blank=True)
    reverse_path = models.TextField(blank=True)
    forward_path = models.TextField(blank=True)
    domain = models.TextField(blank=True)
    account_id = models.BigIntegerField(null=True)
    message_id = models.TextField(blank=True)
    size_octets = models.BigIntegerField(default=0)
    outcome = models.SmallIntegerField(choices=Outcome.choices)
    reply = models.TextField(blank=True)
    subject = models.TextField(default="", db_default="", blank=True)

    class Meta:
        verbose_name = "message trace"
        verbose_name_plural = "message trace"
        ordering: ClassVar = ["-at"]

    def __str__(self) -> str:
        return f"{self.forward_path or self.peer}: {Outcome(self.outcome).label}"
