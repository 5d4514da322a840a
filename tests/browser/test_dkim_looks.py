"""The pages of DKIM keys fit their screens, and keep their policy."""

from collections.abc import Iterator

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from domains.dkim_keys import activate_key, make_keys
from domains.models import DkimKey, Domain
from mailboxes.accounts import change_account
from mailboxes.models import Account
from tests.browser.test_looks import SCREENS, look
from tests.browser.test_mail import sign_in
from tests.support.hosting import new_account


@pytest.fixture(scope="module")
def operator(web: str) -> Account:
    account = new_account("alice")
    return change_account(account_id=account.pk, is_operator=True, by="test")


@pytest.fixture(params=SCREENS)
def screen(request: pytest.FixtureRequest, browser: Browser, web: str) -> Iterator[tuple[str, Page]]:
    context = browser.new_context(base_url=web, **SCREENS[request.param])
    yield request.param, context.new_page()
    context.close()


def test_the_pages_of_keys_fit_and_break_no_policy(operator: Account, screen: tuple[str, Page]) -> None:
    name, page = screen
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error" and "ERR_NETWORK_CHANGED" not in message.text:
            complaints.append(f"{page.url}: {message.text}")

    page.on("console", listen)
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
