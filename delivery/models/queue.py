"""The outbound queue: a row for the message, one for each recipient, one for each destination, one for each attempt."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone


class RecipientState(models.TextChoices):
    """Where one recipient of a queued message stands."""

    QUEUED = "queued"
    WAITING = "waiting"
    HELD = "held"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    CAPTURED = "captured"


LOCAL = ""
"""The destination of what is delivered here: no domain has this name."""

LED_ON = "Led on to another host"
"""The reply of what waited for an alias here that turned out to lead elsewhere alone."""

DUE_STATES = (RecipientState.QUEUED, RecipientState.DEFERRED)
"""The states in which a recipient is due at its next_attempt_at."""


class QueuedMessage(models.Model):
    """A message on its way out. `reverse_path` is "" for the null one; `ret` and `envid` as in RFC 3461, `requires_tls`
    and `ignores_tls` as in RFC 8689 (REQUIRETLS, and TLS-Required: No).

    `release_at`: nothing of it leaves before, and its sender may take it back; None once it is released, or from the
    beginning. `future_release` is what the client asked for (RFC 4865), as a DSN tells it. `message_id_field`: the
    content's Message-ID, cut, by which the sender finds what became of it.
    `forwarded_by`: the domain here that passes a stranger's message on; "" for what is ours.
    `deliver_by`, `deliver_by_mode`: as in DeliverBy (RFC 2852); None and "" where it was not asked for.
    `outbox_mailbox_id`, `outbox_uid`: where it stands while it waits (mailboxes/store/outbox.py), None where it stands
    nowhere; `goes_to_sent`: from there it goes to Sent.
    """

    content = models.ForeignKey(
        "mailboxes.Content", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    account = models.ForeignKey(
        "mailboxes.Account", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    reverse_path = models.TextField(blank=True)
    size_octets = models.IntegerField()
    body = models.TextField(default="8BITMIME")
    is_smtputf8 = models.BooleanField(default=False)
    envid = models.TextField(default="", blank=True)
    ret = models.TextField(default="", blank=True)
    requires_tls = models.BooleanField(default=False, db_default=False)
    ignores_tls = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    expires_at = models.DateTimeField()
    release_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    future_release = models.TextField(default="", db_default="", blank=True)
    message_id_field = models.TextField(default="", db_default="", blank=True)
    forwarded_by = models.TextField(default="", db_default="", blank=True)
    deliver_by = models.DateTimeField(null=True, blank=True)
    deliver_by_mode = models.TextField(default="", db_default="", blank=True)
    outbox_mailbox_id = models.BigIntegerField(null=True, blank=True)
    outbox_uid = models.BigIntegerField(null=True, blank=True)
    goes_to_sent = models.BooleanField(default=False, db_default=False)

    class Meta:
        ordering: ClassVar = ["-id"]
        # What waits for its time is little, beside all that is kept for looking back at.
        indexes: ClassVar = [
            models.Index(Lower("reverse_path"), name="queued_by_reverse_path"),
            models.Index(
                fields=["release_at"], condition=Q(release_at__isnull=False), name="message_release"
            ),
            models.Index(fields=["account"], condition=Q(release_at__isnull=False), name="message_waiting"),
            models.Index(
                fields=["message_id_field", "account", "-id"],
                condition=~Q(message_id_field=""),
                name="message_by_message_id",
            ),
            models.Index(
                fields=["deliver_by"], condition=Q(deliver_by__isnull=False), name="message_deliver_by"
            ),
            models.Index(fields=["account", "envid"], condition=~Q(envid=""), name="message_by_envid"),
        ]

    def __str__(self) -> str:
        return f"Q{self.pk} from <{self.reverse_path}>"


class Destination(models.Model):
    """A next hop's domain by one way out, or this host (the name is LOCAL then).

    A worker claims it with a lease, so that one look serves all that waits for it.
    `next_attempt_at` is None while nothing waits. `failures` counts looks in a row that reached no host at all; what
    waits is then put off together, in this row alone, and `last_reply`, `last_status` and `cause` say why.
    `connections`: how many at once it has borne (relay/pace.py). `route_id`: an OutboundRoute's, or 0 where it goes as
    the settings say. No foreign key: a route may go while mail is being queued, which moves (queue/route_moves.py).
    """

    name = models.TextField()
    route_id = models.BigIntegerField(default=0, db_default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True, db_index=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    claim_token = models.UUIDField(null=True, blank=True)
    failures = models.IntegerField(default=0)
    last_reply = models.TextField(default="", blank=True)
    last_status = models.TextField(default="", db_default="", blank=True)
    cause = models.TextField(default="", db_default="", blank=True)
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    connections = models.IntegerField(default=2, db_default=2)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "route_id"], name="destination_name_route")
        ]

    def __str__(self) -> str:
        return self.name or "(this host)"


class ReportDue(models.TextChoices):
    """What the reverse-path is still to be told about a recipient (RFC 3464's actions)."""

    NOTHING = "", "nothing"
    FAILED = "failed"
    DELAYED = "delayed"
    RELAYED = "relayed"
    DELIVERED_HERE = "delivered"


class Holder(models.TextChoices):
    """Whose verb holds a recipient: an operator lets go all, a domain's administrators what they hold themselves."""

    OPERATOR = "operator"
    ADMINISTRATOR = "administrator", "domain administrator"


class QueuedRecipient(models.Model):
    """One forward-path of a queued message, with where it stands.

    `report_due` is set in the transaction that stores the outcome, and cleared in the one that accepts the DSN: so no
    bounce is lost, and none is told twice. `cause`: a Cause of the last outcome that was no delivery, or "".
    `held_by`: a Holder where somebody's verb holds it, "" where submission does. `redirected_from`: the next hop that
    it waited for before a verb led it elsewhere, or "". `original_path`: the forward-path that the client named, where
    that is an alias which leads to this one; "" where it is this one.
    """

    message = models.ForeignKey(QueuedMessage, on_delete=models.CASCADE, related_name="recipients")
    destination = models.ForeignKey(Destination, on_delete=models.PROTECT, related_name="recipients")
    forward_path = models.TextField()
    orcpt = models.TextField(default="", blank=True)
    notify = models.TextField(default="", blank=True)
    state = models.TextField(choices=RecipientState.choices, default=RecipientState.QUEUED)
    attempts = models.IntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    last_reply = models.TextField(default="", blank=True)
    last_status = models.TextField(default="", blank=True)
    cause = models.TextField(default="", db_default="", blank=True)
    last_host = models.TextField(default="", blank=True)
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    report_due = models.TextField(choices=ReportDue.choices, default=ReportDue.NOTHING, blank=True)
    delay_reported_at = models.DateTimeField(null=True, blank=True)
    held_by = models.TextField(choices=Holder.choices, default="", db_default="", blank=True)
    redirected_from = models.TextField(default="", db_default="", blank=True)
    original_path = models.TextField(default="", db_default="", blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "queue"
        # And recipient_reply, of trigrams of what was answered to the unfinished (migration 0017).
        indexes: ClassVar = [
            models.Index(
                fields=["destination", "next_attempt_at"],
                condition=Q(state__in=("queued", "deferred")),
                name="recipient_due",
            ),
            models.Index(fields=["message"], condition=~Q(report_due=""), name="recipient_report_due"),
            models.Index(Lower("forward_path"), name="queued_by_forward_path"),
            models.Index(
                Lower("original_path"), condition=~Q(original_path=""), name="queued_by_original_path"
            ),
            # What is not final, for lists and verbs (queue/filtering.py), beside all that is kept.
            models.Index(
                fields=["id"],
                condition=Q(state__in=("queued", "waiting", "held", "deferred")),
                name="recipient_unfinished",
            ),
            # For delivery/causes.py: what waits by its cause, and what has failed lately.
            models.Index(
                fields=["cause", "destination", "id"],
                condition=Q(state__in=("queued", "deferred")) & ~Q(cause=""),
                name="recipient_waits_why",
            ),
            models.Index(
                fields=["-finished_at"],
                condition=Q(state__in=("bounced", "expired")),
                name="recipient_failed",
            ),
            models.Index(
                fields=["state", "id"],
                condition=Q(
                    state__in=("waiting", "held", "deferred", "bounced", "expired", "cancelled", "captured")
                ),
                name="recipient_set_aside",
            ),
            models.Index(
                fields=["redirected_from"], condition=~Q(redirected_from=""), name="recipient_redirected"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.forward_path}: {self.state}"


class Attempt(models.Model):
    """One try to hand a recipient to one host, or whatever else happened to it here: the outbound message trace.

    `outcome` is an Event. The table is divided by days (delivery/trace/partitions.py), and what a search needs stands
    in it by value (delivery/trace/outbound.py): a row outlives `recipient` and the message, whose id is `queue_id`.
    `sender_domain`: whose mail it is, as far as it is of a domain here. `subject` is "" unless subjects are kept.
    `certificate`: what that was found to be (relay/tls/verifying.py), "" in clear. `signing`: with which keys it was
    signed, or why it was not; "" where it was not even loaded.
    """

    id = models.BigAutoField(primary_key=True)  # with `at`, in the database
    recipient = models.ForeignKey(
        QueuedRecipient,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="attempt_rows",
    )
    queue_id = models.BigIntegerField(default=0)
    account_id = models.BigIntegerField(null=True, blank=True)
    reverse_path = models.TextField(default="", blank=True)
    forward_path = models.TextField(default="", blank=True)
    domain = models.TextField(default="", blank=True)
    sender_domain = models.TextField(default="", blank=True)
    message_id = models.TextField(default="", blank=True)
    subject = models.TextField(default="", blank=True)
    at = models.DateTimeField()
    host = models.TextField(default="", blank=True)
    address = models.TextField(default="", blank=True)
    outcome = models.TextField()
    cause = models.TextField(default="", blank=True)
    reply = models.TextField(default="", blank=True)
    tls = models.TextField(default="", blank=True)
    certificate = models.TextField(default="", db_default="", blank=True)
    signing = models.TextField(default="", db_default="", blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.host}: {self.outcome}"
