"""The inbound trace in the admin: what became of each message, and what the filters said of it."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from delivery import trace
from delivery.admin_filters import as_table, outcome
from delivery.filters.recording import as_verdict
from delivery.models import InboundTrace, RecordedVerdict
from mailhost.audit.admin_pages import ReadOnlyAdmin, Rows, Uncounted

MAX_VERDICTS = 20  # of one message that went to many


@admin.register(InboundTrace)
class InboundTraceAdmin(ReadOnlyAdmin):
    """What became of each message that was brought here, for each recipient. To be searched."""

    list_display = ("at", "mail", "became", "client")
    list_filter: ClassVar = ["outcome", "at"]
    fields = (
        *("at", "outcome", "reply", "said", "sender", "forward_path", "message_id", "size_octets", "account"),
        *("peer", "helo", "tls", "login", "trace_id", "session"),
    )
    readonly_fields = fields
    search_fields = ("forward_path",)  # shows the field; what it finds is below
    search_help_text = (
        "A sender's or recipient's address, a recipient's domain, a Message-ID, a client's address, or an id of a log "
        "line or reply, whole."
    )
    list_per_page = 50
    paginator = Uncounted

    def get_search_results(self, request: HttpRequest, queryset: Rows, search_term: str) -> tuple[Rows, bool]:
        """What the trace itself finds by looks into its indexes."""
        if not search_term.strip():
            return queryset, False
        chosen: Rows = queryset & trace.search(text=search_term)
        return chosen, False

    @admin.display(description="reverse-path")
    def sender(self, row: InboundTrace) -> str:
        """As MAIL FROM said it."""
        return row.reverse_path or ("<>" if row.forward_path else "")

    @admin.display(description="mail")
    def mail(self, row: InboundTrace) -> SafeString:
        """Whom it is for and from, and what it calls itself."""
        return format_html(
            "{}<br><small>from {}<br>{}</small>",
            row.forward_path or "(nobody was named)",
            self.sender(row) or "(nobody yet)",
            row.message_id,
        )

    @admin.display(description="what became of it", ordering="outcome")
    def became(self, row: InboundTrace) -> SafeString:
        """With what the client was told."""
        return format_html("{}<br><small>{}</small>", row.get_outcome_display(), row.reply)

    @admin.display(description="client", ordering="peer")
    def client(self, row: InboundTrace) -> SafeString:
        """Its address, and the ids that the logs have."""
        return format_html("{}<br><small>{}<br>{}</small>", row.peer, row.trace_id, row.session)

    @admin.display(description="account")
    def account(self, row: InboundTrace) -> str:
        """Whose mail it is; it may be gone by now."""
        return f"number {row.account_id}" if row.account_id is not None else "none here"

    @admin.display(description="what the filters said")
    def said(self, row: InboundTrace) -> SafeString:
        """The verdict for this recipient, else those for all accounts that the message led to."""
        if not row.trace_id:
            return format_html("{}", "The session ended before there was a message to be judged.")
        verdicts = (
            RecordedVerdict.objects.filter(trace_id=row.trace_id).select_related("account").order_by("pk")
        )
        if row.account_id is not None:
            verdicts = verdicts.filter(account_id=row.account_id)
        lines = [_verdict(each) for each in verdicts[:MAX_VERDICTS]]
        if not lines:
            return format_html("{}", "Nothing is kept: it was not taken, not judged, or that was long ago.")
        return format_html_join("", "{}", ((line,) for line in lines))


def _verdict(row: Any) -> SafeString:
    where = reverse("admin:delivery_recordedverdict_change", args=[row.pk])
    return format_html(
        '<p><a href="{}">{} for {}</a></p>{}',
        where,
        outcome(row),
        row.account.login,
        as_table(as_verdict(row).findings),
    )
