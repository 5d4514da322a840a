"""What the filters said and what they hold back, in the admin. Texts are their recipients' and not shown here."""

from collections import defaultdict
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from delivery import quarantine
from delivery.filters.recording import as_verdict
from delivery.models import Quarantined, RecordedVerdict
from mailboxes.exceptions import QuotaExceeded
from mailhost.audit.admin_pages import ReadOnlyAdmin, Rows, actor


@admin.register(RecordedVerdict)
class RecordedVerdictAdmin(ReadOnlyAdmin):
    """Each verdict, for one account; on its page the findings, what weighs most first."""

    list_display = ("judged_at", "account", "action", "score", "reverse_path_shown", "peer", "trace_id")
    list_filter: ClassVar = ["action", "judged_at"]
    list_select_related = ("account",)
    search_fields = ("account__login", "trace_id", "reverse_path", "peer")
    fields = (
        *("judged_at", "account", "action", "score", "findings_table"),
        *("reverse_path_shown", "peer", "trace_id", "content_id"),
    )
    readonly_fields = fields
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> Rows:
        """The list has no room for findings, and does not read them."""
        rows: Rows = super().get_queryset(request)
        return rows.defer("findings")

    @admin.display(description="reverse-path", ordering="reverse_path")
    def reverse_path_shown(self, verdict: RecordedVerdict) -> str:
        """MAIL FROM."""
        return verdict.reverse_path or "<> (null)"

    @admin.display(description="findings")
    def findings_table(self, verdict: RecordedVerdict) -> SafeString:
        """A line for each."""
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}{}<br><small>{}: {}</small></td></tr>",
            (
                (
                    f"{each.score:+.1f}" if each.score else "",
                    each.text,
                    f" Demands: {each.at_least.name.lower()}." if each.at_least else "",
                    each.check,
                    each.result,
                )
                for each in as_verdict(verdict).findings
            ),
        )
        head = SafeString("<thead><tr><th>Points</th><th>Finding</th></tr></thead>")
        return format_html("<table>{}<tbody>{}</tbody></table>", head, rows)


@admin.register(Quarantined)
class QuarantinedAdmin(ReadOnlyAdmin):
    """What is held back; it can be released to its account, or discarded."""

    list_display = ("held_at", "account", "message", "expires_at")
    list_display_links = None
    search_fields = ("account__login", "content__from_display", "content__subject")
    actions = ("release", "discard")  # type: ignore[assignment]
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> Rows:
        """With what was found; without the octets."""
        verdicts = RecordedVerdict.objects.filter(
            account_id=OuterRef("account_id"), content_id=OuterRef("content_id")
        )
        rows: Any = super().get_queryset(request).select_related("account", "content")
        own = (field.name for field in Quarantined._meta.concrete_fields)
        shown = ("content__from_display", "content__subject", "account__login")
        found: Rows = rows.annotate(findings=Subquery(verdicts.values("findings")[:1])).only(*own, *shown)
        return found

    @admin.display(description="message")
    def message(self, held: Any) -> SafeString:
        """Subject and author as the message says them, and the finding that weighs most: verdicts keep it first."""
        return format_html(
            "{}<br><small>from {}</small><br><small>{}</small>",
            held.content.subject or "(no subject)",
            held.content.from_display or "(unknown)",
            held.findings[0]["text"] if held.findings else "",
        )

    @admin.action(description="Release to the account's inbox")
    def release(self, request: HttpRequest, queryset: Rows) -> None:
        """Account by account: a full one keeps its own."""
        count = 0
        for account_id, ids in _by_account(queryset).items():
            try:
                count += quarantine.release(
                    account_id=account_id, ids=ids, by=actor(request), now=timezone.now()
                )
            except QuotaExceeded:
                login = queryset.filter(account_id=account_id).values_list("account__login", flat=True)[0]
                messages.error(request, f"There is no room in {login}: what is held for it stays.")
        messages.success(request, f"{count} released.")

    @admin.action(description="Discard for good")
    def discard(self, request: HttpRequest, queryset: Rows) -> None:
        """They are gone."""
        count = sum(
            quarantine.discard(account_id=account_id, ids=ids, by=actor(request))
            for account_id, ids in _by_account(queryset).items()
        )
        messages.success(request, f"{count} discarded.")


def _by_account(rows: Rows) -> dict[int, list[int]]:
    ids: dict[int, list[int]] = defaultdict(list)
    for pk, account_id in rows.values_list("pk", "account_id"):
        ids[account_id].append(pk)
    return ids
