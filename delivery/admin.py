"""The queue in the admin: what waits, what became of it, and the messages. To be read, but for what is held."""

from collections import Counter
from typing import Any, ClassVar

import nh3
from django.contrib import admin
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce, Lower
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from delivery import admin_filters, admin_queue, admin_tls, admin_trace  # noqa: F401  Django looks into this module alone
from delivery.admin_causes import ProblemsPage
from delivery.admin_suppression import SuppressionAdmin  # noqa: F401
from delivery.feedback import admin as feedback_admin  # noqa: F401
from delivery.feedback.tls import admin as tls_feedback_admin  # noqa: F401
from delivery.models import (
    Attempt,
    Destination,
    DmarcReport,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
    TlsReport,
)
from delivery.models.queue import DUE_STATES
from delivery.queue.filtering import QueueFilter, find
from delivery.queue.route_names import route_name
from delivery.reports.picture import picture
from delivery.routes import admin as routes_admin  # noqa: F401
from delivery.submission.admin import HeldActions
from mailboxes.models import Content
from mailboxes.store import structure
from mailhost.audit.admin_pages import ReadOnlyAdmin, ReadOnlyInline, Rows
from mailhost.protocols.message.reading import read_message

MAX_SHOWN_OCTETS = 1 << 20
MAX_DIGITS = 18  # of what a bigint holds


class RecipientInline(ReadOnlyInline):
    """The recipients of a message."""

    model = QueuedRecipient
    fields = (
        "forward_path",
        "original_path",
        "state",
        "attempts",
        "next_attempt_at",
        "last_attempt_at",
        "last_reply",
        "finished_at",
    )
    readonly_fields = fields
    ordering = ("id",)


@admin.register(QueuedMessage)
class QueuedMessageAdmin(HeldActions, ReadOnlyAdmin):
    """Messages that are to leave, or have left, or (relay `capture`) were kept here instead."""

    list_display = (
        "label",
        "reverse_path_shown",
        "subject",
        "standing",
        "size_octets",
        "created_at",
        "expires_at",
    )
    list_filter: ClassVar = [("recipients__state", admin.ChoicesFieldListFilter), "created_at"]
    search_fields = ("reverse_path",)  # shows the field; what it finds is below
    search_help_text = "A number such as Q7, or the address of the reverse-path or of a recipient, whole."
    fields = (
        "reverse_path_shown",
        "account",
        "subject",
        "message_id",
        "views",
        "size_octets",
        "body",
        "is_smtputf8",
        "ret",
        "envid",
        "created_at",
        "release_at",
        "released_at",
        "future_release",
        "forwarded_by",
        "signing",
        "expires_at",
    )
    readonly_fields = fields
    inlines: ClassVar = [RecipientInline]
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> Rows:
        """With how its recipients stand; without the octets."""
        # A subquery is worked out for the rows of the page alone, a join for the whole queue.
        recipients = QueuedRecipient.objects.filter(message=OuterRef("pk")).order_by().values("message")
        states = recipients.annotate(states=ArrayAgg("state")).values("states")
        rows: Any = super().get_queryset(request).select_related("account", "content")
        own = (field.name for field in QueuedMessage._meta.concrete_fields)
        shown = ("content__subject", "content__message_id", "account__login")
        found: Rows = rows.annotate(states=Subquery(states)).only(*own, *shown)
        return found

    def get_search_results(self, request: HttpRequest, queryset: Rows, search_term: str) -> tuple[Rows, bool]:
        """By looks into indexes."""
        folded = search_term.strip().strip("<>").lower()
        if not folded:
            return queryset, False
        number = folded.removeprefix("q")
        if number.isascii() and number.isdigit() and len(number) <= MAX_DIGITS:
            return queryset.filter(pk=int(number)), False
        to = find(QueueFilter(recipient=folded, states=tuple(RecipientState))).values("message_id")
        by = queryset.annotate(by=Lower("reverse_path"))
        return by.filter(Q(by=folded) | Q(pk__in=to)), False

    @admin.display(description="message", ordering="id")
    def label(self, message: QueuedMessage) -> str:
        """Its number."""
        return f"Q{message.pk}"

    @admin.display(description="reverse-path", ordering="reverse_path")
    def reverse_path_shown(self, message: QueuedMessage) -> str:
        """Where a DSN would go."""
        return message.reverse_path or "<> (null: a report)"

    @admin.display(description="subject")
    def subject(self, message: QueuedMessage) -> str:
        """As the message says it."""
        return message.content.subject or "(no subject)"

    @admin.display(description="signing")
    def signing(self, message: QueuedMessage) -> str:
        """As the newest try that came so far tells it."""
        tries = Attempt.objects.filter(queue_id=message.pk).exclude(signing="").order_by("-at", "-id")
        return tries.values_list("signing", flat=True).first() or "-"

    @admin.display(description="Message-ID")
    def message_id(self, message: QueuedMessage) -> str:
        """As the message says it."""
        return message.content.message_id

    @admin.display(description="recipients")
    def standing(self, message: Any) -> str:
        """How many stand how."""
        counts = Counter(message.states or [])
        return ", ".join(f"{counts[state]} {state}" for state in RecipientState.values if counts[state])

    @admin.display(description="the message")
    def views(self, message: QueuedMessage) -> SafeString:
        """Links to look at it."""
        return format_html(
            '<a href="{}">Read</a> · <a href="{}">View source</a>',
            reverse("admin:delivery_queuedmessage_read", args=[message.pk]),
            reverse("admin:delivery_queuedmessage_source", args=[message.pk]),
        )

    def get_urls(self) -> list[URLPattern]:
        """Two more pages for each message."""
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/read/", view(self.read), name="delivery_queuedmessage_read"),
            path("<int:pk>/source/", view(self.source), name="delivery_queuedmessage_source"),
            *super().get_urls(),
        ]

    def read(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The message as its recipient would read it, its HTML as plain text."""
        message, octets = _message(pk)
        readable = read_message(octets, limits=structure.limits())
        text = readable.text_plain
        if text is None:
            text = nh3.clean(readable.text_html or "", tags=set())
        return self._page(request, message, "read", message=readable, text=text)

    def source(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The octets that leave."""
        message, octets = _message(pk)
        source = octets[:MAX_SHOWN_OCTETS].decode("utf-8", "replace")
        return self._page(request, message, "source", source=source, is_cut=len(octets) > MAX_SHOWN_OCTETS)

    def _page(self, request: HttpRequest, queued: QueuedMessage, view: str, **context: Any) -> HttpResponse:
        frame = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "queued": queued,
            "title": str(queued),
            "recipients": list(queued.recipients.order_by("id")),
            "view": view,
        }
        return TemplateResponse(request, "admin/delivery/queuedmessage/message.html", frame | context)


