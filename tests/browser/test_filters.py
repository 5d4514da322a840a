"""Putting the filters right in a real browser: what is here and why, what is held, from how many points on."""

import re
from collections.abc import Iterator

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from mailboxes.models import Account
from tests.browser.demo_filters import judge_some
from tests.browser.signing_in import sign_in


@pytest.fixture(params=[True, False], ids=["with-scripts", "without-scripts"])
def page(request: pytest.FixtureRequest, browser: Browser, web: str) -> Iterator[Page]:
    context = browser.new_context(base_url=web, java_script_enabled=request.param)
    yield context.new_page()
    context.close()


@pytest.fixture
def phone(browser: Browser, web: str) -> Iterator[Page]:
    context = browser.new_context(base_url=web, viewport={"width": 390, "height": 844}, has_touch=True)
    yield context.new_page()
    context.close()


@pytest.fixture
def judged(alice: Account) -> Account:
    judge_some(alice, now=timezone.now())
    return alice


def open_junk(page: Page, subject: str = "You are our winner") -> None:
    page.get_by_role("link", name="Junk").click()
    page.get_by_role("link", name=subject).click()
    page.get_by_text("Why is this here?").click()


def said(page: Page) -> str:
    return " ".join(page.locator(".notice").all_inner_texts())


def test_junk_is_explained_and_its_sender_let_in(page: Page, judged: Account) -> None:
    sign_in(page, judged)
    open_junk(page)
    expect(page.get_by_text("It was put into Junk.")).to_be_visible()
    expect(page.locator(".findings li").first).to_contain_text("It reads like junk: a link with prizes")
    page.get_by_label("Whom it is about").select_option("@prizes.example.test")
    page.get_by_role("button", name="Always let in").click()
    assert "The next message like this would go to your inbox, because you let in mail" in said(page)
    assert "Points: 6.1 when it came" in said(page)


def test_a_sender_is_refused_from_its_message_and_forgotten_in_the_list(page: Page, judged: Account) -> None:
    sign_in(page, judged)
    open_junk(page)
    page.get_by_role("button", name="Refuse from now on").click()
    assert "The next message like this would be refused, because you refuse mail from" in said(page)
    page.get_by_role("link", name=judged.login).click()
    page.get_by_role("link", name="Senders").click()
    expect(page.get_by_role("cell", name="winner@prizes.example.test")).to_be_visible()
    page.get_by_role("button", name="Forget").click()
    expect(page.get_by_text("There are no rules yet.")).to_be_visible()


def test_not_junk_moves_teaches_and_tells(page: Page, judged: Account) -> None:
    sign_in(page, judged)
    open_junk(page)
    page.get_by_role("button", name="This is not junk").click()
    assert "1 message moved to Inbox." in said(page)
    assert "The next message like this would go to your inbox" in said(page)
    page.get_by_role("link", name="Inbox").click()
    expect(page.get_by_role("link", name="You are our winner")).to_be_visible()


def test_junk_is_told_on_a_phone(phone: Page, judged: Account) -> None:
    sign_in(phone, judged)
    phone.get_by_role("link", name="The minutes of Tuesday").click()
    phone.get_by_text("Why is this here?").click()
    phone.get_by_role("button", name="This is junk").click()
    assert "1 message moved to Junk." in said(phone)
    assert "The next message like this would still go to your inbox" in said(phone)


def test_what_is_held_is_read_and_then_taken(page: Page, judged: Account) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    sign_in(page, judged)
    page.get_by_role("link", name=re.compile("^Quarantine")).click()
    page.get_by_role("link", name="Invoice 2026-000417 is overdue").click()
    expect(page.frame_locator("iframe").get_by_role("heading", name="Invoice 2026-000417")).to_be_visible()
    page.frame_locator("iframe").get_by_role("link", name="pay it here").click()
    expect(page.get_by_text("is a program: it would run")).to_be_visible()
    assert not any("supplier.example.test" in url for url in asked)
    assert len(page.context.pages) == 1
    expect(page.get_by_role("link", name="invoice-2026-000417.pdf.exe")).to_have_count(0)
    page.get_by_role("button", name="Move, and let the sender in").click()
    assert "1 message moved to your inbox." in said(page)
    assert "Mail from billing@supplier.example.test is let in" in said(page)
    assert "would still be held in quarantine, because the attachment" in said(page)
    page.get_by_role("link", name="Inbox").click()
    page.get_by_role("link", name="Invoice 2026-000417 is overdue").click()
    expect(page.get_by_role("link", name="invoice-2026-000417.pdf.exe")).to_be_visible()


def test_chosen_messages_are_deleted_for_good(page: Page, judged: Account) -> None:
    sign_in(page, judged)
    page.goto("/mail/quarantine/")
    for box in page.locator(".held .pick").all():
        box.check()
    page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
    assert "2 messages deleted." in said(page)
    expect(page.get_by_role("heading", name="Nothing is held back")).to_be_visible()


def test_thresholds_are_set_and_the_scale_follows(page: Page, judged: Account) -> None:
    sign_in(page, judged)
    page.get_by_role("link", name=judged.login).click()
    page.get_by_role("link", name="Filter").click()
    scale = page.get_by_role("region", name="Where your mail goes").get_by_role("listitem")
    expect(scale).to_have_text(["below 5 your inbox", "5 to 15 Junk", "from 15 on refused"])
    page.get_by_label("Junk").fill("7")
    page.get_by_label("Quarantine").fill("3")
    page.get_by_role("button", name="Keep these numbers").click()
    expect(page.get_by_text("Junk cannot begin at 7 points: from 3 on")).to_be_visible()
    page.get_by_label("Quarantine").fill("9.5")
    page.get_by_role("button", name="Keep these numbers").click()
    expect(page.get_by_text("Your filter goes by these numbers from now on.")).to_be_visible()
    expect(scale).to_have_text(
        ["below 7 your inbox", "7 to 9.5 Junk", "9.5 to 15 held in quarantine", "from 15 on refused"]
    )
