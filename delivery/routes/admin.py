"""Routes in the admin: what they are, changed by verbs, and a try that sends nothing."""

import asyncio
from typing import Any, ClassVar, Final

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path
from django.utils import timezone

from delivery.models import OutboundRoute, RouteTls
from delivery.relay.departure import missing, parse_source
from delivery.relay.next_hops import configured_route
from delivery.routes.making import RouteInvalid, RouteNotFound, RoutePlan, put_route, remove_route
from delivery.routes.trying import try_route
from delivery.routes.ways import as_way
from mailhost.audit.admin_pages import VerbAdmin, VerbForm
from mailhost.net.resolver import configured_resolver

ENCRYPTION: Final = {
    RouteTls.OPPORTUNISTIC: "where offered",
    RouteTls.REQUIRED: "required",
    RouteTls.IMPLICIT: "required, at once",
    RouteTls.NONE: "never",
}


class Lines(forms.CharField):
    """One in a line, as a tuple."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 4, "cols": 60}), required=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """A list from the row."""
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        """Without blank lines."""
        return tuple(line.strip() for line in (super().to_python(value) or "").splitlines() if line.strip())


class OutboundRouteForm(VerbForm):
    """A route, with a password that is written and never shown."""

    smarthost = forms.CharField(
        required=False,
        help_text="Host that takes all mail of this route. Empty: straight to the recipients' own mail servers.",
    )
    port = forms.IntegerField(
        initial=587, help_text="Of the smarthost: 587 as a rule, 465 with encryption from the first octet."
    )
    login = forms.CharField(required=False, help_text="Where the smarthost asks for one.")
    new_password = forms.CharField(
        label="Password",
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Kept encrypted. Empty: it stays as it is.",
    )
    sending_domains = Lines(
        label="Mail from",
        help_text="Likewise. Empty: from any domain. Where several routes fit, the recipient's domain counts first.",
    )
    recipient_domains = Lines(
        label="Mail to",
        help_text="One domain a line, *.example.org for all below one. Empty: to any domain.",
    )
    sources = Lines(
        label="Addresses to send from",
        help_text="One IPv4 or IPv6 address of this machine a line, with its name in DNS behind it. Each destination "
        "sees one of each kind. Empty: as the system chooses.",
    )
    ehlo_name = forms.CharField(
        label="EHLO name",
        required=False,
        help_text=f"For addresses without a name of their own. Empty: {settings.HOSTNAME}.",
    )

    class Meta:
        model = OutboundRoute
        fields = (
            "name",
            "recipient_domains",
            "sending_domains",
            "smarthost",
            "port",
            "tls",
            "login",
            "new_password",
            "allows_clear",
            "sources",
            "ehlo_name",
        )
        widgets: ClassVar = {"name": forms.TextInput(attrs={"size": 40})}


@admin.register(OutboundRoute)
class OutboundRouteAdmin(VerbAdmin):
    """Which mail leaves by which smarthost, or from which addresses. All other mail goes as MAILHOST_RELAY says."""

    form = OutboundRouteForm
    facts = (RouteInvalid, RouteNotFound)
    list_display = ("name", "mail", "leads_to", "encryption", "findings")
    change_form_template = "admin/delivery/outboundroute/change_form.html"
    change_list_template = "admin/delivery/outboundroute/change_list.html"

    @admin.display(description="which mail")
    def mail(self, route: OutboundRoute) -> str:
        """In words."""
        senders = ", ".join(route.sending_domains[:5]) or "any domain"
        recipients = ", ".join(route.recipient_domains[:5]) or "any domain"
        return f"from {senders} to {recipients}"

    @admin.display(description="leads to")
    def leads_to(self, route: OutboundRoute) -> str:
        """Host and port."""
        return f"{route.smarthost}:{route.port}" if route.smarthost else "the recipients' mail servers"

    @admin.display(description="encryption")
    def encryption(self, route: OutboundRoute) -> str:
        """In a word or two: the form says it whole."""
        return ENCRYPTION[RouteTls(route.tls)]

    @admin.display(description="findings")
    def findings(self, route: OutboundRoute) -> str:
        """What is wrong with its addresses, as this machine sees it."""
        absent = missing(parse_source(text) for text in route.sources)
        return f"This machine does not have {', '.join(absent)}." if absent else ""

    def perform(self, request: HttpRequest, form: VerbForm, *, is_new: bool, by: str) -> Model:
        """Makes or changes it, and what waits is moved."""
        values = dict(form.cleaned_data)
        plan = RoutePlan(password=values.pop("new_password") or None, **values)
        return put_route(plan=plan, route_id=None if is_new else form.instance.pk, by=by, now=timezone.now())

    def remove(self, row: Any, *, by: str) -> None:
        """What waits for it goes another way."""
        remove_route(route_id=row.pk, by=by, now=timezone.now())

    def get_urls(self) -> list[URLPattern]:
        """One more for each route."""
        view = self.admin_site.admin_view(self.try_it)
        return [path("<int:pk>/try/", view, name="delivery_outboundroute_try"), *super().get_urls()]

    def try_it(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Shows what a try would do, and does it when asked to."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        route = get_object_or_404(OutboundRoute, pk=pk)
        steps = None
        if request.method == "POST":
            way = as_way(route, base=configured_route())
            trying = try_route(way, resolver=configured_resolver(), own_name=settings.HOSTNAME)
            steps = asyncio.run(trying)
        frame = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": f"Try {route.name}",
            "route": route,
            "steps": steps,
        }
        return render(request, "admin/delivery/outboundroute/try.html", frame)
