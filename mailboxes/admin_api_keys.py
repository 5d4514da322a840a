"""API keys in the admin. They are made and removed by verbs, and never changed."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from mailboxes.api_keys import add_api_key, remove_api_key
from mailboxes.exceptions import MailboxFact
from mailboxes.models import ApiKey
from mailhost.audit.admin_pages import VerbAdmin, VerbForm


class ApiKeyForm(VerbForm):
    """A name, whose rights, and how long the key works."""

    class Meta:
        model = ApiKey
        fields = ("name", "account", "expires_at")
        widgets = {"name": forms.TextInput(attrs={"class": "vTextField"})}

    def clean_expires_at(self) -> Any:
        """Not over already."""
        expires_at = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= timezone.now():
            raise ValidationError("That moment has passed.")
        return expires_at


@admin.register(ApiKey)
class ApiKeyAdmin(VerbAdmin):
    """Keys for the REST API. A key is shown when it is made, and never again."""

    form = ApiKeyForm
    facts = (MailboxFact,)
    list_display = ("name", "account", "created_at", "expires_at", "last_used_at")
    list_select_related = ("account",)
    search_fields = ("name", "account__login")
    autocomplete_fields = ("account",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A key is made or removed, never changed."""
        return False

    def perform(self, request: HttpRequest, form: VerbForm, *, is_new: bool, by: str) -> Model:
        """Makes the key, and keeps it for this one answer."""
        values = form.cleaned_data
        request.made_key = add_api_key(  # type: ignore[attr-defined]
            name=values["name"],
            expires_at=values["expires_at"],
            login=values["account"].login if values["account"] else None,
            by=by,
        )
        return ApiKey.objects.get(name=values["name"])

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The page with the key, which no cache keeps. Not a message: that would travel in a cookie."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"The key for {obj.name}",
            "made_key": request.made_key,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/mailboxes/apikey/made.html", context)

    def remove(self, row: Any, *, by: str) -> None:
        """It works no more."""
        remove_api_key(name=row.name, by=by)
