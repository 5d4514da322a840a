"""The panel's page of DKIM keys fits its screens, and its buttons copy the records."""

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from domains.dkim_keys import activate_key, make_keys
from domains.dkim_records import zone_entry
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
    expect(page.get_by_label("As one value").first).to_be_visible()
    look(page, name, "queue8-panel-dkim")


@pytest.mark.parametrize("clipboard", ["of scripts", "of the browser"])
def test_each_record_is_copied_in_both_forms(
    ann: Account, browser: Browser, web: str, clipboard: str
) -> None:
    context = browser.new_context(base_url=web, permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    if clipboard == "of the browser":  # as where the page came without TLS
        page.add_init_script("navigator.clipboard.writeText = () => { throw new Error('not here'); };")
    sign_in(page, ann)
    page.wait_for_url("**/mail/*/")
    page.goto("/panel/dkim/")
    key = DkimKey.objects.filter(domain__name=ann.login.partition("@")[2], algorithm="rsa").get()
    for field, value in {"name": str(key), "record": key.record, "zone": zone_entry(key)}.items():
        button = page.locator(f"[data-copy={field}-{key.pk}]")
        button.click()
        expect(button).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == value
        expect(button).to_have_text("Copy")
    context.close()
