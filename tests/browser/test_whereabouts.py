"""What became of a message, in a real browser: its page follows by itself, stays as it was unfolded, and fits.

MAILHOST_TEST_SHOTS keeps pictures, as in screens.py.
"""

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from delivery.acceptance import Acceptance, accept_now
from delivery.models import QueuedRecipient, ReturnedKind
from delivery.returned import note_returned
from mailboxes.models import Account, Message
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.bounce_causes import Cause
from tests.browser.screens import look
from tests.browser.signing_in import sign_in
from tests.webmail.mail import mailbox_id
from tests.webmail.test_whereabouts import TLS, became


@pytest.fixture(autouse=True)
def relaying(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RELAY = "direct"
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)


def send(account: Account, subject: str, *to: str) -> str:
    """As webmail does; where its page is."""
    octets = (
        f"From: {account.login}\r\nTo: {', '.join(to)}\r\nSubject: {subject}\r\nMessage-ID: <{subject[:4]}."
        f"{account.pk}@here.test>\r\n\r\nDear all,\r\n\r\nhere are the figures.\r\n"
    )
    relay = tuple(EmailAddress.parse(each) for each in to)
    accept_now(
        Acceptance(
            octets.encode(),
            relay=relay,
            reverse_path=account.login,
            submitted_by=account.pk,
            save_in_sent=True,
        )
    )
    sent = mailbox_id(account, "Sent")
    uid = Message.objects.filter(mailbox_id=sent).order_by("-uid").values_list("uid", flat=True)[0]
    return f"/mail/{sent}/{uid}/"


def test_an_open_page_follows_and_stays_unfolded(browser: Browser, web: str, alice: Account) -> None:
    context = browser.new_context(base_url=web)
    page = context.new_page()
    page.clock.install()
    names = [f"{name}.{alice.pk}@far.test" for name in "abcde"]
    where = send(alice, "Figures", *names)
    sign_in(page, alice)
    page.goto(where)
    page.wait_for_function("window.htmx !== undefined")
    told = page.get_by_role("region", name="Delivery")
    expect(told.get_by_text("All 5 on their way")).to_be_visible()
    expect(told.get_by_role("listitem")).to_have_count(0)
    told.get_by_text("All 5 on their way").click()
    expect(told.get_by_role("listitem")).to_have_count(5)
    for name in names[:2]:
        became(name, "delivered", host="mx.far.test", tls=TLS)
    page.clock.run_for(11_000)
    expect(told.get_by_text("2 of 5 delivered, 3 on their way")).to_be_visible()
    expect(told.get_by_role("listitem")).to_have_count(5)
    for name in names:
        became(name, "delivered", host="mx.far.test", tls=TLS)
    page.clock.run_for(11_000)
    expect(told.get_by_text("All 5 delivered")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(25_000)
    assert not [url for url in asked if "/delivery/" in url]
    context.close()


def test_an_open_list_follows_and_keeps_what_is_chosen(browser: Browser, web: str, alice: Account) -> None:
    context = browser.new_context(base_url=web)
    page = context.new_page()
    page.clock.install()
    send(alice, "First", f"first.{alice.pk}@far.test")
    send(alice, "Second", f"second.{alice.pk}@far.test")
    sign_in(page, alice)
    page.goto(f"/mail/{mailbox_id(alice, 'Sent')}/")
    page.wait_for_function("window.htmx !== undefined")
    expect(page.get_by_text("On its way")).to_have_count(2)
    page.get_by_label("Choose: Second").check()
    became(f"first.{alice.pk}@far.test", "bounced")
    page.clock.run_for(11_000)
    expect(page.get_by_text("Did not arrive")).to_be_visible()
    became(f"second.{alice.pk}@far.test", "delivered")
    page.clock.run_for(11_000)
    expect(page.get_by_text("On its way")).to_have_count(0)
    expect(page.get_by_label("Choose: Second")).to_be_checked()
    context.close()


def test_the_pages_fit(screen: tuple[str, Page], alice: Account) -> None:
    name, page = screen
    mark = alice.pk
    single = send(alice, "Invoice for November", f"anna.{mark}@example.net")
    became(f"anna.{mark}@example.net", "delivered", host="mx1.mail.example.net", tls=TLS)
    fine = f"carol.keller.{mark}@a-rather-long-name-of-a-provider.example.net"
    where = send(
        alice,
        "Quarterly figures",
        f"bob.{mark}@example.org",
        fine,
        f"dave.{mark}@example.com",
        f"erin.{mark}@x.test",
        f"gus.{mark}@example.edu",
    )
    became(f"gus.{mark}@example.edu", "delivered", host="mx.example.edu", tls=TLS)
    note_returned(
        kind=ReturnedKind.BOUNCE,
        recipient_id=QueuedRecipient.objects.get(forward_path=f"gus.{mark}@example.edu").pk,
        cause=Cause.FULL,
        diagnostic="552 5.2.2 The mailbox of gus is over its quota",
        is_proven=True,
        now=timezone.now(),
    )
    became(
        f"bob.{mark}@example.org",
        "bounced",
        host="mx.example.org",
        reply="550 5.1.1 No such user here",
        cause="no-such-user",
    )
    became(fine, "delivered", host="mx-in-01.a-rather-long-name-of-a-provider.example.net", tls=TLS)
    became(
        f"dave.{mark}@example.com",
        "deferred",
        host="mx.example.com",
        reply="452 4.2.2 The mailbox is full",
        cause="full",
    )
    became(f"erin.{mark}@x.test", "delivered", host="mail.x.test")
    send(alice, "On the road", f"frank.{mark}@example.org")
    sign_in(page, alice)
    page.wait_for_url("**/mail/*/")
    for place, path in {
        "STATUS-single": single,
        "STATUS-several": where,
        "STATUS-list": f"/mail/{mailbox_id(alice, 'Sent')}/",
    }.items():
        page.goto(path)
        look(page, name, place)
