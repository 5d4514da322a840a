"""Delivery problems in the admin: why the mail of the whole host does not arrive, by cause."""

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from delivery.causes import read_problems

if TYPE_CHECKING:
    from mailhost.audit.admin_pages import ReadOnlyAdmin as Page
else:
    Page = object


class ProblemsPage(Page):
    """For the pages of destinations."""

    change_list_template = "admin/delivery/destination/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        """One more."""
        view = self.admin_site.admin_view(self.problems)
        return [path("problems/", view, name="delivery_destination_problems"), *super().get_urls()]

    def problems(self, request: HttpRequest) -> HttpResponse:
        """What waits and what came back, with the next step."""
        frame: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Delivery problems",
            "problems": read_problems(now=timezone.now()),
        }
        return TemplateResponse(request, "admin/delivery/destination/problems.html", frame)
