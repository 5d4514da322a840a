"""What its sender reads of a message in Sent: on its page, and as a mark in the list."""

import html
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from delivery.models import (
    Attempt,
    Destination,
    QueuedMessage,
    QueuedRecipient,
)
from mailboxes.accounts import change_account
from mailboxes.models import Account, Message
from mailboxes.store.copy_and_move import copy_messages
from mailboxes.store.values import Flag
from tests.support.hosting import new_account
from tests.webmail.conftest import Deliver, Statements
from tests.webmail.mail import LETTER, mailbox_id
from tests.webmail.test_compose import write

TLS = "TLSv1.3 TLS_AES_256_GCM_SHA384"


@pytest.fixture(autouse=True)
def relaying(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RELAY = "direct"
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)


def became(
    forward_path: str,
    state: str,
    *,
    host: str = "",
    tls: str = "",
    reply: str = "",
    certificate: str = "",
    cause: str = "",
) -> None:
    """What a worker would have written."""
    now = timezone.now()
    rows = QueuedRecipient.objects.filter(forward_path=forward_path)
    later = now + timedelta(minutes=30) if state == "deferred" else now
    is_over = state not in ("deferred", "queued")
    rows.update(
        state=state, attempts=1, last_host=host, last_reply=reply, last_attempt_at=now, next_attempt_at=later,
        finished_at=now if is_over else None, cause=cause,
    )  # fmt: skip
    for row in rows:
        Attempt.objects.create(
            recipient=row, queue_id=row.message_id, at=now, host=host, outcome=state, reply=reply, tls=tls,
            certificate=certificate,
        )  # fmt: skip


def sent_uid(account: Account) -> int:
    there = Message.objects.filter(mailbox_id=mailbox_id(account, "Sent")).order_by("-uid")
    uid: int = there.values_list("uid", flat=True)[0]
    return uid


def page_of(client: Client, account: Account) -> str:
    return client.get(f"/mail/{mailbox_id(account, 'Sent')}/{sent_uid(account)}/").content.decode()


def marks(client: Client, account: Account) -> list[str]:
    page = client.get(f"/mail/{mailbox_id(account, 'Sent')}/").context["page"]
    return [line.mark.text if line.mark else "" for line in page.lines]


def test_the_page_tells_of_each_recipient(signed_in: Client, alice: Account) -> None:
    bob = new_account("bob")
    write(
        signed_in,
        to=f"{bob.login}, taken@far.test, sure@far.test, clear@far.test, full@far.test, no@far.test",
    )
    became("taken@far.test", "delivered", host="mx.far.test", tls=TLS)
    became("sure@far.test", "delivered", host="mx.far.test", tls=TLS, certificate="dane-ee verified")
    became("clear@far.test", "delivered", host="mx.old.test")
    became("full@far.test", "deferred", host="mx.far.test", reply="452 4.2.2 <b>Full</b>", cause="full")
    became("no@far.test", "bounced", host="mx.far.test", reply="550 5.1.1 No such user", cause="no-such-user")
    page = " ".join(page_of(signed_in, alice).split())
    assert "<summary>4 of 6 delivered, 1 did not arrive, 1 waits</summary>" in page
    assert "<details open>" in page
    for said in (
        f'<span class="who">{bob.login}</span>: <b>delivered here</b> at <time',
        '<span class="who">taken@far.test</span>: <b>taken by mx.far.test</b> at <time',
        f'<span title="{TLS}">encrypted (TLSv1.3)</span>',
        f'<span title="{TLS}, certificate: dane-ee verified">encrypted to a verified server (TLSv1.3)</span>',
        "<b>taken by mx.old.test</b>",
        "not encrypted",
        "<b>waits</b>, next try at <time",
        "</time>. The recipient&#x27;s mailbox is full.<",
        "</time>. There is no such address there. Check the address for typing mistakes, or ask",
        "mx.far.test: 452 4.2.2 &lt;b&gt;Full&lt;/b&gt;",
        "<b>did not arrive</b>, given up at <time",
        "mx.far.test: 550 5.1.1 No such user",
    ):
        assert said in page


@pytest.mark.parametrize("to", ["taken@far.test", "taken@far.test, dan@far.test"])
def test_the_page_leads_to_the_whole_way_of_the_message(signed_in: Client, alice: Account, to: str) -> None:
    write(signed_in, to=to)
    became("taken@far.test", "delivered", host="mx.far.test", tls=TLS)
    news = signed_in.get(f"/mail/{mailbox_id(alice, 'Sent')}/{sent_uid(alice)}/delivery/").content.decode()
    for page in (page_of(signed_in, alice), news):
        link = page.partition('class="whole" href="')[2].partition('"')[0]
        way = signed_in.get(html.unescape(link)).content.decode()
        assert "<h1>A message’s way</h1>" in way
        for each in to.split(", "):
            assert each in way


def test_an_open_page_asks_for_news_until_nothing_moves(signed_in: Client, alice: Account) -> None:
    write(signed_in, to="x@far.test")
    news = f"/mail/{mailbox_id(alice, 'Sent')}/{sent_uid(alice)}/delivery/"
    page = page_of(signed_in, alice)
    assert f'hx-get="{news}"' in page
    assert "on its way" in page
    assert signed_in.get(news).status_code == 200
    became("x@far.test", "delivered", host="mx.far.test", tls=TLS)
    answer = signed_in.get(news)
    assert answer.status_code == 286
    assert "taken by mx.far.test" in answer.content.decode()
    assert "hx-get" not in page_of(signed_in, alice).partition('class="delivery"')[2]


