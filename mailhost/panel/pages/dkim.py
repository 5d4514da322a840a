"""The DKIM keys of one's domains: what belongs into DNS, and whether it is seen there. To be read only."""

from datetime import datetime
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from domains.dkim_keys import removable_at
from domains.dkim_records import zone_entry
from domains.models import DkimKey, DkimState
from mailhost.panel.access import Office, for_domain_administrators
from mailhost.panel.pages.frame import show

SHOWN = 200  # a pair for each domain as a rule, and another one while they change
STANDING = {
    DkimState.PENDING: "signs as soon as its record is seen",
    DkimState.ACTIVE: "signs your mail",
    DkimState.RETIRING: "signs no more; its record has to stay while mail is on its way",
}


class ShownKey(NamedTuple):
    """A key with its words. zone: its record for a zone file. removable_at: from when on it may go."""

    key: DkimKey
    zone: str
    standing: str
    removable_at: datetime | None


@require_safe
@for_domain_administrators
def show_keys(request: HttpRequest, office: Office) -> HttpResponse:
    """By domain, the newest first; without those that are over."""
    found = DkimKey.objects.filter(domain__name__in=office.domains).exclude(state=DkimState.RETIRED)
    rows = list(found.select_related("domain").defer("private_key")[: SHOWN + 1])
    keys = [
        ShownKey(row, zone_entry(row), STANDING[DkimState(row.state)], removable_at(row))
        for row in rows[:SHOWN]
    ]
    return show(request, office, "panel/dkim.html", at="dkim", keys=keys, are_more=len(rows) > SHOWN)
