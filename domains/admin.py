"""Domains and aliases in the admin. Every change goes through a verb, so that it is checked and leaves its trail."""

from collections import Counter
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from domains import admin_dkim  # noqa: F401 (importing it registers)
from domains.aliases import add_alias, remove_alias, set_alias
from domains.exceptions import DomainFact, InvalidAddress
from domains.models import Alias, Domain, SuppressionLearning
from domains.registration import (
    add_domain,
    change_domain,
    domain_name,
    remove_domain,
    set_suppression_learning,
)
from domains.scores import NAMES, ZERO, in_force, points_in_words
from mailhost.audit.admin_pages import Rows, VerbAdmin, VerbForm
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress

SHOWN_TARGETS = 3


class DomainForm(VerbForm):
    """A domain; its name is chosen once."""

    name = forms.CharField(max_length=255, help_text="Such as example.org; letters of any script.")

    class Meta:
        model = Domain
        fields = ("name", "alias_of", "is_enabled", "suppression_learning", *NAMES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.fields["name"].disabled = True
        self.fields["suppression_learning"].required = False  # as it is
        alias_of = self.fields.get("alias_of")
        if isinstance(alias_of, forms.ModelChoiceField):
            alias_of.queryset = Domain.objects.filter(alias_of=None).exclude(pk=self.instance.pk)
            alias_of.empty_label = "(none: it has addresses of its own)"
        for name, host in in_force().items():
            self.fields[name].help_text = f"Empty: as this host, {points_in_words(host.score)}.{ZERO[name]}"

    def clean_name(self) -> str:
        """In A-labels."""
        try:
            return domain_name(self.cleaned_data["name"])
        except InvalidAddress as fact:
            raise ValidationError(str(fact)) from fact


@admin.register(Domain)
class DomainAdmin(VerbAdmin):
    """Hosted domains."""

    form = DomainForm
    facts = (DomainFact,)
    list_display = ("name", "alias_of", "account_count", "alias_count", "is_enabled", "created_at")
    list_filter = ("is_enabled",)
    list_select_related = ("alias_of",)
    readonly_fields = ("dkim",)
    search_fields = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "alias_of", "is_enabled", "suppression_learning", "dkim")}),
        ("Junk: from how many points on", {"fields": NAMES}),
    )

    def get_queryset(self, request: HttpRequest) -> Rows:
        """With how much is in each."""
        rows: Rows = (
            super()
            .get_queryset(request)
            .annotate(
                accounts=Count("addresses__account", distinct=True),
                aliases=Count("addresses__alias", distinct=True),
            )
        )
        return rows

    @admin.display(description="accounts", ordering="accounts")
    def account_count(self, domain: Any) -> int:
        """How many accounts have an address there."""
        return int(domain.accounts)

    @admin.display(description="DKIM keys")
    def dkim(self, domain: Domain) -> SafeString:
        """Where they stand, and the way to them."""
        if domain.pk is None:
            return format_html("{}", "Made with the domain: publish their records then.")
        states = Counter(domain.dkim_keys.exclude(state="retired").values_list("state", flat=True))
        told = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none"
        where = reverse("admin:domains_dkimkey_changelist")
        return format_html('<a href="{}?q={}">{}</a>', where, domain.name, told)

    @admin.display(description="aliases", ordering="aliases")
    def alias_count(self, domain: Any) -> int:
        """How many aliases there are."""
        return int(domain.aliases)

    def perform(self, request: HttpRequest, form: VerbForm, *, is_new: bool, by: str) -> Model:
        """Adds or changes the domain."""
        values = form.cleaned_data
        alias_of = values["alias_of"].name if values["alias_of"] else None
        words = {
            "alias_of": alias_of,
            "is_enabled": values["is_enabled"],
            **{name: values[name] for name in NAMES},
        }
        if is_new:
            domain = add_domain(name=values["name"], **words, by=by)
        else:
            domain = change_domain(name=form.instance.name, **words, by=by)
        if domain.alias_of is not None:  # it has no accounts that could learn
            return domain
        learning = SuppressionLearning(values["suppression_learning"] or domain.suppression_learning)
        return set_suppression_learning(name=domain.name, learning=learning, by=by)

    def remove(self, row: Any, *, by: str) -> None:
        """Stops hosting it."""
        remove_domain(name=row.name, by=by)


class AliasForm(VerbForm):
    """An address and where it leads."""

    email = forms.CharField(
        label="Address",
        max_length=400,
        help_text="Such as info@example.org. *@example.org takes what is for nobody else there.",
    )
    target_lines = forms.CharField(
        label="Targets",
        widget=forms.Textarea(attrs={"rows": 5, "cols": 60}),
        help_text="One address a line, here or on any other host.",
    )

    class Meta:
        model = Alias
        fields = ("is_enabled",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.fields["email"].disabled = True
            self.fields["email"].initial = str(self.instance.address)
            targets = self.instance.targets.values_list("email", flat=True)
            self.fields["target_lines"].initial = "\n".join(targets)

    def clean_email(self) -> EmailAddress:
        """Parsed once."""
        return _address(self.cleaned_data["email"])

    def clean_target_lines(self) -> list[EmailAddress]:
        """Each target, parsed once."""
        words = self.cleaned_data["target_lines"].replace(",", " ").split()
        return [_address(word) for word in words]


@admin.register(Alias)
class AliasAdmin(VerbAdmin):
    """Addresses that lead elsewhere."""

    form = AliasForm
    facts = (DomainFact,)
    fields = ("email", "target_lines", "is_enabled")
    list_display = ("address", "leads_to", "is_enabled", "created_at")
    list_filter: ClassVar = ["is_enabled", ("address__domain", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ("address__domain",)
    search_fields = ("address__local_part", "address__domain__name", "targets__email")

    def get_queryset(self, request: HttpRequest) -> Rows:
        """With the targets, in one more statement."""
        return super().get_queryset(request).select_related("address__domain").prefetch_related("targets")

    @admin.display(description="leads to")
    def leads_to(self, alias: Alias) -> str:
        """The first targets, and how many more there are."""
        emails = [target.email for target in alias.targets.all()]
        more = len(emails) - SHOWN_TARGETS
        return ", ".join(emails[:SHOWN_TARGETS]) + (f" and {more} more" if more > 0 else "")

    def perform(self, request: HttpRequest, form: VerbForm, *, is_new: bool, by: str) -> Model:
        """Adds the alias, or gives it other targets."""
        values = form.cleaned_data
        words = {
            "address": values["email"],
            "targets": values["target_lines"],
            "is_enabled": values["is_enabled"],
        }
        return add_alias(**words, by=by) if is_new else set_alias(**words, by=by)[0]

    def remove(self, row: Any, *, by: str) -> None:
        """Frees the address."""
        remove_alias(address=EmailAddress(row.address.local_part, row.address.domain.name), by=by)


def _address(text: str) -> EmailAddress:
    try:
        return EmailAddress.parse(text.strip())
    except AddressSyntaxError as error:
        raise ValidationError(f"“{text}” is not an address. {error}") from error
