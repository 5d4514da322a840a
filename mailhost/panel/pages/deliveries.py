"""What was brought for one's domains, and what became of it: the inbound trace as a domain's administrator sees it."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from delivery import trace
from delivery.models.trace import Outcome
from mailhost.panel.access import Office, for_domain_administrators
from mailhost.panel.pages.frame import show

SHOWN = 100


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"class": "input", "type": "date"}, format="%Y-%m-%d")


class SearchForm(forms.Form):
    """What is looked for; everything may be left out. Days are the reader's own."""

    q = forms.CharField(
        label="Looking for",
        required=False,
        max_length=320,
        widget=forms.TextInput(
            attrs={"class": "input", "placeholder": "Sender, recipient, Message-ID, address or id"}
        ),
    )
    domain = forms.ChoiceField(label="Domain", required=False, widget=forms.Select(attrs={"class": "input"}))
    outcome = forms.TypedChoiceField(
        label="Outcome",
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "Any"), *Outcome.choices],
        widget=forms.Select(attrs={"class": "input"}),
    )
    first = forms.DateField(label="From day", required=False, widget=_day())
    last = forms.DateField(label="To day", required=False, widget=_day())

    def __init__(self, *args: Any, office: Office, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        domain = self.fields["domain"]
        assert isinstance(domain, forms.ChoiceField)
        domain.choices = [("", "All"), *((name, name) for name in office.domains)]
        domain.error_messages["invalid_choice"] = "You do not administer this domain."


@require_GET
@for_domain_administrators
def show_deliveries(request: HttpRequest, office: Office) -> HttpResponse:
    """The newest recipients of all domains, or those that the search means. One that makes no sense finds nothing."""
    form = SearchForm(request.GET, office=office)
    rows = list(_search(office, form.cleaned_data)[: SHOWN + 1]) if form.is_valid() else []
    return show(
        request,
        office,
        "panel/deliveries.html",
        at="deliveries",
        form=form,
        rows=rows[:SHOWN],
        are_more=len(rows) > SHOWN,
        is_search=any(form.cleaned_data.values()),
        days=settings.TRACE_DAYS,
        status=200 if form.is_valid() else 422,
    )


def _search(office: Office, asked: dict[str, Any]) -> Any:
    outcome = asked["outcome"]
    return trace.search(
        domains=[office.domain(asked["domain"])] if asked["domain"] else office.domains,
        text=asked["q"],
        outcomes=() if outcome is None else (outcome,),
        since=_midnight(asked["first"]),
        until=_midnight(asked["last"], days_later=1),
    )


def _midnight(day: date | None, *, days_later: int = 0) -> datetime | None:
    """When the day begins where the reader is; None beyond what there is of days."""
    if day is None:
        return None
    try:
        return datetime.combine(
            day + timedelta(days=days_later), time.min, tzinfo=timezone.get_current_timezone()
        )
    except OverflowError:
        return None
