"""The form a message is written in."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from delivery.sender_addresses import SenderAddress
from mailhost.protocols.message.reading import AttachedPart
from mailhost.webmail.recipients import Recipient, RecipientsInvalid, parse_recipients
from mailhost.webmail.sender_choice import named

BASE64_GROWTH = 1.38  # four octets for three, and line ends (RFC 2045 section 6.8)


class ManyFilesInput(forms.ClearableFileInput):
    """Django's file input, for several files."""

    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """A list of files, empty where none was chosen."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> list["UploadedFile[Any]"]:
        """Each file by Django's rules."""
        files = data if isinstance(data, (list, tuple)) else [data] if data else []
        return [super(ManyFilesField, self).clean(file, initial) for file in files]


class RecipientsField(forms.CharField):
    """Names and addresses, separated by commas."""

    def clean(self, value: Any) -> tuple[Recipient, ...]:
        """Recipients that mail can be sent to."""
        try:
            return parse_recipients(super().clean(value))
        except RecipientsInvalid as error:
            raise ValidationError(str(error), code="no_address") from error


def _line(**attributes: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "input", **attributes})


def _days(seconds: float) -> str:
    days, hours = int(seconds // 86_400), int(seconds // 3_600)
    return f"{days} days" if days > 1 else f"{hours} hours"


class ComposeForm(forms.Form):
    """A new message. `kept` are attachments of the message it forwards or goes on with."""

    sender = forms.ChoiceField(
        label="From",
        required=False,
        widget=forms.Select(attrs={"class": "input"}),
        error_messages={"invalid_choice": "You may not send as that address any more. Choose another one."},
    )
    to = RecipientsField(label="To", required=False, widget=_line(autocomplete="off", autocapitalize="none"))
    cc = RecipientsField(label="Cc", required=False, widget=_line(autocomplete="off", autocapitalize="none"))
    bcc = RecipientsField(
        label="Bcc", required=False, widget=_line(autocomplete="off", autocapitalize="none")
    )
    subject = forms.CharField(label="Subject", required=False, max_length=2_000, widget=_line())
    text = forms.CharField(
        label="Text",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"class": "input", "rows": 16, "spellcheck": "true"}),
    )
    kept = forms.MultipleChoiceField(
        label="Attached already", required=False, widget=forms.CheckboxSelectMultiple
    )
    uploads = ManyFilesField(
        label="Files",
        required=False,
        allow_empty_file=True,
        widget=ManyFilesInput(attrs={"multiple": True}),
    )

    later = forms.DateTimeField(
        label="Send later",
        required=False,
        widget=forms.DateTimeInput(
            attrs={"class": "input", "type": "datetime-local"}, format="%Y-%m-%dT%H:%M"
        ),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
    )

    def __init__(
        self,
        *args: Any,
        senders: Sequence[SenderAddress],
        attached: Sequence[AttachedPart] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.senders = {str(each.address): each for each in senders}
        sender = self.fields["sender"]
        assert isinstance(sender, forms.ChoiceField)
        sender.choices = [(address, named(each)) for address, each in self.senders.items()]
        self.sizes = {part.section: part.size_octets for part in attached}
        kept = self.fields["kept"]
        assert isinstance(kept, forms.MultipleChoiceField)
        kept.choices = [
            (part.section, f"{part.filename} ({filesizeformat(part.size_octets)})") for part in attached
        ]
        kept.initial = [part.section for part in attached]

    def clean_later(self) -> datetime | None:
        """A moment to come, in the reader's time zone, and not further away than is offered."""
        later: datetime | None = self.cleaned_data["later"]
        most = settings.FUTURE_RELEASE_MAX_SECONDS
        if later is None or not most:
            return None
        now = timezone.now()
        if later <= now:
            raise ValidationError("That moment is over.", code="over")
        if later > now + timedelta(seconds=most):
            raise ValidationError(f"Nothing waits here for more than {_days(most)}.", code="too_late")
        return later

    def clean(self) -> dict[str, Any]:
        """All of it must fit into one message."""
        values = super().clean() or {}
        octets = sum(file.size or 0 for file in values.get("uploads", []))
        octets += sum(self.sizes[section] for section in values.get("kept", []))
        if octets * BASE64_GROWTH + len(values.get("text", "")) > settings.MAX_MESSAGE_OCTETS:
            room = filesizeformat(settings.MAX_MESSAGE_OCTETS / BASE64_GROWTH)
            raise ValidationError(
                f"These files are too large: a message carries about {room}.", code="too_large"
            )
        return values
