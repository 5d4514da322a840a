"""Could a mail from my domain to X leave now? The steps are shown while they are done."""

from collections.abc import AsyncIterator
from typing import Any

from django import forms
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.views.decorators.http import require_http_methods

from delivery.delivery_test import TooManyTests, configured_probe, count_test
from mailhost.panel.access import Office, for_domain_administrators
from mailhost.panel.pages.frame import framed, show

TEMPLATE = "panel/delivery_test.html"
STEPS = "<!-- steps -->"  # where the page is cut, and each step put in as it is done


class TestForm(forms.Form):
    """Whom it is to, and which domain it is from."""

    # Not type="email": browsers let no address literal through, and nothing beyond ASCII before the @.
    to = forms.CharField(
        label="To",
        max_length=320,
        widget=forms.TextInput(
            attrs={
                "class": "input",
                "placeholder": "somebody@example.com",
                "inputmode": "email",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
    )
    domain = forms.ChoiceField(label="From", widget=forms.Select(attrs={"class": "input"}))

    def __init__(self, *args: Any, office: Office, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        domain = self.fields["domain"]
        assert isinstance(domain, forms.ChoiceField)
        domain.choices = [(name, f"postmaster@{name}") for name in office.domains]
        domain.error_messages["invalid_choice"] = "You do not administer this domain."


@require_http_methods(["GET", "HEAD", "POST"])
@for_domain_administrators
def test_delivery(request: HttpRequest, office: Office) -> HttpResponseBase:
    """The form; once it is sent, with the steps, which come one after the other."""
    if request.method != "POST":
        return _page(request, office, TestForm(office=office))
    form = TestForm(request.POST, office=office)
    if not form.is_valid():
        return _page(request, office, form, status=422)
    try:
        count_test(account_id=office.account.pk)
    except TooManyTests as fact:
        return _page(request, office, form, status=429, refusal=str(fact))
    context = {"form": form, "is_running": True, "steps": STEPS}
    before, _, after = render_to_string(
        TEMPLATE, framed(office, at="delivery-test", **context), request=request
    ).partition(STEPS)
    to, domain = form.cleaned_data["to"].strip(), office.domain(form.cleaned_data["domain"])
    response = StreamingHttpResponse(_told(before, after, to=to, sender=f"postmaster@{domain}"))
    response["X-Accel-Buffering"] = "no"  # a proxy that waits for the end shows nothing until then
    return response


async def _told(before: str, after: str, *, to: str, sender: str) -> AsyncIterator[str]:
    yield before
    async for step in configured_probe().run(forward_path=to, reverse_path=sender):
        yield render_to_string("panel/delivery_step.html", {"step": step})
    yield after


def _page(
    request: HttpRequest, office: Office, form: TestForm, *, status: int = 200, refusal: str = ""
) -> HttpResponseBase:
    return show(request, office, TEMPLATE, at="delivery-test", form=form, status=status, refusal=refusal)
