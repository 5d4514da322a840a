"""From how many points on one's mail goes to Junk, is held back or is refused."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from domains.exceptions import ScoreInvalid
from domains.scores import MAX_SCORE, MIN_SCORE, NEVER, InForce, in_force, points_in_words
from mailboxes.accounts import change_account
from mailboxes.models import Account
from mailhost.webmail.access import Desk, for_account_holders
from mailhost.webmail.pages.frame import show
from mailhost.webmail.scale import stretches

PURPOSE = {
    "junk_score": "Mail with so many points or more goes to Junk.",
    "quarantine_score": "Mail with so many points or more is kept out of your folders until you decide. 0: never.",
    "refuse_score": "Mail with so many points or more is sent back: you do not get it. 0: never.",
}


def _points(least: float) -> forms.NumberInput:
    return forms.NumberInput(
        attrs={
            "class": "input",
            "min": f"{least:g}",
            "max": f"{MAX_SCORE:g}",
            "step": "any",
            "inputmode": "decimal",
        }
    )


class ThresholdsForm(forms.Form):
    """Numbers of one's own; empty: those of the domain or the host."""

    junk_score = forms.FloatField(label="Junk", required=False, widget=_points(MIN_SCORE))
    quarantine_score = forms.FloatField(label="Quarantine", required=False, widget=_points(NEVER))
    refuse_score = forms.FloatField(label="Refusal", required=False, widget=_points(NEVER))

    def __init__(self, *args: Any, above: Mapping[str, InForce], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, said in above.items():
            whose = "your domain" if said.level == 0 else "this host"
            otherwise = points_in_words(said.score)
            self.fields[name].widget.attrs["placeholder"] = otherwise
            self.fields[name].help_text = f"{PURPOSE[name]} Empty: as {whose} has it, {otherwise}."


@require_http_methods(["GET", "POST"])
@for_account_holders
def show_filters(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The scale as it is, and the numbers to change it by."""
    account = desk.account
    domain = account.address.domain if account.address else None
    own = {name: _shown(getattr(account, name)) for name in ThresholdsForm.base_fields}
    form = ThresholdsForm(
        request.POST if request.method == "POST" else None, initial=own, above=in_force(domain)
    )
    if form.is_valid():
        try:
            _change(account, form.cleaned_data)
        except ScoreInvalid as fact:
            form.add_error(fact.field, str(fact))
        else:
            messages.success(request, "Your filter goes by these numbers from now on.")
            return redirect("webmail:filters")
    scores = in_force(account, domain)
    return show(
        request,
        desk,
        "webmail/filters.html",
        form=form,
        scale=stretches(scores),
        status=422 if form.is_bound else 200,
    )


def _shown(score: float | None) -> str:
    return "" if score is None else f"{score:g}"


def _change(account: Account, values: Mapping[str, float | None]) -> None:
    change_account(
        account_id=account.pk,
        junk_score=values["junk_score"],
        quarantine_score=values["quarantine_score"],
        refuse_score=values["refuse_score"],
        by=account.login,
    )
