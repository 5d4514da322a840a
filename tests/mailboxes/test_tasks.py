"""What Celery runs for mailboxes."""

import itertools

import pytest
from django.utils import timezone
from pytest_django import Settings

from mailboxes import tasks
from mailboxes.models import SearchIndex
from mailboxes.store.append import append, prepare
from mailboxes.store.expunge import expunge
from mailboxes.store.hierarchy import find_mailbox
from mailboxes.store.search_filling import WAITING_MESSAGES
from mailboxes.store.values import NewMessage
from mailhost.celery import app
from mailhost.net.idle_time import IdleTime
from tests.support.hosting import new_account


@pytest.fixture(autouse=True)
def an_idle_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_idle_time", IdleTime(lambda: ""))


def test_filling_waits_for_a_busy_machine_but_not_for_ever(
    shared_db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SEARCH_INDEX_TICK_SECONDS = 600
    monkeypatch.setattr(tasks, "MAX_SKIPPED_TICKS", 2)
    clock = itertools.count(1)
    monkeypatch.setattr(tasks, "_idle_time", IdleTime(lambda: f"cpu {100 * next(clock)} 0 0 0 0"))
    mailbox_id = a_mailbox_with(WAITING_MESSAGES)
    tasks._idle_time.share()
    done = []
    for _ in range(3):
        tasks.fill_search_index()
        done.append(SearchIndex.objects.filter(pk=mailbox_id).exists())
    assert done == [False, False, True]


def a_mailbox_with(count: int) -> int:
    account_id = new_account().pk
    mailbox_id = find_mailbox(account_id=account_id, name="INBOX").mailbox_id
    contents = [NewMessage(prepare(b"Subject: x\r\n\r\nword\r\n"))] * count
    append(account_id=account_id, mailbox_id=mailbox_id, contents=contents, now=timezone.now())
    return mailbox_id


def test_beat_knows_the_tasks() -> None:
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert {tasks.fill_search_index.name, tasks.shrink_search_index.name} <= scheduled


def test_filling_takes_up_what_waits(shared_db: None, settings: Settings) -> None:
    settings.SEARCH_INDEX_TICK_SECONDS = 600
    mailbox_id = a_mailbox_with(WAITING_MESSAGES)
    few = a_mailbox_with(WAITING_MESSAGES - 1)
    tasks.fill_search_index()
    assert SearchIndex.objects.get(pk=mailbox_id).indexed_to == WAITING_MESSAGES
    assert not SearchIndex.objects.filter(pk=few).exists()


def test_filling_ends_with_its_share_of_the_tick(shared_db: None, settings: Settings) -> None:
    settings.SEARCH_INDEX_TICK_SECONDS = 0
    mailbox_id = a_mailbox_with(WAITING_MESSAGES)
    tasks.fill_search_index()
    assert not SearchIndex.objects.filter(pk=mailbox_id).exists()


def test_shrinking_forgets_what_is_gone_for_good(shared_db: None, settings: Settings) -> None:
    settings.SEARCH_INDEX_TICK_SECONDS = 600
    mailbox_id = a_mailbox_with(WAITING_MESSAGES)
    tasks.fill_search_index()
    expunge(mailbox_id=mailbox_id, uids=[1, 2], now=timezone.now(), only_deleted=False)
    tasks.shrink_search_index()
    assert SearchIndex.objects.get(pk=mailbox_id).message_count == WAITING_MESSAGES
    settings.EXPUNGED_RETENTION_SECONDS = -1
    tasks.shrink_search_index()
    assert SearchIndex.objects.get(pk=mailbox_id).message_count == WAITING_MESSAGES - 2
