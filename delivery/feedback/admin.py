"""DMARC reports of our own in the admin: which days and domains, to whom, when, and what became of them. To be read."""

from typing import ClassVar

from django.contrib import admin

from delivery.feedback.admin_pages import CopyPages, FeedbackPages
from delivery.models import DmarcFeedback, DmarcFeedbackCopy


class CopyInline(CopyPages):
    """Each address."""

    model = DmarcFeedbackCopy


@admin.register(DmarcFeedback)
class DmarcFeedbackAdmin(FeedbackPages):
    """What this host tells other domains of mail in their name, once a day."""

    copies = DmarcFeedbackCopy
    list_display = ("day", "domain", "state", "message_count", "row_count", "sent_at", "sent_to", "due_at")
    fields = (
        *("day", "domain", "state", "note", "message_count", "row_count", "left_out"),
        *("due_at", "attempts", "sent_at", "report_id", "size_octets", "policy", "uris"),
    )
    readonly_fields = fields
    inlines: ClassVar = [CopyInline]
