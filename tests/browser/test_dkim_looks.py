"""The pages of DKIM keys fit their screens, and keep their policy."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from domains.dkim_keys import activate_key, make_keys
from domains.models import DkimKey, Domain
from mailboxes.accounts import change_account
from mailboxes.models import Account
from tests.browser.screens import complaints_of, look
from tests.browser.signing_in import sign_in
from tests.support.hosting import new_account


@pytest.fixture(scope="module")
def operator(web: str) -> Account:
    account = new_account("alice")
    return change_account(account_id=account.pk, is_operator=True, by="test")


def test_the_pages_of_keys_fit_and_break_no_policy(operator: Account, screen: tuple[str, Page]) -> None:
    name, page = screen
    complaints = complaints_of(page)
    domain = Domain.objects.get(name=operator.login.partition("@")[2])
    keys: list[DkimKey] = make_keys(domain=domain, now=timezone.now(), by="test")
    activate_key(key=keys[1], now=timezone.now(), by="test")
    sign_in(page, operator)
    page.wait_for_url("**/mail/*/")
    for place, path in {
        "keys": f"/admin/domains/dkimkey/?q={domain.name}",
        "key": f"/admin/domains/dkimkey/{keys[0].pk}/change/",
    }.items():
        page.goto(path)
        look(page, name, f"dkim-{place}")
    button = page.locator(f"[data-copy=zone-{keys[0].pk}]")
    button.click()
    expect(button).to_have_text("Copied")
    assert page.locator("textarea").first.input_value() == keys[0].record
    assert complaints == []
