"""Addresses that one's domains and their accounts send to no more: found, put there for a domain, and lifted."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from delivery.suppression_lists import (
    SuppressionInvalid,
    SuppressionNotFound,
    TooManySuppressions,
    lift,
    list_of_domains,
    suppress,
)
from domains.models import Domain, SuppressionLearning
from domains.registration import set_suppression_learning
from mailhost.panel.access import Office, for_domain_administrators
from mailhost.panel.pages.frame import show
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress

SHOWN = 100


class DomainSuppressionForm(forms.Form):
    """One address more, for everybody in a domain."""

    address = forms.CharField(
        label="Address",
        max_length=320,
        widget=forms.TextInput(attrs={"class": "input", "spellcheck": "false"}),
    )
    domain = forms.ChoiceField(label="For mail of", widget=forms.Select(attrs={"class": "input"}))
    reason = forms.CharField(
        label="Why", required=False, max_length=200, widget=forms.TextInput(attrs={"class": "input"})
    )

    def __init__(self, *args: Any, office: Office, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        domain = self.fields["domain"]
        assert isinstance(domain, forms.ChoiceField)
        domain.choices = [(name, name) for name in office.domains]
        domain.error_messages["invalid_choice"] = "You do not administer this domain."

    def clean_address(self) -> EmailAddress:
        """Parsed once."""
        try:
            return EmailAddress.parse(self.cleaned_data["address"].strip())
        except AddressSyntaxError as error:
            raise forms.ValidationError(str(error)) from error


class LearningForm(forms.Form):
    """For each domain that has accounts: who learns from what came back. Its fields are called as the domains are."""

    def __init__(self, data: Any, *, office: Office) -> None:
        super().__init__(data, prefix="learning")
        for domain in Domain.objects.filter(name__in=office.domains, alias_of=None):
            self.fields[domain.name] = forms.ChoiceField(
                label=domain.name,
                initial=domain.suppression_learning,
                choices=SuppressionLearning.choices,
                widget=forms.Select(attrs={"class": "input"}),
            )

    def save(self, *, by: str) -> None:
        """Each that has changed."""
        for name in self.changed_data:
            learning = SuppressionLearning(self.cleaned_data[name])
            set_suppression_learning(name=name, learning=learning, by=by)


@require_http_methods(["GET", "POST"])
@for_domain_administrators
def show_suppressions(request: HttpRequest, office: Office) -> HttpResponse:
    """The latest first, or those of `?q=`: an address, whole."""
    among, by = list_of_domains(domains=office.domains), office.account.login
    form = DomainSuppressionForm(request.POST if "address" in request.POST else None, office=office)
    if (number := request.POST.get("lift", "")).isdecimal() and len(number) <= 18:
        try:
            lifted = lift(suppression_id=int(number), among=among, by=by)
            messages.success(request, f"Mail goes to {lifted.address} again.")
        except SuppressionNotFound:
            messages.info(request, "It was lifted already.")
        return redirect("panel:suppressions")
    if form.is_valid() and _put(request, office, form):
        return redirect("panel:suppressions")
    learning = LearningForm(request.POST if "learning" in request.POST else None, office=office)
    if learning.is_valid():
        learning.save(by=by)
        messages.success(request, "Saved. It holds for what comes back from now on.")
        return redirect("panel:suppressions")
    text = request.GET.get("q", "").replace("\0", "").strip().lower()[:320]
    found = among.filter(address=text) if text else among
    rows = list(found.select_related("account", "domain")[: SHOWN + 1])
    return show(
        request,
        office,
        "panel/suppressions.html",
        at="suppressions",
        form=form,
        learning=learning,
        text=text,
        rows=rows[:SHOWN],
        are_more=len(rows) > SHOWN,
        status=422 if form.is_bound or learning.is_bound else 200,
    )


def _put(request: HttpRequest, office: Office, form: DomainSuppressionForm) -> bool:
    asked = form.cleaned_data
    try:
        row = suppress(
            address=asked["address"],
            domain=office.domain(asked["domain"]),
            reason=asked["reason"],
            by=office.account.login,
            now=timezone.now(),
        )
    except (SuppressionInvalid, TooManySuppressions) as fact:
        form.add_error("address", str(fact))
        return False
    messages.success(request, f"Nobody of {asked['domain']} sends to {row.address} any more.")
    return True
