"""Accounts in the admin. Every change goes through a verb.

Mailboxes and messages are their owners' and are not shown here, but for whom they share them with.
"""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth import update_session_auth_hash
from django.db.models import Count, F, Model, Q
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from domains.exceptions import DomainFact
from domains.scores import NAMES, Scores
from mailboxes.accounts import add_account, add_operator, change_account, remove_account
from mailboxes.admin_account_forms import AccountForm, NewAccountForm
from mailboxes.exceptions import MailboxFact
from mailboxes.models import Account, DomainAdministrator, Grant
from mailhost.audit.admin_pages import Rows, VerbAdmin, VerbForm

MAX_SHOWN_GRANTS = 100


class FullnessFilter(admin.SimpleListFilter):
    """Accounts that need room."""

    title = "room"
    parameter_name = "room"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """What may be asked for."""
        return [("90", "90 % full or more"), ("none", "without quota")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Those accounts."""
        if self.value() == "none":
            return queryset.filter(quota_octets=0, quota_messages=0)
        if self.value() == "90":
            return queryset.filter(
                Q(quota_octets__gt=0, usage__octets__gte=F("quota_octets") * 9 / 10)
                | Q(quota_messages__gt=0, usage__messages__gte=F("quota_messages") * 9 / 10)
            )
        return queryset


@admin.register(Account)
class AccountAdmin(VerbAdmin):
    """Who logs in, how much they keep, and how much they may."""

    form = AccountForm
    facts = (MailboxFact, DomainFact)
    list_display = (
        "login",
        "display_name",
        "room",
        "message_count",
        "is_enabled",
        "is_operator",
        "created_at",
    )
    list_filter: ClassVar = [
        FullnessFilter,
        "is_enabled",
        "is_operator",
        ("address__domain", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ("usage",)
    search_fields = ("login", "display_name")
    readonly_fields = ("login", "room", "created_at")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Another one for a new account."""
        return super().get_form(
            request, obj, change=change, **kwargs, **({} if obj else {"form": NewAccountForm})
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The address first."""
        shared = (
            *("display_name", "password", "quota_octets", "quota_messages"),
            *("recovery_email", "is_enabled", "is_operator"),
            *("closed_protocols", "imap_switched_off", "pop3_keeps_copy", "undo_seconds"),
        )
        facts = (
            [("What there is", {"fields": ("room", "shared_with", "administers", "created_at")})]
            if obj
            else []
        )
        return [
            (None, {"fields": ("login", *shared)}),
            ("Junk: from how many points on", {"fields": NAMES}),
            *facts,
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A login stays."""
        return ("login", "room", "shared_with", "administers", "created_at") if obj else ()

    @admin.display(description="room used", ordering="usage__octets")
    def room(self, account: Account) -> SafeString:
        """How much of the quota is taken."""
        used = account.usage.octets
        if account.address_id is None:
            return format_html("{}", "no mailbox")
        if not account.quota_octets:
            return format_html("{}", filesizeformat(used))
        return format_html(
            '<meter class="usage" min="0" max="{}" high="{}" optimum="0" value="{}"></meter> '
            '<span class="nowrap">{} of {}</span>',
            account.quota_octets,
            account.quota_octets * 8 // 10,
            used,
            filesizeformat(used),
            filesizeformat(account.quota_octets),
        )

    @admin.display(description="shares")
    def shared_with(self, account: Account) -> SafeString:
        """Who has which rights on which of its mailboxes (RFC 4314). Their owner changes them, in a mail client."""
        grants = Grant.objects.filter(mailbox__account=account, mailbox__deleted_at=None)
        rows = grants.order_by("mailbox__name", "account__login").values_list(
            "mailbox__name", "account__login", "rights"
        )[: MAX_SHOWN_GRANTS + 1]
        lines = [(name, login or "anyone", rights) for name, login, rights in rows]
        if len(lines) > MAX_SHOWN_GRANTS:
            lines[MAX_SHOWN_GRANTS:] = [("…", "and others", "")]
        if not lines:
            return format_html("{}", "nothing")
        return format_html_join(SafeString("<br>"), "{}: {} {}", lines)

    @admin.display(description="administers")
    def administers(self, account: Account) -> str:
        """Domains by name; the page of domain administrators changes them."""
        roles = DomainAdministrator.objects.filter(account=account).order_by("domain__name")
        shown = list(roles.values_list("domain__name", flat=True)[: MAX_SHOWN_GRANTS + 1])
        if len(shown) > MAX_SHOWN_GRANTS:
            shown[MAX_SHOWN_GRANTS:] = ["and others"]
        return ", ".join(shown) or ("everything" if account.is_operator else "nothing")

    @admin.display(description="messages", ordering="usage__messages")
    def message_count(self, account: Account) -> str:
        """In all its mailboxes, and how many there may be."""
        limit = account.quota_messages
        return f"{account.usage.messages} of {limit}" if limit else str(account.usage.messages)

    def perform(self, request: HttpRequest, form: VerbForm, *, is_new: bool, by: str) -> Model:
        """Adds or changes the account."""
        values = form.cleaned_data
        if is_new:
            return self._add(values, by=by)
        is_own = form.instance.pk == request.user.pk
        is_shut_out = (
            not (values["is_enabled"] and values["is_operator"]) or "web" in values["closed_protocols"]
        )
        if is_own and is_shut_out:
            raise MailboxFact("You cannot shut yourself out: another operator has to do that.")
        account = change_account(
            account_id=form.instance.pk,
            quota_octets=values["quota_octets"],
            quota_messages=values["quota_messages"],
            is_enabled=values["is_enabled"],
            is_operator=values["is_operator"],
            display_name=values["display_name"],
            recovery_email=values["recovery_email"],
            closed_protocols=values["closed_protocols"],
            imap_switched_off=values["imap_switched_off"],
            pop3_keeps_copy=values["pop3_keeps_copy"],
            undo_seconds=values["undo_seconds"],
            password=values["password"] or None,
            by=by,
            **_scores(values),
        )
        if is_own:
            update_session_auth_hash(request, account)  # a new password ends all other sessions, not this one
        return account

    def _add(self, values: dict[str, Any], *, by: str) -> Account:
        if "email" not in values:
            account = add_operator(login=values["login"], password=values["password"], by=by)
        else:
            account = add_account(
                address=values["email"],
                password=values["password"],
                quota_octets=values["quota_octets"],
                quota_messages=values["quota_messages"] or 0,
                is_operator=values["is_operator"],
                by=by,
            )
        return change_account(
            account_id=account.pk,
            display_name=values["display_name"],
            recovery_email=values["recovery_email"],
            is_enabled=values["is_enabled"],
            closed_protocols=values["closed_protocols"],
            imap_switched_off=values["imap_switched_off"],
            pop3_keeps_copy=values["pop3_keeps_copy"],
            undo_seconds=values["undo_seconds"],
            by=by,
            **_scores(values),
        )

    def remove(self, row: Any, *, by: str) -> None:
        """With all its mail."""
        if row.login == by:
            raise MailboxFact("You cannot remove yourself: another operator has to do that.")
        remove_account(account_id=row.pk, by=by)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """In numbers: a mailbox for each line would fill the page."""
        rows = Account.objects.filter(pk__in=[each.pk for each in objs]).select_related("usage")
        rows = rows.annotate(boxes=Count("mailboxes", filter=Q(mailboxes__deleted_at=None)))
        lines = [
            f"{row.login}: {row.boxes} mailboxes, {row.usage.messages} messages, {filesizeformat(row.usage.octets)}"
            for row in rows
        ]
        return lines, {"accounts": len(lines)}, set(), []


def _scores(values: dict[str, Any]) -> Scores:
    return {
        "junk_score": values["junk_score"],
        "quarantine_score": values["quarantine_score"],
        "refuse_score": values["refuse_score"],
    }
