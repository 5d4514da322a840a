"""The audit trail in the admin: to be read, by no means changed."""

import json
from typing import ClassVar

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mailhost.audit.admin_pages import ReadOnlyAdmin
from mailhost.audit.models import Act


@admin.register(Act)
class ActAdmin(ReadOnlyAdmin):
    """Who did what, the latest first."""

    list_display = ("at", "actor", "verb", "subject", "in_short")
    list_filter: ClassVar = ["verb", "at"]
    search_fields = ("actor", "subject", "verb")
    fields = ("at", "actor", "verb", "subject", "in_full")
    readonly_fields = ("in_full",)
    date_hierarchy = "at"

    @admin.display(description="details")
    def in_short(self, act: Act) -> str:
        """On one line."""
        text = ", ".join(
            f"{name}: {_shown(value)}" for name, value in act.details.items() if value is not None
        )
        return text if len(text) <= 120 else text[:119] + "…"

    @admin.display(description="details")
    def in_full(self, act: Act) -> SafeString:
        """As they are kept."""
        return format_html("<pre>{}</pre>", json.dumps(act.details, indent=2, ensure_ascii=False))


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
