"""What people change of their own account: the name that stands in their mail, their time to undo, their password."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import password_validation, update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from mailboxes.accounts import change_account
from mailboxes.administration import domains_administered_by
from mailboxes.authentication import authenticate
from mailboxes.exceptions import AuthenticationFailed, MailboxFact, TooManyFailures
from mailboxes.models import Account
from mailboxes.models.account import MAX_UNDO_SECONDS
from mailhost.webmail.access import Desk, for_account_holders
from mailhost.webmail.pages.frame import show
from mailhost.webmail.sign_in import pause

UNDO_CHOICES = (0, 5, 10, 20, 30, 60, 120, MAX_UNDO_SECONDS)


def _password(autocomplete: str) -> forms.PasswordInput:
    return forms.PasswordInput(attrs={"class": "input", "autocomplete": autocomplete})


class NameForm(forms.Form):
    """How one is called."""

    display_name = forms.CharField(
        label="Your name",
        required=False,
        max_length=200,
        help_text="Stands beside your address in the mail that you write here.",
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "name"}),
    )


class UndoForm(forms.Form):
    """How long what is sent can be taken back."""

    undo_seconds = forms.TypedChoiceField(
        label="Undo send",
        coerce=int,
        help_text="So long nothing of what you send leaves, here or from a mail program, and you can take it back.",
        widget=forms.Select(attrs={"class": "input"}),
    )

    def __init__(self, *args: Any, current: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["undo_seconds"]
        assert isinstance(field, forms.TypedChoiceField)
        field.initial = current
        field.choices = [(each, _time(each)) for each in sorted({*UNDO_CHOICES, current})]


def _time(seconds: int) -> str:
    if not seconds:
        return "Off: it leaves at once"
    if seconds % 60:
        return f"{seconds} seconds"
    return "1 minute" if seconds == 60 else f"{seconds // 60} minutes"


class PasswordForm(forms.Form):
    """The old password and a new one."""

    current = forms.CharField(label="Current password", strip=False, widget=_password("current-password"))
    new = forms.CharField(
        label="New password",
        strip=False,
        help_text="At least 8 characters, and not a common one. Mail programs have to be told too.",
        widget=_password("new-password"),
    )
    again = forms.CharField(label="New password again", strip=False, widget=_password("new-password"))

    def __init__(self, *args: Any, account: Account, peer: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account
        self.peer = peer

    def clean_current(self) -> str:
        """Asked as at sign-in, with the same brakes: a browser left open tells nobody the password."""
        current: str = self.cleaned_data["current"]
        try:
            authenticate(login=self.account.login, password=current, peer=self.peer, protocol="web")
        except AuthenticationFailed as fact:
            pause(fact.wait_seconds)
            raise ValidationError("That is not your password.", code="wrong") from None
        except TooManyFailures:
            raise ValidationError("Too many wrong passwords. Try again later.", code="too_many") from None
        return current

    def clean(self) -> dict[str, Any]:
        """Both new ones are the same, and good."""
        values = super().clean() or {}
        new = values.get("new", "")
        if new and new != values.get("again", ""):
            self.add_error("again", "The two passwords are not the same.")
        elif new:
            try:
                password_validation.validate_password(new, self.account)
            except ValidationError as error:
                self.add_error("new", error)
        return values


@require_http_methods(["GET", "POST"])
@for_account_holders
def show_account(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The account's page; each of its forms is sent alone."""
    account, which = desk.account, request.POST.get("form")
    name = NameForm(request.POST if which == "name" else None, initial={"display_name": account.display_name})
    undo = UndoForm(request.POST if which == "undo" else None, current=account.undo_seconds)
    password = PasswordForm(
        request.POST if which == "password" else None,
        account=account,
        peer=request.META.get("REMOTE_ADDR", ""),
    )
    forms_by_name: dict[str | None, forms.Form] = {"password": password, "undo": undo}
    form = forms_by_name.get(which, name)
    if form.is_valid():
        try:
            _change(request, account, form)
        except MailboxFact as fact:
            form.add_error(None, str(fact))
        else:
            return redirect(reverse("webmail:account"))
    status = 422 if form.is_bound else 200
    return show(
        request,
        desk,
        "webmail/account.html",
        name=name,
        undo=undo,
        password=password,
        administers=domains_administered_by(account_id=account.pk),
        status=status,
    )


def _change(request: HttpRequest, account: Account, form: forms.Form) -> None:
    values = form.cleaned_data
    if isinstance(form, PasswordForm):
        changed = change_account(account_id=account.pk, password=values["new"], by=account.login)
        update_session_auth_hash(request, changed)  # other sessions end, this one goes on
        messages.success(request, "Your password is changed.")
    elif isinstance(form, UndoForm):
        change_account(account_id=account.pk, undo_seconds=values["undo_seconds"], by=account.login)
        messages.success(request, "Your time to undo is changed.")
    else:
        change_account(account_id=account.pk, display_name=values["display_name"], by=account.login)
        messages.success(request, "Your name is changed.")
