"""Bans in the admin: to be seen, made and lifted."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from mailhost.audit.admin_pages import VerbAdmin, VerbForm
from mailhost.bans.banning import ban, unban
from mailhost.bans.exceptions import BanFact
from mailhost.bans.models import Ban

MAX_HOURS = 24 * 366


class BanForm(VerbForm):
    """A network, why, and for how long."""

    hours = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_HOURS,
        help_text="How many hours from now; empty: for good.",
    )

    class Meta:
        model = Ban
        fields = ("network", "reason")
        widgets = {"network": forms.TextInput(attrs={"class": "vTextField"})}


@admin.register(Ban)
class BanAdmin(VerbAdmin):
    """Networks that SMTP, IMAP and POP3 do not answer. Deleting one lifts the ban."""

    form = BanForm
    facts = (BanFact,)
    fields = ("network", "reason", "hours")
    list_display = ("network", "reason", "made_by", "created_at", "expires_at")
    list_filter: ClassVar = ["made_by", "expires_at"]
    search_fields = ("network", "reason")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A ban is lifted and made anew."""
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Of one that holds: all there is to know."""
        return self.fields if obj is None else self.list_display

    def perform(self, request: HttpRequest, form: VerbForm, *, is_new: bool, by: str) -> Model:
        """Bans."""
        values = form.cleaned_data
        hours = values["hours"]
        return ban(
            network=values["network"],
            reason=values["reason"],
            seconds=None if hours is None else hours * 3_600,
            by=by,
            now=timezone.now(),
        )

    def remove(self, row: Any, *, by: str) -> None:
        """Lifts it."""
        unban(network=row.network, by=by)
