"""DKIM keys in the admin: what to publish, whether it is seen in DNS, and the verbs."""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import display_for_value
from django.forms.widgets import Script
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from domains.dkim_keys import activate_key, make_keys, removable_at, retire_key
from domains.dkim_records import zone_entry
from domains.dkim_rotation import look_for_records
from domains.exceptions import DomainFact
from domains.models import DkimKey
from mailhost.audit.admin_pages import ReadOnlyAdmin, Rows, actor
from mailhost.net.resolver import configured_resolver

MAX_CHOSEN = 100  # keys that one click asks DNS about


@admin.register(DkimKey)
class DkimKeyAdmin(ReadOnlyAdmin):
    """Every key, with the record that belongs into DNS."""

    list_display = ("selector", "domain", "state", "in_dns", "removable")
    list_filter: ClassVar = ["state", "algorithm"]
    list_select_related = ("domain",)
    search_fields = ("domain__name", "selector")
    actions = ("look_now", "rotate", "activate", "retire")
    fieldsets = (
        (
            "Publish this TXT record",
            {"fields": ("record", "in_dns", "checked_at")},
        ),
        (
            "Key",
            {
                "fields": (
                    "domain",
                    "selector",
                    "algorithm",
                    "state",
                    "created_at",
                    "activated_at",
                    "retiring_at",
                    "retired_at",
                    "removable",
                )
            },
        ),
    )

    class Media:
        js: ClassVar = [Script("mailhost/copy.js", type="module")]

    def get_queryset(self, request: HttpRequest) -> Rows:
        """Without what nobody is to see."""
        rows: Rows = super().get_queryset(request).defer("private_key").select_related("domain")
        return rows

    @admin.display(description="record")
    def record(self, key: DkimKey) -> SafeString:
        """To be copied: as one value, and for zone files."""
        return render_to_string("dkim_record.html", {"key": key, "zone": zone_entry(key)})

    @admin.display(description="seen in DNS")
    def in_dns(self, key: DkimKey) -> str:
        """Since when, or what is wrong."""
        if key.check_note:
            return key.check_note
        return f"since {_moment(key.seen_at)}" if key.seen_at else "not looked for yet"

    @admin.display(description="record may go")
    def removable(self, key: DkimKey) -> str:
        """From when on it may be taken out of DNS."""
        moment = removable_at(key)
        return _moment(moment) if moment else "–"

    @admin.action(description="Look for the records in DNS now")
    def look_now(self, request: HttpRequest, rows: Rows) -> None:
        """A pending key whose record stands signs from then on."""
        keys = list(rows.exclude(state="retired")[:MAX_CHOSEN])
        look_for_records(now=timezone.now(), resolver=configured_resolver(), keys=keys)
        messages.info(request, f"Looked for {len(keys)} records.")

    @admin.action(description="Make new keys for these domains")
    def rotate(self, request: HttpRequest, rows: Rows) -> None:
        """They take over by themselves when their records are seen."""
        domains = {key.domain_id: key.domain for key in rows[:MAX_CHOSEN]}
        for domain in domains.values():
            make_keys(domain=domain, now=timezone.now(), by=actor(request))
        messages.info(request, "New keys wait for their records: publish them in DNS.")

    @admin.action(description="Sign with these now, seen in DNS or not")
    def activate(self, request: HttpRequest, rows: Rows) -> None:
        """For whoever knows that the record stands."""
        self._each(request, rows, activate_key)

    @admin.action(description="Retire: sign with these no more")
    def retire(self, request: HttpRequest, rows: Rows) -> None:
        """With or without another key that signs."""
        self._each(request, rows, retire_key)

    def _each(self, request: HttpRequest, rows: Rows, verb: Callable[..., DkimKey]) -> None:
        for key in rows:
            try:
                verb(key=key, now=timezone.now(), by=actor(request))
            except DomainFact as fact:
                messages.error(request, str(fact))


def _moment(moment: datetime) -> str:
    return str(display_for_value(timezone.localtime(moment), "–"))
