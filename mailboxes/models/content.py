"""The octets of a message, and what is worked out of them once, at delivery."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone


class Content(models.Model):
    """Stored once for each SMTP transaction or APPEND, however many mailboxes show it. Never changed.

    `envelope` and `body_structure` are in IMAP wire form; `parts` holds the offsets of all MIME parts (see
    mailhost/protocols/message). Nothing here differs by recipient.
    """

    octets = models.BinaryField()
    digest = models.BinaryField()
    size_octets = models.IntegerField()
    header_octets = models.IntegerField()
    envelope = models.BinaryField()
    body_structure = models.BinaryField()
    parts = models.BinaryField()
    message_id = models.TextField(default="")
    references = ArrayField(models.TextField(), default=list)
    subject = models.TextField(default="")
    from_display = models.TextField(default="")
    to_display = models.TextField(default="")
    sort_subject = models.TextField(default="")
    sort_from = models.TextField(default="")
    sort_to = models.TextField(default="")
    sort_cc = models.TextField(default="")
    sent_at = models.DateTimeField(null=True)
    preview = models.TextField(default="")
    has_attachments = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.message_id} ({self.size_octets} octets)"
