"""The delivery test in a browser: its steps come one after the other, and are looked at on each screen."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone
from playwright.sync_api import Page, expect

from delivery.suppression_lists import suppress
from mailboxes.administration import appoint_administrator
from mailboxes.models import Account
from mailhost.protocols.addresses import EmailAddress
from tests.browser.screens import look
from tests.browser.signing_in import sign_in
from tests.support.dns_server import DnsServer, dns_server
from tests.support.hosting import new_account, new_domain
from tests.support.servers import running
from tests.support.smtp_sink import SmtpSink, smtp_sink


@asynccontextmanager
async def outside() -> AsyncIterator[tuple[DnsServer, SmtpSink, asyncio.AbstractEventLoop]]:
    async with dns_server() as dns, smtp_sink() as sink:
        dns.say("far.test", "MX", "10 mx1.far.test.", "20 mx2.far.test.")
        dns.say("mx1.far.test", "A", "127.0.0.3")
        dns.say("mx2.far.test", "A", "127.0.0.1")
        sink.say("RCPT ghost@", "550 5.1.1 There is nobody of that name")
        yield dns, sink, asyncio.get_running_loop()


@pytest.fixture(scope="module")
def sink() -> Iterator[SmtpSink]:
    with (
        running(outside()) as (dns, sink, _),
        override_settings(
            RESOLVER=f"127.0.0.1:{dns.port}", RELAY="direct", RELAY_PORT=sink.port, RELAY_TO_PRIVATE=True
        ),
    ):
        yield sink


@pytest.fixture(scope="module")
def ada(web: str) -> Account:
    domain = new_domain()
    ada = new_account("ada", domain=domain)
    appoint_administrator(domain=domain, login=ada.login, by="test")
    return ada


# The tests' server is a synchronous one; uvicorn serves the steps as they come.
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators")
def test_the_steps_are_shown(web: str, ada: Account, sink: SmtpSink, screen: tuple[str, Page]) -> None:
    name, page = screen
    gone = EmailAddress.parse("gone@far.test")
    suppress(address=gone, domain=ada.login.partition("@")[2], by="test", now=timezone.now())
    sign_in(page, ada, to="/panel/delivery-test/")
    for to, verdict in (
        ("bob@far.test", "A mail could leave now"),
        ("lit@[127.0.0.1]", "A mail could leave now"),
        ("gone@far.test", "It would not be sent, and no other server be asked"),
        ("ghost@far.test", "It would come back to its sender, with this answer"),
        (ada.login, "It would be delivered on this host"),
    ):
        page.get_by_label("To", exact=True).fill(to)
        page.get_by_role("button", name="Test").click()
        expect(page.locator(".step.verdict")).to_contain_text(verdict)
        look(page, name, f"delivery-test-{to[:3]}")
    assert sink.port == settings.RELAY_PORT
    assert not sink.received
