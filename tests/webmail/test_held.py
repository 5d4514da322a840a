"""Reading what is held back: as safely as other mail, and more so; then taking it, with or without its sender."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from delivery.findings import Action, Finding
from delivery.models import Quarantined, RecordedVerdict
from mailboxes.models import Account, Message
from mailboxes.sender_rules import set_sender_rule
from mailhost.audit.models import Act
from tests.support.hosting import new_account
from tests.support.judging import OFFER, SPF, come_in, hold

NOW = datetime.now(UTC)
HTML = b"""From: Shop <offers@shop.test>\r
Subject: An invoice\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=outer\r
\r
--outer\r
Content-Type: text/html; charset=utf-8\r
\r
<p onclick="steal()">Pay <a href="https://shop.test/pay">here</a></p><script>steal()</script>
<img src="https://tracker.test/pixel.gif">\r
--outer\r
Content-Type: application/octet-stream\r
Content-Disposition: attachment; filename=invoice.exe\r
\r
MZ\r
--outer--\r
"""
WISH = Finding("dmarc", "fail", "shop.test asks to hold such mail.", 1.5, Action.QUARANTINE)


def where(held: Quarantined) -> str:
    return f"/mail/quarantine/{held.pk}/"


def press(client: Client, act: str, *held: Quarantined) -> str:
    words = {"act": act, "id": [each.pk for each in held]}
    return client.post("/mail/quarantine/act/", words, follow=True).content.decode()


def test_a_held_message_can_be_read_with_all_its_reasons(signed_in: Client, alice: Account) -> None:
    held = hold(alice, OFFER % 1, SPF, now=NOW)
    page = signed_in.get(where(held)).content.decode()
    assert "CHEAP WATCHES" in page
    assert "Only today, only here." in page
    assert "The attachment invoice.exe is a program." in page
    assert "192.0.2.1 may not send for shop.test." in page
    assert f'href="{where(held)}"' in signed_in.get("/mail/quarantine/").content.decode()


def test_its_html_runs_nothing_loads_nothing_and_leads_nowhere(signed_in: Client, alice: Account) -> None:
    held = hold(alice, HTML, now=NOW)
    page = signed_in.get(where(held)).content.decode()
    assert f'<iframe src="{where(held)}html/" sandbox referrerpolicy="no-referrer"' in page
    assert "images from other hosts are not loaded" in page
    for address in (where(held) + "html/", where(held) + "html/?images"):
        framed = signed_in.get(address)
        policy = framed.headers["Content-Security-Policy"]
        assert policy.endswith("frame-ancestors 'self'; sandbox")
        assert "img-src data:;" in policy
        assert b"tracker.test" not in framed.content
        assert b"steal" not in framed.content


def test_links_in_plain_text_are_text(signed_in: Client, alice: Account) -> None:
    text = OFFER.replace(b"only here", b"at https://shop.test/<b>pay</b>")
    page = signed_in.get(where(hold(alice, text % 1, now=NOW))).content.decode()
    assert "at https://shop.test/&lt;b&gt;pay&lt;/b&gt;" in page
    assert 'href="https://shop.test' not in page


def test_what_may_do_harm_is_not_handed_over_before_it_is_released(signed_in: Client, alice: Account) -> None:
    held = hold(alice, HTML, now=NOW)
    page = signed_in.get(where(held)).content.decode()
    assert "invoice.exe" in page
    assert where(held) + "parts/" not in page
    assert signed_in.get(where(held) + "parts/2/").status_code == 404
    press(signed_in, "release", held)
    message = Message.objects.get(mailbox__account=alice)
    part = signed_in.get(f"/mail/{message.mailbox_id}/{message.uid}/parts/2/")
    assert part.content == b"MZ"


def test_attachments_of_mail_that_is_held_for_something_else_can_be_had(
    signed_in: Client, alice: Account
) -> None:
    content_id = come_in(alice, HTML, WISH, now=NOW)
    held = Quarantined.objects.get(account=alice, content_id=content_id)
    assert signed_in.get(where(held) + "parts/2/").content == b"MZ"
    assert signed_in.get(where(held) + "parts/7/").status_code == 404


def test_where_nobody_knows_why_it_is_held_nothing_is_handed_over(signed_in: Client, alice: Account) -> None:
    content_id = come_in(alice, HTML, WISH, now=NOW)
    RecordedVerdict.objects.all().delete()
    held = Quarantined.objects.get(account=alice, content_id=content_id)
    assert "Why is not kept any more." in signed_in.get(where(held)).content.decode()
    assert signed_in.get(where(held) + "parts/2/").status_code == 404


@pytest.mark.parametrize("page", ["", "html/", "parts/2/"])
def test_nobody_reads_what_is_held_for_another(signed_in: Client, alice: Account, page: str) -> None:
    held = hold(new_account("bob"), HTML, now=NOW)
    assert signed_in.get(where(held) + page).status_code == 404


def test_a_message_is_released_and_its_sender_let_in(signed_in: Client, alice: Account) -> None:
    held = hold(alice, OFFER % 1, SPF, now=NOW)
    page = press(signed_in, "let-in", held)
    assert "1 message moved to your inbox." in page
    assert "Mail from offers@shop.test is let in where it is proven to be from there." in page
    # A demand stays whoever sends: the next program would be held as well.
    assert "The next message like this would still be held in quarantine, because the attachment" in page
    assert alice.sender_rules.get().is_allowed
    assert Message.objects.get(mailbox__account=alice).mailbox.name == "INBOX"
    verbs = Act.objects.filter(subject=alice.login).values_list("verb", flat=True)
    assert {"quarantined message released", "sender let in"} <= set(verbs)


def test_many_are_chosen_and_their_senders_named(signed_in: Client, alice: Account) -> None:
    held = [
        hold(alice, OFFER.replace(b"offers@", b"o%d@" % number) % number, now=NOW) for number in range(1, 8)
    ]
    nameless = hold(alice, OFFER.replace(b"Shop <offers@shop.test>", b"nobody at all") % 9, now=NOW)
    page = press(signed_in, "let-in", *held, nameless)
    assert "8 messages moved to your inbox." in page
    assert "Mail from o1@shop.test, o2@shop.test, o3@shop.test, o4@shop.test, o5@shop.test and 2 more" in page
    assert alice.sender_rules.count() == 7


def test_where_there_is_no_room_for_rules_nothing_is_released(
    signed_in: Client, alice: Account, settings: object
) -> None:
    settings.MAX_SENDER_RULES = 1  # type: ignore[attr-defined]
    set_sender_rule(account_id=alice.pk, pattern="@friends.test", is_allowed=True, by="test")
    held = hold(alice, now=NOW)
    assert "An account may have 1 rules for senders." in press(signed_in, "let-in", held)
    assert Quarantined.objects.filter(pk=held.pk).exists()
    assert not Message.objects.filter(mailbox__account=alice).exists()


def test_chosen_messages_are_deleted(signed_in: Client, alice: Account) -> None:
    held = [hold(alice, OFFER % number, now=NOW) for number in (1, 2, 3)]
    assert "2 messages deleted." in press(signed_in, "discard", *held[:2])
    assert list(Quarantined.objects.filter(account=alice)) == held[2:]
