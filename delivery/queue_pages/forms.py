"""What can be looked for in the queue, and what a verb has to be told."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms

from delivery.models import Holder, RecipientState
from delivery.queue.filtering import QueueFilter
from delivery.queue.verbs import BOUNCED_BY, Order, Verb, next_hop
from domains.exceptions import DomainFact
from mailhost.protocols.addresses import MAX_ADDRESS_OCTETS

MAX_REPLY: Final = 500
MAX_PICKED: Final = 200  # rows of a page
AGES: Final = (
    ("", "Any"),
    ("o3600", "over 1 hour"),
    ("o14400", "over 4 hours"),
    ("o86400", "over 1 day"),
    ("o172800", "over 2 days"),
    ("u3600", "under 1 hour"),
    ("u86400", "under 1 day"),
)
DEFERRALS: Final = ((1, "1 hour"), (4, "4 hours"), (12, "12 hours"), (24, "1 day"), (72, "3 days"))


def _text(label: str, *, hint: str = "", most: int = MAX_ADDRESS_OCTETS) -> forms.CharField:
    widget = forms.TextInput(attrs={"class": "input", "placeholder": hint, "autocapitalize": "none"})
    return forms.CharField(label=label, required=False, max_length=most, widget=widget)


def _choice(label: str, choices: Iterable[tuple[Any, str]], *, required: bool = False) -> forms.ChoiceField:
    widget = forms.Select(attrs={"class": "input"})
    return forms.ChoiceField(label=label, required=required, choices=list(choices), widget=widget)


class FilterForm(forms.Form):
    """Everything may be left out."""

    sender = _text("From", hint="Whole address; <> for notices")
    recipient = _text("To", hint="Whole address, or an alias")
    domain = _text("Domain of To", hint="example.com")
    next_hop = _text("Waits for", hint="example.com")
    reply = _text("Last reply has", hint="421, greylisted, timed out …", most=MAX_REPLY)
    state = _choice("State", [("", "All that is not over"), *RecipientState.choices])
    age = _choice("In the queue", AGES)

    def asked(self, *, sent_from: tuple[str, ...] | None, now: datetime) -> QueueFilter:
        """What valid fields mean at this moment."""
        given = self.cleaned_data
        age = given["age"]
        moment = now - timedelta(seconds=int(age[1:])) if age else None
        texts = {name: given[name] for name in ("sender", "recipient", "domain", "next_hop", "reply")}
        return QueueFilter(
            states=(given["state"],) if given["state"] else (),
            before=moment if age.startswith("o") else None,
            since=moment if age.startswith("u") else None,
            sent_from=sent_from,
            **texts,
        )


class PickForm(forms.Form):
    """A verb, and the rows that were ticked; none: all that the filter finds."""

    verb = forms.ChoiceField(choices=[(verb.value, verb.value) for verb in Verb])
    pick = forms.TypedMultipleChoiceField(coerce=int, required=False)

    def __init__(self, *args: Any, verbs: Iterable[Verb], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        verb, pick = self.fields["verb"], self.fields["pick"]
        assert isinstance(verb, forms.ChoiceField)
        assert isinstance(pick, forms.ChoiceField)
        verb.choices = [(each.value, each.value) for each in verbs]
        ticked = self.data.getlist("pick") if hasattr(self.data, "getlist") else []
        numbers = [text for text in ticked if text.isascii() and text.isdigit() and len(text) <= 18]
        pick.choices = [(text, text) for text in numbers[:MAX_PICKED]]

    def picked(self, asked: QueueFilter) -> QueueFilter:
        """Without the other conditions, but never more than the page may reach: what was ticked was seen."""
        if not self.cleaned_data["pick"]:
            return asked
        return QueueFilter(
            ids=tuple(self.cleaned_data["pick"]), states=tuple(RecipientState), sent_from=asked.sent_from
        )


class OrderForm(forms.Form):
    """What this verb needs beside its filter."""

    def __init__(self, *args: Any, verb: Verb, holder: Holder, is_everything: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.verb, self.holder = verb, holder
        if verb is Verb.DEFER:
            self.fields["hours"] = _choice("Not before", DEFERRALS, required=True)
        if verb is Verb.REDIRECT:
            self.fields["to"] = _text("Send to the host or domain", hint="mx.example.com")
            self.fields["to"].required = True
        if verb is Verb.BOUNCE:
            self.fields["reply"] = _text("The sender is told", most=MAX_REPLY)
            self.fields["reply"].initial = BOUNCED_BY[holder]
        if is_everything:
            self.fields["everything"] = forms.BooleanField(label="Yes, all that waits")

    def clean_to(self) -> str:
        """As the queue has it."""
        try:
            return next_hop(self.cleaned_data["to"])
        except DomainFact as fact:
            raise forms.ValidationError(str(fact)) from fact

    def order(self, *, now: datetime) -> Order:
        """As the valid fields say."""
        given = self.cleaned_data
        until = now + timedelta(hours=int(given["hours"])) if "hours" in given else None
        reply = given.get("reply", "").strip()
        return Order(verb=self.verb, holder=self.holder, until=until, to=given.get("to", ""), reply=reply)
