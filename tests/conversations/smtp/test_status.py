"""From a mail client's submission to what its owner reads about it in Sent: the door, a worker, a receiving server."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from delivery import trace
from delivery.models import RecipientState
from delivery.status import read_status
from mailboxes.models import Account
from mailboxes.store.values import Flag
from mailhost.net.tls import ensure_local_ca, server_context
from tests.conversations.smtp.listening import Doors
from tests.conversations.smtp.test_submission import SIGNED_IN, plain
from tests.delivery.test_worker import bench
from tests.support.hosting import new_account
from tests.support.running import run
from tests.support.transcript import converse
from tests.webmail.mail import deliver, mailbox_id

LETTER = (
    "From: {me}\nTo: {bob}, x@far.test, no@far.test\nMessage-ID: <17@client.test>\nSubject: Plans\n\ntext\n"
)


@pytest.fixture
def alice(smtp: Doors, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Account:
    """With an empty queue, that leads to test servers."""
    settings.RELAY = "direct"
    settings.RELAY_TO_PRIVATE = True
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    with connection.cursor() as sql:
        sql.execute(
            "TRUNCATE delivery_attempt, delivery_queuedrecipient, delivery_queuedmessage, delivery_destination"
        )
    return new_account("alice")


@pytest.mark.parametrize("signs_in_as", [str, str.upper], ids=["as it is", "in capitals"])
def test_a_mail_clients_copy_in_sent_tells_who_took_the_message(
    smtp: Doors, alice: Account, settings: Settings, tmp_path: Path, signs_in_as: type[str]
) -> None:
    bob = new_account("bob", domain=alice.login.partition("@")[2])
    noted: list[trace.Noted] = []
    smtp.host.trace, written = noted.extend, smtp.host.trace
    letter = LETTER.format(me=alice.login, bob=bob.login)
    said = "".join(f"C: {line}\n" for line in letter.splitlines())
    try:
        converse(
            smtp.ports.submissions,
            SIGNED_IN
            + "C: MAIL FROM:<{me}>\nS: 250 …\nC: RCPT TO:<{bob}>\nS: 250 …\nC: RCPT TO:<x@far.test>\nS: 250 …\n"
            + "C: RCPT TO:<no@far.test>\nS: 250 …\nC: DATA\nS: 354 …\n"
            + said
            + "C: .\nS: 250 2.0.0 …\n",
            tls=True,
            plain=plain(signs_in_as(alice.login)),
            me=alice.login,
            bob=bob.login,
        )
    finally:
        smtp.host.trace = written
    trace.write(noted)
    made = ensure_local_ca(tmp_path, hostnames=["localhost"], now=datetime.now(UTC))

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            b.now = datetime.now(UTC)
            sink.tls = server_context(made.cert, made.key)
            sink.say("RCPT no@", "550 5.1.1 No such user")
            await b.work()

    run(asyncio.wait_for(scenario(), 30))
    found = read_status(account_id=alice.pk, login=alice.login, message_id="<17@client.test>")
    assert found is not None
    told = {each.forward_path: each for each in found.recipients}
    assert {path: each.state for path, each in told.items()} == {
        bob.login: RecipientState.DELIVERED,
        "x@far.test": RecipientState.DELIVERED,
        "no@far.test": RecipientState.BOUNCED,
    }
    assert (told[bob.login].is_here, told["x@far.test"].is_here) == (True, False)
    taken = told["x@far.test"]
    assert (taken.host, taken.address, taken.tls[:7]) == ("mx.far.test", "127.0.0.1", "TLSv1.3")
    assert told["no@far.test"].reply.startswith("550 5.1.1")

    uid = deliver(alice, letter.replace("\n", "\r\n").encode(), mailbox="Sent", flags=Flag.SEEN)
    client = Client()
    client.force_login(alice)
    page = client.get(f"/mail/{mailbox_id(alice, 'Sent')}/{uid}/").content.decode()
    assert "2 of 3 delivered, 1 did not arrive" in page
    assert "taken by mx.far.test" in page
    assert "encrypted (TLSv1.3)" in page
    client.force_login(bob)
    where = mailbox_id(bob)
    [received] = [line.uid for line in client.get(f"/mail/{where}/").context["page"].lines]
    assert "taken by" not in client.get(f"/mail/{where}/{received}/").content.decode()
