"""Domain administrators in the admin: given and withdrawn, by verbs."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from domains.exceptions import DomainFact
from domains.models import Domain
from mailboxes.administration import appoint_administrator, withdraw_administrator
from mailboxes.exceptions import MailboxFact
from mailboxes.models import DomainAdministrator
from mailhost.audit.admin_pages import VerbAdmin, VerbForm


class DomainAdministratorForm(VerbForm):
    """Who, and which domain."""

    class Meta:
        model = DomainAdministrator
        fields = ("domain", "account")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        domain = self.fields["domain"]
        assert isinstance(domain, forms.ModelChoiceField)
        domain.queryset = Domain.objects.filter(alias_of=None)
        domain.help_text = "With the domain aliases that lead to it."


@admin.register(DomainAdministrator)
class DomainAdministratorAdmin(VerbAdmin):
    """Accounts that administer domains. Operators administer all of them and need not stand here."""

    form = DomainAdministratorForm
    facts = (MailboxFact, DomainFact)
    list_display = ("domain", "account", "since")
    list_select_related = ("domain", "account")
    search_fields = ("domain__name", "account__login")
    autocomplete_fields = ("domain", "account")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The role is given or withdrawn."""
        return False

    def perform(self, request: HttpRequest, form: VerbForm, *, is_new: bool, by: str) -> Model:
        """Appoints the account."""
        values = form.cleaned_data
        return appoint_administrator(domain=values["domain"].name, login=values["account"].login, by=by)[0]

    def remove(self, row: Any, *, by: str) -> None:
        """Withdraws the role."""
        withdraw_administrator(domain=row.domain.name, login=row.account.login, by=by)
