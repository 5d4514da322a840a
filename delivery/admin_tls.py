"""MTA-STS policies of other domains in the admin: which ones mail goes by, until when, and how fetching goes."""

from django.contrib import admin

from delivery.models import KeptStsPolicy
from mailhost.audit.admin_pages import ReadOnlyAdmin


@admin.register(KeptStsPolicy)
class KeptStsPolicyAdmin(ReadOnlyAdmin):
    """One domain's policy a row; to be read."""

    list_display = ("domain", "mode", "fetched_at", "expires_at", "used_at", "failure")
    fields = ("domain", "policy", "record_id", "fetched_at", "expires_at", "checked_at", "used_at", "failure")
    readonly_fields = fields
    search_fields = ("domain",)
    ordering = ("domain",)

    @admin.display(description="mode")
    def mode(self, row: KeptStsPolicy) -> str:
        """What to do with a host that fails."""
        modes = [line.removeprefix("mode: ") for line in row.policy.splitlines() if line.startswith("mode: ")]
        return modes[0] if modes else ""