@admin.register(Destination)
class DestinationAdmin(ProblemsPage, ReadOnlyAdmin):
    """Where mail goes to, and when it is tried again."""

    list_display = ("label", "route", "waiting", "failures", "next_attempt_at", "claimed_until")
    search_fields = ("name",)
    exclude = ("claim_token",)

    def get_queryset(self, request: HttpRequest) -> Rows:
        """With how many wait, and by which route."""
        due = QueuedRecipient.objects.filter(destination=OuterRef("pk"), state__in=DUE_STATES)
        counts = due.order_by().values("destination").annotate(count=Count("pk")).values("count")
        rows: Rows = (
            super()
            .get_queryset(request)
            .annotate(waiting_count=Coalesce(Subquery(counts), 0), route_name=route_name("route_id"))
        )
        return rows

    @admin.display(description="name", ordering="name")
    def label(self, destination: Destination) -> str:
        """A domain, or this host."""
        return str(destination)

    @admin.display(description="route", ordering="route_name")
    def route(self, destination: Any) -> str:
        """By which it goes there, where that is not as the settings say."""
        return str(destination.route_name)

    @admin.display(description="waiting", ordering="waiting_count")
    def waiting(self, destination: Any) -> int:
        """Recipients that are due there, now or later."""
        return int(destination.waiting_count)


def _message(pk: int) -> tuple[QueuedMessage, bytes]:
    message = QueuedMessage.objects.filter(pk=pk).first() if pk < 1 << 62 else None
    content = Content.objects.filter(pk=message.content_id).only("octets").first() if message else None
    if message is None or content is None:
        raise Http404("This message, or its content, is gone.")
    return message, bytes(content.octets)


@admin.register(DmarcReport)
class DmarcReportAdmin(ReadOnlyAdmin):
    """DMARC reports that other hosts sent about domains here, and a picture for each domain."""

    list_display = (
        "domain_shown",
        "organization",
        "begins_at",
        "policy",
        "is_authentic",
        "messages",
    )
    list_display_links = None
    list_filter: ClassVar = ["is_authentic", "begins_at"]
    search_fields = ("domain", "organization", "report_id")

    def get_queryset(self, request: HttpRequest) -> Rows:
        """With how many messages each is about."""
        rows: Rows = super().get_queryset(request).annotate(messages=Sum("rows__count"))
        return rows

    @admin.display(description="domain", ordering="domain")
    def domain_shown(self, report: DmarcReport) -> SafeString:
        """Leads to its picture."""
        where = reverse("admin:delivery_dmarcreport_picture", args=[report.domain])
        return format_html('<a href="{}">{}</a>', where, report.domain)

    @admin.display(description="messages")
    def messages(self, report: Any) -> int:
        """In all its rows."""
        return report.messages or 0

    def get_urls(self) -> list[URLPattern]:
        """A page for each domain."""
        view = self.admin_site.admin_view(self.picture)
        return [path("domain/<str:domain>/", view, name="delivery_dmarcreport_picture"), *super().get_urls()]

    def picture(self, request: HttpRequest, domain: str) -> HttpResponse:
        """What the reports of the last weeks say; `?days=` of PICTURE_DAYS."""
        shown = picture(domain=domain.lower(), asked_days=request.GET.get("days", ""), now=timezone.now())
        frame = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Reports about {domain.lower()}",
            **shown,
        }
        return TemplateResponse(request, "admin/delivery/reports/picture.html", frame)


@admin.register(TlsReport)
class TlsReportAdmin(ReadOnlyAdmin):
    """TLS reports that other hosts sent about domains here."""

    list_display = ("domain", "organization", "begins_at", "policy", "successes", "failed", "is_authentic")
    list_display_links = None
    list_filter: ClassVar = ["is_authentic", "begins_at"]
    search_fields = ("domain", "organization", "report_id")
