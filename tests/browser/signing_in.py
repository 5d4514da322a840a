"""Signing in as people do."""

from urllib.parse import urlencode

from playwright.sync_api import Page

from mailboxes.models import Account
from tests.support.hosting import PASSWORD


def sign_in(page: Page, account: Account, *, to: str = "") -> None:
    """By the form; `to` is the page that was asked for, if any."""
    page.goto(f"/?{urlencode({'next': to})}" if to else "/")
    page.get_by_label("Address").fill(account.login)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
