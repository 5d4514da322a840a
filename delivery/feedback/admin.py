"""Reports of our own in the admin: which days and domains, to whom, when, and what became of them. To be read."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from delivery.models import DmarcFeedback, DmarcFeedbackCopy, QueuedRecipient
from mailhost.audit.admin_pages import ReadOnlyAdmin, ReadOnlyInline, Rows


class CopyInline(ReadOnlyInline):
    """Each address, with where its copy stands."""

    model = DmarcFeedbackCopy
    fields = ("address", "standing", "last_reply")
    readonly_fields = fields
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> Rows:
        """With what the queue says of it, as long as that remembers."""
        recipients = QueuedRecipient.objects.filter(message=OuterRef("queued_message_id")).order_by("pk")
        own = recipients.filter(forward_path__iexact=OuterRef("address"))
        states, replies = Subquery(own.values("state")[:1]), Subquery(own.values("last_reply")[:1])
        rows: Rows = super().get_queryset(request).annotate(queue_state=states, queue_reply=replies)
        return rows

    @admin.display(description="where it stands")
    def standing(self, copy: Any) -> SafeString | str:
        """Leads to the queue."""
        if copy.queued_message_id is None:
            return "delivered here"
        if copy.queue_state is None:
            return "handed to the queue"
        where = reverse("admin:delivery_queuedmessage_change", args=[copy.queued_message_id])
        return format_html('<a href="{}">{}</a>', where, copy.queue_state)

    @admin.display(description="last reply")
    def last_reply(self, copy: Any) -> str:
        """Of the host that takes its mail."""
        return copy.queue_reply or ""


@admin.register(DmarcFeedback)
class DmarcFeedbackAdmin(ReadOnlyAdmin):
    """What this host tells other domains of mail in their name, once a day."""

    list_display = ("day", "domain", "state", "message_count", "row_count", "sent_at", "sent_to", "due_at")
    list_display_links = ("day", "domain")
    list_filter: ClassVar = ["state", "day"]
    search_fields = ("domain", "report_id")
    fields = (
        *("day", "domain", "state", "note", "message_count", "row_count", "left_out"),
        *("due_at", "attempts", "sent_at", "report_id", "size_octets", "policy", "uris"),
    )
    readonly_fields = fields
    inlines: ClassVar = [CopyInline]
    ordering = ("-day", "domain")
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> Rows:
        """With the addresses that each went to."""
        copies = DmarcFeedbackCopy.objects.filter(feedback=OuterRef("pk")).order_by().values("feedback")
        addresses = copies.annotate(all=ArrayAgg("address")).values("all")
        rows: Rows = super().get_queryset(request).annotate(addresses=Subquery(addresses))
        return rows

    @admin.display(description="sent to")
    def sent_to(self, feedback: Any) -> str:
        """All of them."""
        return ", ".join(feedback.addresses or ())