def test_what_waits_for_its_time_can_be_taken_back_from_there(signed_in: Client, alice: Account) -> None:
    change_account(account_id=alice.pk, undo_seconds=30, by="test")
    bob = new_account("bob")
    write(signed_in, to=f"{bob.login}, x@far.test")
    # As a mail client does that puts its own copy into Sent at once.
    copy_messages(
        account_id=alice.pk,
        mailbox_id=mailbox_id(alice, "Outbox"),
        uids=[1],
        to_mailbox_id=mailbox_id(alice, "Sent"),
        now=timezone.now(),
    )
    page = page_of(signed_in, alice)
    assert "All 2 not sent yet" in page
    assert 'href="/mail/outbox/"' in page
    assert marks(signed_in, alice) == ["Not sent yet"]


def test_the_list_marks_what_needs_a_look(signed_in: Client, alice: Account) -> None:
    for name in ("gone", "late", "fine", "some", "new"):
        write(signed_in, to=f"{name}@far.test" + (", other@far.test" if name == "some" else ""))
    became("gone@far.test", "expired")
    became("late@far.test", "deferred")
    became("fine@far.test", "delivered", host="mx.far.test")
    became("some@far.test", "bounced")
    became("other@far.test", "delivered")
    assert marks(signed_in, alice) == ["On its way", "1 did not arrive", "", "Waits", "Did not arrive"]
    page = signed_in.get(f"/mail/{mailbox_id(alice, 'Sent')}/").content.decode()
    assert page.count('class="mark failed"') == 2


def test_an_open_list_asks_for_marks_until_nothing_moves(signed_in: Client, alice: Account) -> None:
    write(signed_in, to="fine@far.test")
    became("fine@far.test", "delivered")
    write(signed_in, to="x@far.test, y@far.test")
    uid, where = sent_uid(alice), f"/mail/{mailbox_id(alice, 'Sent')}/"
    assert f'hx-get="{where}marks/?uid={uid}&amp;"' in signed_in.get(where).content.decode()
    became("x@far.test", "bounced")
    answer = signed_in.get(f"{where}marks/?uid={uid}&uid=4711&uid=x")
    assert (answer.status_code, answer.content.decode().strip()) == (
        200,
        f'<span class="mark failed" id="mark-{uid}" hx-swap-oob="true">1 did not arrive</span>',
    )
    for forward_path in ("x@far.test", "y@far.test"):
        became(forward_path, "delivered")
    answer = signed_in.get(f"{where}marks/?uid={uid}")
    assert answer.status_code == 286
    assert f'id="mark-{uid}" hx-swap-oob="true" hidden></span>' in answer.content.decode()
    assert "marks/" not in signed_in.get(where).content.decode()
    assert signed_in.get(f"/mail/{mailbox_id(alice)}/marks/?uid=1").content.strip() == b""
    other = Client()
    other.force_login(new_account("mallory"))
    assert other.get(f"{where}marks/?uid={uid}").status_code == 404


def test_a_mail_clients_own_copy_in_sent_is_told_of_as_well(
    signed_in: Client, alice: Account, deliver: Deliver
) -> None:
    """It is known by its Message-ID; the octets may differ."""
    write(signed_in, to="x@far.test")
    message_id = QueuedMessage.objects.get().message_id_field
    copy = LETTER.replace(b"<hello@elsewhere.test>", message_id.encode())
    uid = deliver(alice, copy, mailbox="Sent", flags=Flag.SEEN)
    assert sent_uid(alice) == uid
    assert "on its way" in page_of(signed_in, alice)
    assert marks(signed_in, alice) == ["On its way", "On its way"]


def test_elsewhere_and_of_strangers_nothing_is_told(
    signed_in: Client, alice: Account, deliver: Deliver, statements: Statements
) -> None:
    """A message that came in may bear the Message-ID of one that was sent."""
    write(signed_in, to="x@far.test")
    copy = LETTER.replace(b"<hello@elsewhere.test>", QueuedMessage.objects.get().message_id_field.encode())
    uid = deliver(alice, copy)
    where = f"/mail/{mailbox_id(alice)}/"
    with statements() as seen:
        page = signed_in.get(f"{where}{uid}/").content.decode() + signed_in.get(where).content.decode()
    assert 'class="delivery"' not in page
    assert "On its way" not in page
    assert not [each for each in seen if "message_of" in each or "asked(message_id)" in each]
    assert signed_in.get(f"{where}{uid}/delivery/").content.strip() == b""
    assert signed_in.get(f"{where}4711/delivery/").status_code == 286
    other = Client()
    other.force_login(new_account("mallory"))
    assert other.get(f"/mail/{mailbox_id(alice, 'Sent')}/{sent_uid(alice)}/delivery/").status_code == 404


@pytest.mark.parametrize("number", [1, 12])
def test_a_page_of_the_list_asks_once_for_all_its_marks(
    signed_in: Client, alice: Account, statements: Statements, number: int
) -> None:
    for each in range(number):
        write(signed_in, to=f"x{each}@far.test")
    with statements() as seen:
        assert len(marks(signed_in, alice)) == number
    assert len([each for each in seen if "delivery_queuedrecipient" in each]) == 1


def test_what_a_destination_says_is_told_of_all_that_waits_for_it(signed_in: Client, alice: Account) -> None:
    write(signed_in, to="x@far.test")
    later = timezone.now() + timedelta(hours=1)
    Destination.objects.filter(name="far.test").update(
        failures=3, last_reply="No host of far.test answers", next_attempt_at=later
    )
    page = page_of(signed_in, alice)
    assert "No host of far.test answers" in page
    assert timezone.localtime(later).strftime("%H:%M") in page
    assert marks(signed_in, alice) == ["Waits"]
