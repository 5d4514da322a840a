"""Whom one always lets in, and of whom one wants nothing: the list, and the buttons beside a message."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from delivery.filters.correcting import consequences
from mailboxes.exceptions import MailboxFact
from mailboxes.sender_rules import SenderPatternInvalid, remove_sender_rule, set_sender_rule
from mailhost.webmail.access import Desk, for_account_holders
from mailhost.webmail.foresight import foretell
from mailhost.webmail.pages.frame import show
from mailhost.webmail.reading import read_letter

MAX_SHOWN = 1_000


class SenderForm(forms.Form):
    """One rule more."""

    pattern = forms.CharField(
        label="Address or domain",
        max_length=320,
        help_text="ann@example.com, or @example.com for everybody there and below.",
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off", "spellcheck": "false"}),
    )
    rule = forms.ChoiceField(
        label="Its mail is",
        choices=[("allow", "always let in"), ("refuse", "refused")],
        widget=forms.Select(attrs={"class": "input"}),
    )


@require_http_methods(["GET", "POST"])
@for_account_holders
def show_senders(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The rules by pattern; a form for one more, a button to forget each."""
    form = SenderForm(request.POST if "rule" in request.POST else None)
    try:
        if gone := request.POST.get("forget"):
            if remove_sender_rule(account_id=desk.account.pk, pattern=gone, by=desk.account.login):
                messages.success(request, f"There is no rule for {gone} any more.")
            return redirect("webmail:senders")
        if form.is_valid():
            _set(request, desk, form.cleaned_data["pattern"], form.cleaned_data["rule"])
            return redirect("webmail:senders")
    except SenderPatternInvalid as fact:
        form.add_error("pattern", str(fact))
    except MailboxFact as fact:
        form.add_error(None, str(fact))
    rules = desk.account.sender_rules.all()[:MAX_SHOWN]
    status = 422 if form.is_bound else 200
    return show(request, desk, "webmail/senders.html", rules=rules, form=form, status=status)


@require_POST
@for_account_holders
def rule_sender(request: HttpRequest, desk: Desk, mailbox_id: int, uid: int) -> HttpResponse:
    """A button beside a message; then its page again, which says what would become of the next one."""
    letter = read_letter(desk.mailbox(mailbox_id), uid)
    pattern, rule = request.POST.get("pattern", ""), request.POST.get("rule", "")
    try:
        _, changed = consequences(
            account_id=desk.account.pk,
            content_ids=[letter.content_id],
            correct=lambda: _set(request, desk, pattern, rule),
            now=timezone.now(),
        )
    except MailboxFact as fact:
        messages.warning(request, str(fact))
    else:
        if sentence := foretell(changed, is_lesson=False):
            messages.info(request, sentence)
    return redirect(reverse("webmail:letter", args=[mailbox_id, uid]))


def _set(request: HttpRequest, desk: Desk, pattern: str, rule: str) -> None:
    is_allowed = rule == "allow"
    row = set_sender_rule(
        account_id=desk.account.pk, pattern=pattern, is_allowed=is_allowed, by=desk.account.login
    )
    done = "is let in where it is proven to be from there" if is_allowed else "is refused from now on"
    messages.success(request, f"Mail from {row.pattern} {done}.")
