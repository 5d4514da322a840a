"""The queue in the admin: the queue page in place of Django's list, and each recipient with its attempts."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from delivery.models import Attempt, QueuedRecipient
from delivery.queue_pages import views
from delivery.queue_pages.frame import Frame
from mailhost.audit.admin_pages import ReadOnlyAdmin, ReadOnlyInline, actor
from mailhost.net.reader_time import reader_time_zone

PARTS = ("queue/numbers.html", "queue/progress.html")  # what the page's script puts into it


class AttemptInline(ReadOnlyInline):
    """Each try for a recipient, the latest first."""

    model = Attempt
    fields = ("at", "host", "address", "outcome", "reply", "tls", "certificate")
    readonly_fields = fields
    show_change_link = False


@admin.register(QueuedRecipient)
class QueuedRecipientAdmin(ReadOnlyAdmin):
    """What waits, with the verbs over it; on a recipient's page all its attempts."""

    inlines: ClassVar = [AttemptInline]
    ordering = ("-id",)

    def get_urls(self) -> list[URLPattern]:
        """The queue's pages."""
        name = "delivery_queuedrecipient_changelist"
        view = self._framed
        seen = require_http_methods(["GET", "HEAD", "POST"])(view(views.show_preview))
        return [
            path("", require_safe(view(views.show_queue)), name=name),
            path("numbers/", require_safe(view(views.show_numbers)), name=f"{name}-numbers"),
            path("preview/", seen, name=f"{name}-preview"),
            path("orders/<int:order_id>/", require_safe(view(views.show_order)), name=f"{name}-order"),
            path("orders/<int:order_id>/stop/", require_POST(view(views.stop_order)), name=f"{name}-stop"),
            *super().get_urls(),
        ]

    def _framed(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        def page(request: HttpRequest, **where: Any) -> HttpResponse:
            frame = Frame(
                by=actor(request),
                sent_from=None,
                names="admin:delivery_queuedrecipient_changelist",
                show=self._show,
                message_page="admin:delivery_inboundtrace_message",
                recipient_page="admin:delivery_queuedrecipient_change",
            )
            with timezone.override(reader_time_zone(request)):
                return view(request, frame, **where)

        return self.admin_site.admin_view(page)

    def _show(self, request: HttpRequest, body: str, context: Mapping[str, Any], status: int) -> HttpResponse:
        if body in PARTS:
            return render(request, body, dict(context), status=status)
        title = {"title": "Queue", "opts": self.opts, "body": body}
        around = {**self.admin_site.each_context(request), **title, **context}
        page = TemplateResponse(request, "admin/delivery/queue/page.html", around, status=status)
        return page.render()  # while the reader's time zone holds
