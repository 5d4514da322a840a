"""Signing in at the front page and out again, on Django's own views."""

from time import sleep
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, redirect_to_login
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache

from mailboxes.exceptions import AuthenticationFailed, TooManyFailures
from mailboxes.models import Account


def start_page(account: Account) -> str:
    """Where an account begins: its mail, or (an operator without a mailbox) the administration."""
    return reverse("webmail:start") if account.address_id is not None else reverse("admin:index")


def pause(seconds: float) -> None:
    """Slows whoever guesses. Each request has a thread of its own; its database connection goes back to the pool."""
    if seconds > 0:
        if not connection.in_atomic_block:
            connection.close()
        sleep(seconds)


class SignInForm(AuthenticationForm):
    """Login and password. Too many wrong ones are told apart, so that people know that waiting helps."""

    error_messages = {
        "invalid_login": "The address or the password is wrong.",
        "inactive": "The address or the password is wrong.",  # never said which
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        login, password = self.fields["username"], self.fields["password"]
        login.label = "Address"
        login.widget = forms.TextInput(
            attrs={
                "class": "input",
                "autocomplete": "username",
                "autocapitalize": "none",
                "inputmode": "email",
                "autofocus": True,
            }
        )
        password.widget.attrs["class"] = "input"

    def clean(self) -> dict[str, Any]:
        """As Django's, with this host's refusals as form errors."""
        try:
            return super().clean()
        except AuthenticationFailed as fact:
            pause(fact.wait_seconds)
            raise self.get_invalid_login_error() from None
        except TooManyFailures as fact:
            minutes = max(1, -(-int(fact.retry_after_seconds) // 60))
            raise ValidationError(
                ngettext(
                    "Too many wrong passwords. Try again in a minute.",
                    "Too many wrong passwords. Try again in %(minutes)d minutes.",
                    minutes,
                )
                % {"minutes": minutes},
                code="too_many_failures",
            ) from None


class SignIn(LoginView):
    """The front page. Whoever is signed in already goes on to their mail."""

    template_name = "sign_in/sign_in.html"
    form_class = SignInForm
    authentication_form = SignInForm
    redirect_authenticated_user = True
    extra_context = {"hostname": settings.HOSTNAME}

    def get_default_redirect_url(self) -> str:
        """The account's own start page; `next`, where given, comes first."""
        account = self.request.user
        return start_page(account) if isinstance(account, Account) else reverse("sign-in")


@never_cache
def enter_admin(request: HttpRequest) -> HttpResponse:
    """The admin's own login page is this house's front page; account holders are told that it is not for them."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.GET.get("next", reverse("admin:index")), reverse("sign-in"))
    if not isinstance(request.user, Account) or not request.user.is_operator:
        raise PermissionDenied
    return redirect("admin:index")


def own_account(request: HttpRequest) -> HttpResponse:
    """Operators change their password on their account's page."""
    if not isinstance(request.user, Account) or not request.user.is_operator:
        return redirect("sign-in")
    return redirect("admin:mailboxes_account_change", request.user.pk)
