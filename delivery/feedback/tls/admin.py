"""TLS reports of our own in the admin: how connections went, to whom that was told, and what failed. To be read."""

from typing import Any, ClassVar, Final

from django.contrib import admin
from django.db.models import OuterRef, Subquery, Sum
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from delivery.feedback.admin_pages import CopyPages, FeedbackPages
from delivery.models import TlsFeedback, TlsFeedbackCopy, TlsFeedbackRow
from mailhost.audit.admin_pages import Rows

MOST_SHOWN: Final = 100  # kinds of sessions of one report
POLICIES: Final = {"tlsa": "DANE", "sts": "MTA-STS", "no-policy-found": "none"}


class CopyInline(CopyPages):
    """Each address and https place."""

    model = TlsFeedbackCopy


@admin.register(TlsFeedback)
class TlsFeedbackAdmin(FeedbackPages):
    """What this host tells other domains of connections to their mail servers, once a day."""

    copies = TlsFeedbackCopy
    list_display = ("day", "domain", "state", "session_count", "failed", "sent_at", "sent_to", "due_at")
    fields = (
        *("day", "domain", "state", "note", "session_count", "failed", "left_out", "sessions"),
        *("due_at", "attempts", "sent_at", "report_id", "size_octets"),
    )
    readonly_fields = fields
    inlines: ClassVar = [CopyInline]

    def get_queryset(self, request: HttpRequest) -> Rows:
        """With how many sessions failed."""
        rows = TlsFeedbackRow.objects.filter(feedback=OuterRef("pk")).exclude(row__result="")
        failed = rows.order_by().values("feedback").annotate(all=Sum("count")).values("all")
        found: Rows = super().get_queryset(request).annotate(failed_count=Subquery(failed))
        return found

    @admin.display(description="failed")
    def failed(self, feedback: Any) -> int:
        """How many of them."""
        return feedback.failed_count or 0

    @admin.display(description="sessions")
    def sessions(self, feedback: TlsFeedback) -> SafeString:
        """Each kind with how many there were, the most first."""
        rows = list(feedback.rows.order_by("-count", "pk")[:MOST_SHOWN])
        lines = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}<br><small>{}</small></td><td>{}<br><small>{}</small></td></tr>",
            (_cells(each) for each in rows),
        )
        head = "<tr><th>Sessions</th><th>Policy</th><th>Mail server</th><th>Result</th></tr>"
        return format_html(
            '<table class="findings"><thead>{}</thead><tbody>{}</tbody></table>', SafeString(head), lines
        )


def _cells(row: TlsFeedbackRow) -> tuple[object, ...]:
    session = row.row
    return (
        row.count,
        POLICIES.get(session.get("policy_type", ""), ""),
        session.get("mx_host", ""),
        session.get("receiving_ip") or "",
        session.get("result") or "encrypted",
        session.get("detail", ""),
    )
