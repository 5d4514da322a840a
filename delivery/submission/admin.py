"""Limits and holds of accounts that send, in the admin."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from delivery.models import SendingHold, SubmissionLimits
from delivery.submission.holds import cancel_held, held_messages, lift_hold, release_held
from delivery.submission.setting_limits import COLUMNS, remove_limits, set_limits
from mailhost.audit.admin_pages import Rows, VerbAdmin, VerbForm, actor


class SubmissionLimitsForm(VerbForm):
    """An account, and what differs from the settings."""

    class Meta:
        model = SubmissionLimits
        fields = ("account", *COLUMNS)


@admin.register(SubmissionLimits)
class SubmissionLimitsAdmin(VerbAdmin):
    """Accounts whose limits are not those of the settings. Empty: as the settings say; 0: no limit."""

    form = SubmissionLimitsForm
    list_display = ("account", *COLUMNS)
    list_select_related = ("account",)
    search_fields = ("account__login",)
    autocomplete_fields = ("account",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Whose limits these are stays."""
        return ("account",) if obj else ()

    def perform(self, request: HttpRequest, form: VerbForm, *, is_new: bool, by: str) -> Model:
        """Sets them."""
        values = form.cleaned_data
        account_id = values["account"].pk if is_new else form.instance.pk
        return set_limits(account_id=account_id, limits={name: values[name] for name in COLUMNS}, by=by)

    def remove(self, row: Any, *, by: str) -> None:
        """As the settings say, from then on."""
        remove_limits(account_id=row.pk, by=by)


@admin.register(SendingHold)
class SendingHoldAdmin(VerbAdmin):
    """Accounts whose mail is held because they look hijacked. Deleting one lets the account send again."""

    list_display = ("account", "since", "reason")
    list_select_related = ("account",)
    search_fields = ("account__login",)
    fields = ("account", "since", "reason", "held")
    readonly_fields = fields
    actions = ("release_all", "cancel_all")

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Holds are made by what happens."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They are lifted or not. Actions ask without a row."""
        return obj is None

    @admin.display(description="held messages")
    def held(self, hold: SendingHold) -> int:
        """How many wait."""
        return len(held_messages(account_id=hold.pk))

    def remove(self, row: Any, *, by: str) -> None:
        """What is held stays so until it is released or cancelled."""
        lift_hold(account_id=row.pk, by=by)

    @admin.action(description="Lift the hold and send what was held", permissions=["delete"])
    def release_all(self, request: HttpRequest, queryset: Rows) -> None:
        """It was the owner after all."""
        _each(request, queryset, release_held, "released")

    @admin.action(description="Lift the hold and give up what was held", permissions=["delete"])
    def cancel_all(self, request: HttpRequest, queryset: Rows) -> None:
        """It was a thief, and the password is changed."""
        _each(request, queryset, cancel_held, "cancelled")


def _each(request: HttpRequest, queryset: Rows, verb: Callable[..., int], done: str) -> None:
    count = 0
    for hold in queryset:
        ids = held_messages(account_id=hold.pk)
        count += verb(message_ids=ids, by=actor(request), now=timezone.now())
        lift_hold(account_id=hold.pk, by=actor(request))
    messages.success(request, f"{count} messages {done}.")


class HeldActions:
    """For the page of queued messages."""

    actions: ClassVar[Any] = ("release_held", "cancel_held")

    @admin.action(description="Send what is held of these")
    def release_held(self, request: HttpRequest, queryset: Rows) -> None:
        """Of what is chosen; nothing where nothing is held."""
        ids = list(queryset.values_list("pk", flat=True))
        count = release_held(message_ids=ids, by=actor(request), now=timezone.now())
        messages.success(request, f"{count} messages released.")

    @admin.action(description="Give up what is held of these")
    def cancel_held(self, request: HttpRequest, queryset: Rows) -> None:
        """The senders are not told."""
        ids = list(queryset.values_list("pk", flat=True))
        count = cancel_held(message_ids=ids, by=actor(request), now=timezone.now())
        messages.success(request, f"{count} messages cancelled.")
