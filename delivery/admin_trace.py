"""The message trace in the admin: the one search, a message's way, and each row of what was brought, with verdicts."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from delivery.admin_filters import as_table, outcome
from delivery.filters.recording import as_verdict
from delivery.models import InboundTrace, RecordedVerdict
from delivery.trace.asking import EVERYTHING
from delivery.trace.pages import message_page, search_page
from mailhost.audit.admin_pages import ReadOnlyAdmin
from mailhost.net.reader_time import reader_time_zone

MAX_VERDICTS = 20  # of one message that went to many
MAX_ROWS = 20  # that a message's page links to


@admin.register(InboundTrace)
class InboundTraceAdmin(ReadOnlyAdmin):
    """What became of each message, for each recipient: lists are the search, a page is a row of what was brought."""

    fields = (
        *("at", "outcome", "reply", "said", "sender", "forward_path", "message_id", "subject", "size_octets"),
        *("account", "peer", "helo", "tls", "login", "trace_id", "session"),
    )
    readonly_fields = fields

    def get_urls(self) -> list[Any]:
        """With the page of one message."""
        view = self.admin_site.admin_view(self.message_view)
        return [path("message/", view, name="delivery_inboundtrace_message"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The one search over what came, what waits and what left."""
        self._require_view(request)
        with timezone.override(reader_time_zone(request)):
            context, status = search_page(request, EVERYTHING)
            where = reverse("admin:delivery_inboundtrace_message")
            return self._page(request, "search", "Message trace", status, message_url=where, **context)

    def message_view(self, request: HttpRequest) -> HttpResponse:
        """The whole way of the message that `?id=` means."""
        self._require_view(request)
        with timezone.override(reader_time_zone(request)):
            context = message_page(request, EVERYTHING)
            steps = context["timeline"].steps
            rows = [step.row.id for step in steps if step.row.source == "inbound"]
            return self._page(request, "message", "A message’s way", 200, rows_of=rows[:MAX_ROWS], **context)

    def _require_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _page(self, request: HttpRequest, name: str, title: str, status: int, **context: Any) -> HttpResponse:
        """Rendered here: the reader's time zone counts."""
        frame = self.admin_site.each_context(request) | {"opts": self.opts, "title": title}
        template = f"admin/delivery/inboundtrace/{name}.html"
        return render(request, template, frame | context, status=status)

    @admin.display(description="reverse-path")
    def sender(self, row: InboundTrace) -> str:
        """As MAIL FROM said it."""
        return row.reverse_path or ("<>" if row.forward_path else "")

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
