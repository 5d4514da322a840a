"""The panel's page of DKIM keys fits its screens."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from domains.dkim_keys import activate_key, make_keys
from domains.models import DkimKey, Domain
from mailboxes.administration import appoint_administrator
from mailboxes.models import Account
from tests.browser.screens import look
from tests.browser.signing_in import sign_in
from tests.support.hosting import new_account


@pytest.fixture(scope="module")
def ann(web: str) -> Account:
    ann = new_account("ann")
    name = ann.login.partition("@")[2]
    appoint_administrator(domain=name, login=ann.login, by="test")
    keys: list[DkimKey] = make_keys(domain=Domain.objects.get(name=name), now=timezone.now(), by="test")
    activate_key(key=keys[1], now=timezone.now(), by="test")
    note = f"There is no TXT record at {keys[0]}."
    DkimKey.objects.filter(pk=keys[0].pk).update(check_note=note, checked_at=timezone.now())
    return ann


def test_the_page_of_keys_fits(ann: Account, screen: tuple[str, Page]) -> None:
    name, page = screen
    sign_in(page, ann)
    page.wait_for_url("**/mail/*/")
    page.goto("/panel/dkim/")
    expect(page.get_by_label("TXT record").first).to_be_visible()
    look(page, name, "FINISH-panel-dkim")
