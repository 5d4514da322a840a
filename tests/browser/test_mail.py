"""A day with webmail in a real browser: sign in, read, answer, tidy up, sign out. With scripts, and without."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from mailboxes.models import Account
from tests.browser.signing_in import sign_in
from tests.support.hosting import new_account
from tests.webmail.mail import LETTER, deliver

HTML = LETTER.replace(b"Subject: Hello", b"Subject: Colours").replace(
    b"\r\n\r\nHow are you?",
    b"\r\nContent-Type: text/html\r\n\r\n<h1>All colours</h1><script>top.location='/stolen/'</script>"
    b"<a href='https://x.test/'>more</a><img src='https://tracker.test/x.gif'>",
)


@pytest.fixture(params=[True, False], ids=["with-scripts", "without-scripts"])
def page(request: pytest.FixtureRequest, browser: Browser, web: str) -> Iterator[Page]:
    context = browser.new_context(base_url=web, java_script_enabled=request.param)
    yield context.new_page()
    context.close()


def test_reading_answering_and_tidying_up(page: Page, alice: Account) -> None:
    bob = new_account("bob")
    deliver(alice, LETTER.replace(b"bob@elsewhere.test", bob.login.encode()))
    sign_in(page, alice)
    expect(page.get_by_role("heading", name="Inbox")).to_be_visible()
    expect(page.locator(".row.unseen")).to_have_count(1)
    page.get_by_role("link", name="Hello").click()
    expect(page.get_by_text("How are you?")).to_be_visible()
    page.get_by_role("link", name="Reply", exact=True).click()
    expect(page.get_by_label("To")).to_have_value(f"Bob <{bob.login}>")
    text = page.get_by_label("Text")
    text.fill("I am well.\n" + text.input_value())
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_have_text("Message sent.")
    expect(page.locator(".row.unseen")).to_have_count(0)
    page.get_by_label("Choose: Hello").check()
    page.get_by_role("button", name="Archive").click()
    expect(page.get_by_role("status")).to_have_text("1 message moved to Archive.")
    expect(page.get_by_role("heading", name="All done")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, bob)
    page.get_by_role("link", name="Re: Hello").click()
    expect(page.get_by_text("I am well.")).to_be_visible()


def test_the_html_of_a_stranger_can_neither_run_nor_load(page: Page, alice: Account) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    deliver(alice, HTML)
    sign_in(page, alice)
    page.get_by_role("link", name="Colours").click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="All colours")).to_be_visible()
    assert not any("tracker.test" in url or "stolen" in url for url in asked)
    page.get_by_role("link", name="Show images").click()
    expect(page).to_have_url(re.compile(r"\?images$"))
    expect(page.frame_locator("iframe").get_by_role("heading", name="All colours")).to_be_visible()
    assert any("tracker.test" in url for url in asked)
    assert not any("stolen" in url for url in asked)


def test_a_wrong_recipient_costs_no_text(page: Page, alice: Account) -> None:
    sign_in(page, alice)
    page.get_by_role("navigation", name="Folders").get_by_role("link", name="New message").click()
    page.get_by_label("To").fill("nobody")
    page.get_by_label("Subject").fill("Important")
    page.get_by_label("Text").fill("Long thoughts")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("is not an address")).to_be_visible()
    expect(page.get_by_label("Text")).to_have_value("Long thoughts")
    page.get_by_label("To").fill(alice.login)
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_role("status")).to_have_text("Draft saved.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("link", name="Important")).to_be_visible()


def test_new_mail_is_told_without_a_reload(browser: Browser, web: str, alice: Account) -> None:
    context = browser.new_context(base_url=web)
    page = context.new_page()
    page.clock.install()
    sign_in(page, alice)
    expect(page.get_by_role("heading", name="All done")).to_be_visible()
    page.wait_for_load_state("load")  # htmx has set its timer
    page.wait_for_function("window.htmx !== undefined")
    deliver(alice)
    page.clock.run_for(31_000)
    page.get_by_role("link", name="Show it").click()
    expect(page.get_by_role("link", name="Hello")).to_be_visible()
    context.close()


def test_what_was_sent_too_soon_is_taken_back(page: Page, alice: Account) -> None:
    bob = new_account("bob")
    sign_in(page, alice)
    page.goto("/mail/account/")
    page.get_by_label("Undo send").select_option("1 minute")
    page.get_by_role("button", name="Change time to undo").click()
    expect(page.get_by_role("status")).to_have_text("Your time to undo is changed.")
    page.goto("/mail/new/")
    page.get_by_label("To").fill(bob.login)
    page.get_by_label("Subject").fill("Too soon")
    page.get_by_label("Text").fill("Not yet finished")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Message sent: Too soon.")
    expect(page.locator("[data-countdown]")).to_have_text(re.compile(r"in \d+ seconds"))
    page.get_by_role("link", name="Outbox").click()
    waiting = page.get_by_role("group", name="Too soon")
    expect(waiting.get_by_role("button", name="Edit")).to_be_visible()
    page.get_by_role("link", name="Inbox").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_have_text(
        "Taken back: nothing of it was sent. It is a draft again."
    )
    expect(page.get_by_label("To")).to_have_value(bob.login)
    expect(page.get_by_label("Text")).to_have_value(re.compile("Not yet finished"))
    expect(page.get_by_role("link", name="Outbox", exact=True)).to_be_visible()  # "1 waiting" is gone
    page.get_by_role("link", name="Sent").click()
    expect(page.get_by_role("heading", name="Nothing sent yet")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, bob)
    expect(page.get_by_role("heading", name="All done")).to_be_visible()
