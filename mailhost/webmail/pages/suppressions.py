"""Addresses that one's mail is not sent to any more: why, since when, and lifting that."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from delivery.suppression import key_of, suppressed_among
from delivery.suppression_lists import (
    SuppressionInvalid,
    SuppressionNotFound,
    TooManySuppressions,
    lift,
    list_of_account,
    suppress,
)
from domains import lookup
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.webmail.access import Desk, for_account_holders
from mailhost.webmail.pages.frame import show
from mailhost.webmail.recipients import RecipientsInvalid, parse_recipients

MAX_SHOWN = 500


class SuppressionForm(forms.Form):
    """One address more."""

    address = forms.CharField(
        label="Address",
        max_length=320,
        help_text="Nothing that you send goes there, until you lift it.",
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off", "spellcheck": "false"}),
    )
    reason = forms.CharField(
        label="Why", required=False, max_length=200, widget=forms.TextInput(attrs={"class": "input"})
    )

    def clean_address(self) -> EmailAddress:
        """Parsed once."""
        try:
            return EmailAddress.parse(self.cleaned_data["address"].strip())
        except AddressSyntaxError as error:
            raise forms.ValidationError(str(error)) from error


@require_POST
@for_account_holders
def tell_of_suppressed(request: HttpRequest, desk: Desk) -> HttpResponse:
    """What stands below a line of recipients while somebody writes: who of them gets nothing. Sending says so again.

    What is no list of addresses (yet) is told when it is sent.
    """
    typed = next((request.POST[name] for name in ("to", "cc", "bcc") if name in request.POST), "")
    try:
        addresses = {key_of(each.address): each.address for each in parse_recipients(typed)}
    except RecipientsInvalid:
        addresses = {}
    keys = list(addresses)[:MAX_SHOWN]
    found = suppressed_among(account_id=desk.account.pk, addresses=keys, now=timezone.now())
    # What goes to mailboxes here is no matter of the list.
    told = [each for key, each in found.items() if not lookup.is_hosted(domain=addresses[key].domain)]
    return render(request, "webmail/suppressed.html", {"suppressed": told})


@require_http_methods(["GET", "POST"])
@for_account_holders
def show_suppressions(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The latest first; a button to lift each, a form for one more."""
    among, by = list_of_account(account_id=desk.account.pk), desk.account.login
    form = SuppressionForm(request.POST if "address" in request.POST else None)
    if (number := request.POST.get("lift", "")).isdecimal() and len(number) <= 18:
        try:
            lifted = lift(suppression_id=int(number), among=among, by=by)
            messages.success(request, f"Your mail goes to {lifted.address} again.")
        except SuppressionNotFound:
            messages.info(request, "It was lifted already.")
        return redirect("webmail:suppressions")
    if form.is_valid():
        asked = form.cleaned_data
        try:
            row = suppress(
                address=asked["address"],
                account_id=desk.account.pk,
                reason=asked["reason"],
                by=by,
                now=timezone.now(),
            )
            messages.success(request, f"Your mail goes to {row.address} no more.")
            return redirect("webmail:suppressions")
        except (SuppressionInvalid, TooManySuppressions) as fact:
            form.add_error("address", str(fact))
    rows = list(among[: MAX_SHOWN + 1])
    status = 422 if form.is_bound else 200
    return show(
        request,
        desk,
        "webmail/suppressions.html",
        form=form,
        rows=rows[:MAX_SHOWN],
        are_more=len(rows) > MAX_SHOWN,
        now=timezone.now(),
        status=status,
    )
