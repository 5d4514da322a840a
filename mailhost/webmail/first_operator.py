"""The page behind the link that `web` logs while nobody runs the host: it makes the first operator."""

from typing import Any

from django import forms
from django.contrib.auth import login as sign_in
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from mailboxes.exceptions import MailboxFact
from mailboxes.first_operator import TokenInvalid, is_valid, use_token
from mailboxes.models import Account
from mailhost.webmail.sign_in import start_page


class FirstOperatorForm(forms.Form):
    """How the operator signs in from now on."""

    login = forms.CharField(
        label="Login",
        max_length=200,
        help_text="Any name. It needs no mailbox: accounts with one are made afterwards.",
        widget=forms.TextInput(
            attrs={"class": "input", "autocomplete": "username", "autocapitalize": "none", "autofocus": True}
        ),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        help_text="At least 8 characters, and not a common one.",
        widget=forms.PasswordInput(attrs={"class": "input", "autocomplete": "new-password"}),
    )
    password_again = forms.CharField(
        label="Password again",
        strip=False,
        widget=forms.PasswordInput(attrs={"class": "input", "autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        """Both passwords are the same, and a good one."""
        values = super().clean() or {}
        password = values.get("password", "")
        if password and values.get("password_again") and password != values["password_again"]:
            self.add_error("password_again", "The two passwords are not the same.")
        elif password:
            try:
                password_validation.validate_password(password, Account(login=values.get("login", "")))
            except ValidationError as error:
                self.add_error("password", error)
        return values


@never_cache
@require_http_methods(["GET", "POST"])
def make_first_operator(request: HttpRequest, token: str) -> HttpResponse:
    """Makes the operator and signs in; a link that has done its work says so."""
    if not is_valid(token):
        return render(request, "sign_in/link_void.html", status=410)
    form = FirstOperatorForm(request.POST or None)
    if not form.is_valid():
        return render(
            request, "sign_in/first_operator.html", {"form": form}, status=422 if form.is_bound else 200
        )
    try:
        account = use_token(token, login=form.cleaned_data["login"], password=form.cleaned_data["password"])
    except TokenInvalid:
        return render(request, "sign_in/link_void.html", status=410)
    except MailboxFact as fact:
        form.add_error(None, str(fact))
        return render(request, "sign_in/first_operator.html", {"form": form}, status=422)
    sign_in(request, account)
    return redirect(start_page(account))
