"""The suppression list in the admin: of all accounts and domains. Deleting an entry lifts it."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from delivery.models import Suppression
from delivery.suppression_lists import lift, list_of_everybody
from mailhost.audit.admin_pages import Rows, Uncounted, VerbAdmin


@admin.register(Suppression)
class SuppressionAdmin(VerbAdmin):
    """Addresses to which an account, or all of a domain, send no more."""

    list_display = ("address", "whose", "source", "cause", "count", "since", "expires_at")
    list_filter: ClassVar = ["source", "since"]
    list_select_related = ("account", "domain")
    fields = (
        *("address", "account", "domain", "source", "cause", "evidence", "by"),
        *("count", "first_at", "last_at", "since", "expires_at"),
    )
    readonly_fields = fields
    search_fields = ("address",)  # shows the field; what it finds is below
    search_help_text = "An address, whole."
    paginator = Uncounted

    def get_queryset(self, request: HttpRequest) -> Rows:
        """Without what is only counted yet."""
        rows: Rows = super().get_queryset(request).filter(since__isnull=False)
        return rows

    def get_search_results(self, request: HttpRequest, queryset: Rows, search_term: str) -> tuple[Rows, bool]:
        """By a look into an index."""
        text = search_term.strip().lower().replace("\0", "")
        return (queryset.filter(address=text) if text else queryset), False

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """By the list's owners, or by the API."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An entry is lifted or not. Actions ask without a row."""
        return obj is None

    @admin.display(description="whose mail")
    def whose(self, row: Suppression) -> str:
        """An account or a domain."""
        return row.account.login if row.account else str(row.domain)

    def remove(self, row: Any, *, by: str) -> None:
        """Mail goes there again."""
        lift(suppression_id=row.pk, among=list_of_everybody(), by=by)
