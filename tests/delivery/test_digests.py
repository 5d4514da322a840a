"""The daily message about what is newly held in quarantine."""

import itertools
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from pytest_django import Settings

from delivery.digests import MAX_LISTED, PAGE, send_digest, send_digests
from delivery.models import Quarantined
from delivery.quarantine import release
from mailboxes.accounts import change_account
from mailboxes.models import Account, Message
from mailboxes.store import structure
from mailhost.protocols.message.reading import ReadableMessage, read_message
from mailhost.public_url import public_url
from tests.support.hosting import new_account
from tests.support.judging import NOW, OFFER, hold, hold_many

DUE = NOW + timedelta(days=1)
SIGNATURE = b"Auto-Submitted: auto-generated\r\n"


def names() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"name{next(numbers)}"


@pytest.fixture
def alice(db: None) -> Account:
    return new_account("alice")


def inbox(account: Account) -> list[bytes]:
    rows = Message.objects.filter(mailbox__account=account, mailbox__name="INBOX").order_by("uid")
    return [bytes(octets) for octets in rows.values_list("content__octets", flat=True)]


def read(octets: bytes) -> ReadableMessage:
    return read_message(octets, limits=structure.limits())


def test_it_lists_what_is_held_and_says_where_to_have_it(alice: Account, settings: Settings) -> None:
    settings.HTTPS, settings.HOSTNAME = True, "mail.example.test"
    hold(alice)
    hold(
        alice,
        OFFER.replace(b"CHEAP WATCHES", b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=") % 2,
        now=NOW + timedelta(hours=1),
    )
    assert send_digests(now=DUE, new_name=names()) == 1
    [octets] = inbox(alice)
    assert octets.startswith(b"Return-Path: <>\r\n" + SIGNATURE)
    message = read(octets)
    assert message.subject == "2 messages are held in your quarantine"
    assert [person.address for person in message.to] == [alice.login]
    assert message.from_[0].address == "postmaster@" + alice.login.partition("@")[2]
    text = message.text_plain or ""
    assert "https://mail.example.test/mail/quarantine/" in text
    assert "From: Shop\nSubject: Grüße\nCame on 4 March 2026, 13:00 UTC, kept until 3 April 2026." in text
    assert text.index("Grüße") < text.index("CHEAP WATCHES")
    assert "Why: The attachment invoice.exe is a program." in text


def test_a_host_without_a_name_is_told_of_in_words(alice: Account, settings: Settings) -> None:
    settings.HTTPS, settings.HOSTNAME = True, "localhost"
    hold(alice)
    send_digests(now=DUE, new_name=names())
    [octets] = inbox(alice)
    assert b"http" not in octets
    assert b"on the page Quarantine of your webmail" in octets
    settings.HTTPS = False
    assert public_url(PAGE) == f"http://localhost:{settings.PORTS['web']}/mail/quarantine/"


def test_the_link_leads_where_people_reach_the_pages(
    alice: Account, client: Client, settings: Settings
) -> None:
    settings.HTTPS, settings.HOSTNAME = True, "mx1.example.test"
    settings.PUBLIC_URL = "https://mail.example.test:8443"
    hold(alice)
    send_digests(now=DUE, new_name=names())
    [octets] = inbox(alice)
    assert b"\nhttps://mail.example.test:8443/mail/quarantine/\r\n" in octets
    client.force_login(alice)
    settings.HTTPS = False
    assert client.get(PAGE).status_code == 200


def test_each_is_told_of_once_and_no_account_more_than_once_a_day(alice: Account) -> None:
    hold(alice)
    assert send_digests(now=DUE - timedelta(seconds=1), new_name=names()) == 0
    assert send_digests(now=DUE, new_name=names()) == 1
    hold(alice, OFFER % 2, now=DUE + timedelta(hours=1))
    assert send_digests(now=DUE + timedelta(hours=2), new_name=names()) == 0
    assert send_digests(now=DUE + timedelta(hours=25), new_name=names()) == 1
    assert send_digests(now=DUE + timedelta(days=9), new_name=names()) == 0
    assert [read(octets).subject for octets in inbox(alice)] == ["1 message is held in your quarantine"] * 2


def test_what_was_taken_out_or_has_expired_is_not_told_of(alice: Account) -> None:
    held = hold(alice)
    release(account_id=alice.pk, ids=[held.pk], by="test", now=NOW)
    hold(alice, OFFER % 2)
    assert send_digests(now=NOW + timedelta(days=31), new_name=names()) == 0


def test_a_long_list_is_cut_and_all_of_it_counts_as_told(alice: Account) -> None:
    hold_many(alice, MAX_LISTED + 5)
    assert send_digests(now=DUE, new_name=names()) == 1
    [octets] = inbox(alice)
    assert octets.count(b"\r\nSubject: CHEAP") == MAX_LISTED
    assert b"And 5 more." in octets
    assert not Quarantined.objects.filter(told_at=None).exists()


def test_an_account_without_room_is_told_once_there_is_some(alice: Account) -> None:
    hold(alice)
    change_account(account_id=alice.pk, quota_octets=1, by="test")
    assert send_digests(now=DUE, new_name=names()) == 0
    change_account(account_id=alice.pk, quota_octets=1 << 20, by="test")
    assert send_digests(now=DUE, new_name=names()) == 1


def test_it_can_be_switched_off(alice: Account, settings: Settings) -> None:
    settings.QUARANTINE_DIGEST = False
    hold(alice)
    assert send_digests(now=DUE, new_name=names()) == 0


def test_two_workers_at_once_tell_of_each_message_once(shared_db: None) -> None:
    account = new_account("alice")
    hold_many(account, 3)
    start = threading.Barrier(4)
    told: list[bool] = []

    def work() -> None:
        start.wait()
        told.append(send_digest(account_id=account.pk, now=DUE, new_name=names()))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [False, False, False, True]
    assert len(inbox(account)) == 1


def test_what_comes_while_the_older_one_is_being_released_waits_for_its_day(shared_db: None) -> None:
    account = new_account("alice")
    old = hold(account)
    hold(account, OFFER % 2, now=DUE)
    told: list[bool] = []

    def work() -> None:
        told.append(send_digest(account_id=account.pk, now=DUE, new_name=names()))
        connection.close()

    with transaction.atomic():
        Quarantined.objects.select_for_update(no_key=True).get(pk=old.pk)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert told == [False]
