"""What the admin asks about an account, new or old, and how it reads the answers."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from domains.scores import NAMES, ZERO, in_force, points_in_words
from mailboxes.models import Account
from mailboxes.models.account import MAX_UNDO_SECONDS, PROTOCOLS
from mailhost.audit.admin_pages import VerbForm
from mailhost.environment import parse_octets
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress

UNITS = (("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10))
MAX_QUOTA_OCTETS = 1 << 60
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
