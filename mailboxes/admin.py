"""Accounts and API keys in the admin. Every change goes through a verb.

Mailboxes and messages are their owners' and are not shown here, but for whom they share them with.
"""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import Count, F, Model, Q
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from domains.exceptions import DomainFact
from domains.scores import NAMES, ZERO, Scores, in_force, points_in_words
from mailboxes import admin_roles  # noqa: F401  Django looks into this module alone
from mailboxes.accounts import add_account, add_operator, change_account, remove_account
from mailboxes.api_keys import add_api_key, remove_api_key
from mailboxes.exceptions import MailboxFact
from mailboxes.models import Account, ApiKey, DomainAdministrator, Grant
from mailboxes.models.account import MAX_UNDO_SECONDS, PROTOCOLS
from mailhost.audit.admin_pages import Rows, VerbAdmin, VerbForm
from mailhost.environment import parse_octets
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress

UNITS = (("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10))
MAX_QUOTA_OCTETS = 1 << 60
MAX_SHOWN_GRANTS = 100
MAX_QUOTA_MESSAGES = 1 << 60


class OctetsField(forms.CharField):
    """A size as people write it: 5G, 500M, 0."""

    def prepare_value(self, value: Any) -> Any:
        """The largest unit that divides it."""
        if not isinstance(value, int):
            return value
        for unit, size in UNITS:
            if value and value % size == 0:
                return f"{value // size}{unit}"
        return str(value)

    def clean(self, value: Any) -> int | None:
        """In octets; None where nothing was said."""
        text = super().clean(value)
        if not text:
            return None
        try:
            octets = parse_octets(text)
        except ValueError as error:
            raise ValidationError("Write a size such as 500M or 5G; 0 is no limit.") from error
        if octets > MAX_QUOTA_OCTETS:
            raise ValidationError("That is more than there is.")
        return octets


class AccountForm(VerbForm):
    """What an account is. Its address is chosen once."""

    quota_octets = OctetsField(
        label="Quota",
        required=False,
        help_text="Such as 500M or 5G; 0: no limit. Empty: this host's default.",
    )
    quota_messages = forms.IntegerField(
        label="Message quota",
        required=False,
        min_value=0,
        max_value=MAX_QUOTA_MESSAGES,
        help_text="How many messages it may have in all its mailboxes; 0: no limit.",
    )
    undo_seconds = forms.IntegerField(
        label="Undo send",
        required=False,
        min_value=0,
        max_value=MAX_UNDO_SECONDS,
        help_text=f"For so many seconds what it sends can be taken back; at most {MAX_UNDO_SECONDS}, 0: not at all.",
    )
    password = forms.CharField(
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 8 characters, and not a common one.",
    )

    closed_protocols = forms.MultipleChoiceField(
        choices=[(name, name.upper() if name != "web" else "Web") for name in PROTOCOLS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="What it may not sign in to.",
    )

    class Meta:
        model = Account
        fields = (
            *("display_name", "recovery_email", "is_enabled", "is_operator"),
            *("closed_protocols", "imap_switched_off", "pop3_keeps_copy", "undo_seconds"),
            *NAMES,
        )
        widgets = {"display_name": forms.TextInput(attrs={"class": "vTextField"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.fields["quota_octets"].initial = self.instance.quota_octets
            self.fields["quota_messages"].initial = self.instance.quota_messages
            self.fields["undo_seconds"].initial = self.instance.undo_seconds
            self.fields["quota_octets"].help_text = "Such as 500M or 5G; 0: no limit."
            self.fields["password"].label = "New password"
            self.fields["password"].help_text = "Empty: it stays as it is."
        address = self.instance.address
        domains = [address.domain] if address else []
        for name, above in in_force(*domains).items():
            whose = "as its domain" if above.level < len(domains) else "as this host"
            self.fields[name].help_text = f"Empty: {whose}, {points_in_words(above.score)}.{ZERO[name]}"

    def clean_password(self) -> str:
        """Good enough, where there is one."""
        password: str = self.cleaned_data["password"]
        if password:
            validate_password(password, self.instance)
        return password


class NewAccountForm(AccountForm):
    """A new account: with an address it has a mailbox, without an @ it is an operator alone."""

    login = forms.CharField(
        label="Address",
        max_length=400,
        help_text="Such as alice@example.org, in a domain that is hosted here. An operator without a mailbox may "
        "have any name.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].required = True

    def clean(self) -> dict[str, Any] | None:
        """A name that is no address needs the operator's tick; an address is parsed once."""
        values = super().clean() or self.cleaned_data
        login = str(values.get("login", ""))
        if "@" in login:
            try:
                values["email"] = EmailAddress.parse(login.strip())
            except AddressSyntaxError as error:
                self.add_error("login", str(error))
        elif login and not values.get("is_operator"):
            self.add_error("login", "An account needs an address such as alice@example.org.")
        return values


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
