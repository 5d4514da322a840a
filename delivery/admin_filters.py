"""What the filters said and what they hold back, in the admin. Texts are their recipients' and not shown here."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from delivery import quarantine
from delivery.filters.recording import as_verdict
from delivery.findings import Finding
from delivery.models import InboundTrace, Quarantined, RecordedVerdict
from delivery.verdict_search import search_verdicts
from mailboxes.exceptions import QuotaExceeded
from mailhost.audit.admin_pages import ReadOnlyAdmin, Rows, Uncounted, actor

MAX_TRACED = 20


@admin.register(RecordedVerdict)
class RecordedVerdictAdmin(ReadOnlyAdmin):
    """Each verdict, for one account; on its page the findings, what weighs most first."""

    list_display = ("judged_at", "account", "action", "points", "brought")
    list_filter: ClassVar = ["action", "judged_at"]
    list_select_related = ("account",)
    search_fields = ("trace_id",)  # shows the field; what it finds is below
    search_help_text = (
        "An account's address, a trace id, a content's number; for as long as the trace knows the message also a "
        "sender's or recipient's address, a Message-ID or a client's address. Whole."
    )
    fields = (
        *("judged_at", "account", "action", "score", "findings_table", "became"),
        *("reverse_path_shown", "peer", "trace_id", "content_id"),
    )
    readonly_fields = fields
    ordering = ("-id",)
    list_per_page = 50
    paginator = Uncounted

    def get_search_results(self, request: HttpRequest, queryset: Rows, search_term: str) -> tuple[Rows, bool]:
        """By looks into indexes."""
        if not search_term.strip():
            return queryset, False
        chosen: Rows = queryset & search_verdicts(search_term)
        return chosen, False

    def get_queryset(self, request: HttpRequest) -> Rows:
        """The list has no room for findings, and does not read them."""
        rows: Rows = super().get_queryset(request)
        return rows.defer("findings")

    @admin.display(description="reverse-path", ordering="reverse_path")
    def reverse_path_shown(self, verdict: RecordedVerdict) -> str:
        """MAIL FROM."""
        return verdict.reverse_path or "<> (null)"

    @admin.display(description="points", ordering="score")
    def points(self, verdict: RecordedVerdict) -> str:
        """All together."""
        return f"{verdict.score:g}"

    @admin.display(description="brought by", ordering="peer")
    def brought(self, verdict: RecordedVerdict) -> SafeString:
        """The client, for whom, and the trace id."""
        whose = self.reverse_path_shown(verdict)
        return format_html("{}<br><small>for {}<br>{}</small>", verdict.peer, whose, verdict.trace_id)

    @admin.display(description="findings")
    def findings_table(self, verdict: RecordedVerdict) -> SafeString:
        """A line for each."""
        return as_table(as_verdict(verdict).findings)

    @admin.display(description="what became of it")
    def became(self, verdict: RecordedVerdict) -> SafeString:
        """The trace of the message, for each recipient that led to this account."""
        rows = InboundTrace.objects.filter(trace_id=verdict.trace_id).exclude(trace_id="")
        rows = rows.filter(account_id=verdict.account_id).order_by("at", "id")[:MAX_TRACED]
        lines = [
            (
                reverse("admin:delivery_inboundtrace_change", args=[row.pk]),
                row.forward_path,
                row.get_outcome_display(),
                row.reply,
            )
            for row in rows
        ]
        if not lines:
            return format_html("{}", "The trace does not know it (any more).")
        return format_html_join("", '<p><a href="{}">{}</a>: {}<br><small>{}</small></p>', lines)


def outcome(verdict: RecordedVerdict) -> str:
    """What was done, and the points."""
    return f"{verdict.get_action_display()}, {verdict.score:g} points"


def as_table(findings: Iterable[Finding]) -> SafeString:
    """A line for each, in their order."""
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
            for each in findings
        ),
    )
    head = SafeString("<thead><tr><th>Points</th><th>Finding</th></tr></thead>")
    return format_html('<table class="findings">{}<tbody>{}</tbody></table>', head, rows)


@admin.register(Quarantined)
class QuarantinedAdmin(ReadOnlyAdmin):
    """What is held back; it can be released to its account, or discarded."""

    list_display = ("held_at", "account", "message", "expires_at")
    list_display_links = None
    search_fields = ("account__login", "content__from_display", "content__subject")
    actions = ("release", "discard")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> Rows:
        """With what was found; without the octets."""
        verdicts = RecordedVerdict.objects.filter(
            account_id=OuterRef("account_id"), content_id=OuterRef("content_id")
        )
        rows: Any = super().get_queryset(request).select_related("account", "content")
        own = (field.name for field in Quarantined._meta.concrete_fields)
        shown = ("content__from_display", "content__subject", "account__login")
        found: Rows = rows.annotate(
            findings=Subquery(verdicts.values("findings")[:1]), verdict_id=Subquery(verdicts.values("pk")[:1])
        ).only(*own, *shown)
        return found

    @admin.display(description="message")
    def message(self, held: Any) -> SafeString:
        """Subject and author as the message says them, and the finding that weighs most: verdicts keep it first."""
        why: SafeString | str = ""
        if held.verdict_id is not None:
            where = reverse("admin:delivery_recordedverdict_change", args=[held.verdict_id])
            text = held.findings[0]["text"] if held.findings else "Nothing was found."
            why = format_html('{} <a href="{}">All reasons</a>', text, where)
        return format_html(
            "{}<br><small>from {}</small><br><small>{}</small>",
            held.content.subject or "(no subject)",
            held.content.from_display or "(unknown)",
            why,
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
