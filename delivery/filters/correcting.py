"""Corrections that are learned while somebody waits, and what they mean for the next message like the corrected one.

The lesson itself is noted where the message is moved (mailboxes/store/lessons.py), and a worker learns it in any case:
nothing that goes wrong here undoes the correction.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Sum

from delivery.filters.policies import read_thresholds
from delivery.filters.reconsidering import judge_again
from delivery.filters.recording import read_verdicts
from delivery.findings import Thresholds, Verdict
from mailboxes.exceptions import MessageNotFound
from mailboxes.junk.learning import learn_from
from mailboxes.models import Content, Lesson, Mailbox, Message
from mailboxes.store import lessons
from mailboxes.store.append_batch import INBOX
from mailboxes.store.copy_and_move import move_messages
from mailhost.audit.trail import record
from mailhost.net.database import cursor

log = structlog.get_logger(__name__)

T = TypeVar("T")

# Somebody waits for the page: what is more than this is left to the worker, seconds later.
MAX_AT_ONCE: Final = 5
MAX_OCTETS: Final = 4 << 20  # of them together; messages are read twice
LOCK_MILLISECONDS: Final = 500  # a worker may be learning the same words
STATEMENT_MILLISECONDS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Consequence:
    """What a correction means for the next message like this one.

    before: the verdict when it came, None where it is not kept. after: on the next one, None where it cannot be said.
    is_learned: the account's lesson is in the counts; else a worker learns it shortly.
    """

    before: Verdict | None
    after: Verdict | None
    thresholds: Thresholds | None
    is_learned: bool


def consequences(
    *, account_id: int, content_ids: Sequence[int], correct: Callable[[], T], now: datetime
) -> tuple[T, list[Consequence]]:
    """Corrects, learns from it at once, and looks at what has changed; for what is too much: no consequences.

    correct: whatever moves messages or sets rules; what it raises is raised. All else is bounded in time, and where it
    fails the correction stands.
    """
    content_ids = list(dict.fromkeys(content_ids))
    if not _is_little(content_ids):
        return correct(), []
    done = correct()
    with _bounded("learning"):
        learn_from(content_ids, now=now)
    waiting, thresholds = set(content_ids), None
    before: dict[int, Verdict] = {}
    with _bounded("asking what is learned"):
        waiting = set(_waiting(account_id, content_ids))
        thresholds = read_thresholds(account_id=account_id)
        before = read_verdicts(account_id=account_id, content_ids=content_ids)
    after = _verdicts(account_id, content_ids)
    return done, [
        Consequence(before.get(each), after.get(each), thresholds, each not in waiting)
        for each in content_ids
    ]


def put_right(
    *, account_id: int, content_id: int, is_junk: bool, by: str, now: datetime
) -> Consequence | None:
    """The account says of a message that it has what it is: it goes where it belongs, and the filter learns.

    Messages in Trash stay there. None where the message is too large to be looked at while somebody waits.
    Raises MessageNotFound.
    """
    places = Message.objects.filter(
        content_id=content_id, mailbox__account_id=account_id, mailbox__deleted_at=None
    )
    found = list(places.order_by("pk").values_list("mailbox_id", "uid", "mailbox__special_use"))
    if not found:
        raise MessageNotFound(f"The account has no message of content {content_id}.")

    def correct() -> None:
        target_id = _target(account_id, is_junk=is_junk)
        for mailbox_id, uid, use in found:
            # What is wanted is moved out of Junk alone: elsewhere it is where its owner has put it.
            stays = use == lessons.TRASH or (use != lessons.JUNK) != is_junk
            if target_id is not None and not stays:
                move_messages(
                    account_id=account_id,
                    mailbox_id=mailbox_id,
                    uids=[uid],
                    to_mailbox_id=target_id,
                    now=now,
                )
        with transaction.atomic():
            lessons.note(account_id=account_id, content_ids=[content_id], is_junk=is_junk, now=now)
            verb = "message called junk" if is_junk else "message called wanted"
            login = Mailbox.objects.values_list("account__login", flat=True).get(pk=found[0][0])
            record(by=by, verb=verb, subject=login, content=content_id)

    _, changed = consequences(account_id=account_id, content_ids=[content_id], correct=correct, now=now)
    return changed[0] if changed else None


def _target(account_id: int, *, is_junk: bool) -> int | None:
    mailboxes = Mailbox.objects.filter(account_id=account_id, deleted_at=None)
    wanted = mailboxes.filter(special_use=lessons.JUNK) if is_junk else mailboxes.filter(name=INBOX)
    return wanted.values_list("pk", flat=True).first()


def _is_little(content_ids: Sequence[int]) -> bool:
    if not 0 < len(content_ids) <= MAX_AT_ONCE:
        return False
    octets = Content.objects.filter(pk__in=content_ids).aggregate(octets=Sum("size_octets"))["octets"]
    return (octets or 0) <= MAX_OCTETS


def _verdicts(account_id: int, content_ids: Sequence[int]) -> dict[int, Verdict]:
    found: dict[int, Verdict] = {}
    with _bounded("judging again"):
        for content_id in content_ids:
            verdict = judge_again(account_id=account_id, content_id=content_id)
            if verdict is not None:
                found[content_id] = verdict
    return found


def _waiting(account_id: int, content_ids: Sequence[int]) -> list[int]:
    rows = Lesson.objects.filter(scope=account_id, content_id__in=content_ids, is_waiting=True)
    return list(rows.values_list("content_id", flat=True))


@contextmanager
def _bounded(what: str) -> Iterator[None]:
    """A transaction that waits for nobody for long; where it fails that is logged, and no more."""
    try:
        with transaction.atomic(), cursor() as sql:
            sql.execute(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}".encode())
            sql.execute(f"SET LOCAL statement_timeout = {STATEMENT_MILLISECONDS}".encode())
            yield
    except DatabaseError as error:
        log.warning("correction not followed up", step=what, error=str(error).strip().partition("\n")[0])
