"""What the admin pages of all reports of our own have in common: to whom each went, and where its copies stand."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Manager, OuterRef, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from delivery.models import QueuedRecipient
from delivery.models.feedback import FeedbackCopy
from mailhost.audit.admin_pages import ReadOnlyAdmin, ReadOnlyInline, Rows


class CopyPages(ReadOnlyInline):
    """Each place, with where its copy stands."""

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
            return "taken" if copy.address.lower().startswith("https:") else "delivered here"
        if copy.queue_state is None:
            return "handed to the queue"
        where = reverse("admin:delivery_queuedmessage_change", args=[copy.queued_message_id])
        return format_html('<a href="{}">{}</a>', where, copy.queue_state)

    @admin.display(description="last reply")
    def last_reply(self, copy: Any) -> str:
        """Of the host that takes its mail."""
        return copy.queue_reply or ""


class FeedbackPages(ReadOnlyAdmin):
    """Each day and domain."""

    copies: type[FeedbackCopy]

    list_display_links = ("day", "domain")
    list_filter: ClassVar = ["state", "day"]
    search_fields = ("domain", "report_id")
    ordering = ("-day", "domain")
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> Rows:
        """With the places that each went to."""
        manager: Manager[Any] = self.copies._default_manager
        copies = manager.filter(feedback=OuterRef("pk")).order_by().values("feedback")
        addresses = copies.annotate(all=ArrayAgg("address")).values("all")
        rows: Rows = super().get_queryset(request).annotate(addresses=Subquery(addresses))
        return rows

    @admin.display(description="sent to")
    def sent_to(self, feedback: Any) -> str:
        """All of them."""
        return ", ".join(feedback.addresses or ())
