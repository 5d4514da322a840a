"""A message of which only an outline was kept, because it was to leave alone, led to an account here all the same."""

from collections.abc import Callable
from random import Random

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

Talk = Callable[[str], dict[str, str]]

LETTER = b"""\
Date: Mon, 23 Nov 2026 11:00:00 +0000
From: =?utf-8?q?J=C3=BCrgen?= <j@example.test>
To: Carol <carol@far.test>, dave@far.test
Subject: The plan
Message-ID: <2@example.test>
In-Reply-To: <1@example.test>
Content-Type: multipart/mixed; boundary=b

--b

Hello, Carol.
--b
Content-Type: application/pdf
Content-Disposition: attachment; filename=plan.pdf

x
--b--
""".replace(b"\n", b"\r\n")

ENVELOPE = (
    '("Mon, 23 Nov 2026 11:00:00 +0000" "The plan"'
    + ' (("=?utf-8?q?J=C3=BCrgen?=" NIL "j" "example.test"))' * 3
    + ' (("Carol" NIL "carol" "far.test")(NIL NIL "dave" "far.test")) NIL NIL "<1@example.test>" "<2@example.test>")'
)
STRUCTURE = (
    '(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 13 0 NIL NIL NIL NIL)'
    '("application" "pdf" NIL NIL NIL "7bit" 1 NIL ("attachment" ("filename" "plan.pdf")) NIL NIL)'
    ' "mixed" ("boundary" "b") NIL NIL NIL)'
)


@pytest.fixture(autouse=True)
def empty_queue(settings: Settings, monkeypatch: pytest.MonkeyPatch, shared_db: None) -> None:
    settings.RELAY = "direct"
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    with connection.cursor() as sql:
        sql.execute(
            "TRUNCATE delivery_attempt, delivery_queuedrecipient, delivery_queuedmessage, delivery_destination"
        )


def lead_here(login: str) -> None:
    """Queued for another host, and then the worker's to deliver to this account."""
    from delivery.local_delivery import deliver_here
    from delivery.models import LOCAL, Destination, QueuedRecipient
    from delivery.queue.claim import due_parcels
    from mailboxes.models import Content
    from tests.support.queueing import NOON, claim_all, queue, state

    queue("carol@far.test", octets=LETTER)
    assert Content.objects.get(message_id="<2@example.test>").body_structure == b""
    here = Destination.objects.create(name=LOCAL, next_attempt_at=NOON)
    QueuedRecipient.objects.update(destination=here, forward_path=login)
    claim = claim_all()[LOCAL]
    [parcel] = due_parcels(claim=claim, limit=10, except_ids=[], now=NOON)
    assert deliver_here(claim=claim, parcel=parcel, now=NOON, random=Random(1)).is_own
    assert state(login) == "delivered"


def inbox(login: str) -> int:
    """Its id."""
    from mailboxes.models import Mailbox

    return Mailbox.objects.get(account__login=login, name="INBOX").pk


def test_clients_and_webmail_show_it_as_any_other(talk: Talk, login: str) -> None:
    from mailboxes.models import Account

    lead_here(login)
    talk(
        """
        C: s SELECT INBOX
        S~ s OK …
        C: a FETCH 1 (ENVELOPE BODYSTRUCTURE)
        S: * 1 FETCH (ENVELOPE {envelope} BODYSTRUCTURE {structure})
        S: a OK FETCH completed
        C: b FETCH 1 (BODY.PEEK[2] PREVIEW)
        S: * 1 FETCH (BODY[2] {1}
        S: x PREVIEW "Hello, Carol.")
        S: b OK FETCH completed
        C: c SEARCH SENTON 23-Nov-2026 TO dave
        S: * SEARCH 1
        S: c OK SEARCH completed
        """.replace("{envelope}", ENVELOPE).replace("{structure}", STRUCTURE)
    )
    client = Client()
    client.force_login(Account.objects.get(login=login))
    assert "plan.pdf" in client.get(f"/mail/{inbox(login)}/1/", follow=True).content.decode()
    [line] = client.get("/mail/", follow=True).context["page"].lines
    assert (line.who, line.subject, line.preview, line.has_attachments) == (
        "Jürgen",
        "The plan",
        "Hello, Carol.",
        True,
    )
