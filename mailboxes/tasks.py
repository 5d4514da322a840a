"""What Celery runs for mailboxes: filling the search index, learning what is junk, taking out of both what is gone.

Whatever is not indexed is found all the same, only more slowly: a lost task delays nothing but that.
"""

import threading
import time
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from mailboxes.junk.forgetting import forget
from mailboxes.junk.learning import learn_waiting
from mailboxes.store.search_filling import fill, shrink, shrunk_mailboxes, waiting_mailboxes
from mailhost.net.idle_time import IdleTime

# Of each tick of beat (SEARCH_INDEX_TICK_SECONDS) this long, so that whatever else the worker does, relaying most of
# all, gets half of its time while it catches up with 10,000s of messages.
BUSY_SHARE = 0.5
MAILBOXES_AT_ONCE = 1_000
# Where the machine has less than this to spare, mail that comes in and people who wait go first: what is not indexed
# is found all the same. For so many ticks, not for ever.
MIN_IDLE_SHARE = 0.25
MAX_SKIPPED_TICKS = 150

_one_at_a_time = threading.Lock()
_one_learns = threading.Lock()
_idle_time = IdleTime()
_skipped_ticks = 0


@shared_task(name="mailboxes.fill_search_index", ignore_result=True)
def fill_search_index() -> None:
    """Indexes what is waiting, for a part of a tick; the next one goes on. A second one at the same time returns."""
    if not _one_at_a_time.acquire(blocking=False):
        return
    try:
        if _has_to_wait():
            return
        deadline = time.monotonic() + BUSY_SHARE * settings.SEARCH_INDEX_TICK_SECONDS
        for mailbox_id in waiting_mailboxes(limit=MAILBOXES_AT_ONCE):
            if time.monotonic() > deadline:
                return
            fill(mailbox_id=mailbox_id, is_over=lambda: time.monotonic() > deadline)
    finally:
        _one_at_a_time.release()


def _has_to_wait() -> bool:
    global _skipped_ticks
    is_busy = _idle_time.share() < MIN_IDLE_SHARE
    _skipped_ticks = _skipped_ticks + 1 if is_busy and _skipped_ticks < MAX_SKIPPED_TICKS else 0
    return _skipped_ticks > 0


@shared_task(name="mailboxes.shrink_search_index", ignore_result=True)
def shrink_search_index() -> None:
    """Takes out the words of messages whose retention is over, and of mailboxes that were deleted or emptied."""
    now = timezone.now()
    checked_before = now - timedelta(seconds=settings.EXPUNGED_RETENTION_SECONDS)
    for mailbox_id in shrunk_mailboxes(checked_before=checked_before, limit=MAILBOXES_AT_ONCE):
        shrink(mailbox_id=mailbox_id, now=now)


@shared_task(name="mailboxes.learn_junk", ignore_result=True)
def learn_junk() -> None:
    """Learns from what people have said, for a part of a tick; the next one goes on."""
    if not _one_learns.acquire(blocking=False):
        return
    try:
        deadline = time.monotonic() + BUSY_SHARE * settings.JUNK_LEARNING_TICK_SECONDS
        while learn_waiting(now=timezone.now()) and time.monotonic() < deadline:
            pass
    finally:
        _one_learns.release()


@shared_task(name="mailboxes.forget_junk", ignore_result=True)
def forget_junk() -> None:
    """Takes out a slice of what was learned long ago and never seen again."""
    forget(now=timezone.now())
