"""Admission asked for many sessions together says what it says for each."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from pytest_django.fixtures import Settings

from delivery.known_recipients import note_recipients
from delivery.models import SendingHold
from delivery.submission.admission import Admitted, admit
from delivery.submission.admissions import Admissions
from delivery.submission.limits import SubmissionLimitReached
from delivery.submission.setting_limits import set_limits
from mailboxes.accounts import change_account
from mailhost.net.counted_together import LoopCounters
from mailhost.net.store_threads import close_store_threads
from mailhost.protocols.addresses import EmailAddress
from tests.support.hosting import new_account
from tests.support.running import run

T = TypeVar("T")
NOW = datetime(2026, 11, 27, 10, 20, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("shared_db")


def somebody(*names: str) -> list[EmailAddress]:
    return [EmailAddress(name, "far.example") for name in names]


def with_admissions(ask: Callable[[Admissions], Awaitable[T]]) -> T:
    answers = []

    async def scenario() -> None:
        counters = LoopCounters()
        admissions = Admissions(counters)
        try:
            answers.append(await ask(admissions))
        finally:
            await admissions.close()
            await counters.close()
            close_store_threads()

    run(scenario())
    return answers[0]


def admit_here(account_id: int, *names: str, peer: str = "192.0.2.1", now: datetime = NOW) -> Admitted:
    return with_admissions(
        lambda admissions: admissions.admit(
            account_id=account_id, recipients=somebody(*names), peer=peer, now=now
        )
    )


def test_each_of_many_gets_its_own_answer() -> None:
    held, waiting, known, plain = (new_account() for _ in range(4))
    SendingHold.objects.create(account=held, reason="somebody looks", since=NOW)
    change_account(account_id=waiting.pk, undo_seconds=30, by="test")
    note_recipients([(known.pk, "b@far.example"), (plain.pk, 'a"{,}@far.example')])
    asked = {
        held.pk: ("a",),
        waiting.pk: ("a",),
        known.pk: ("a", "b", "c", "a"),
        plain.pk: ('a"{,}', "d"),
        10**12: ("a",),
    }

    async def all_at_once(admissions: Admissions) -> list[Admitted]:
        return await asyncio.gather(
            *(
                admissions.admit(account_id=pk, recipients=somebody(*names), peer="192.0.2.1", now=NOW)
                for pk, names in asked.items()
            )
        )

    told = with_admissions(all_at_once)
    assert told == [
        Admitted(is_held=True),
        Admitted(release_at=NOW + timedelta(seconds=30)),
        Admitted(first_recipients=("a@far.example", "c@far.example")),
        Admitted(first_recipients=("d@far.example",)),
        Admitted(),
    ]
    assert told == [
        admit(account_id=pk, recipients=somebody(*names), peer="192.0.2.1", now=NOW)
        for pk, names in asked.items()
    ]


def test_both_ways_count_for_the_same_limits(settings: Settings) -> None:
    account = new_account()
    settings.ACCOUNT_RECIPIENTS_PER_HOUR = 4
    admit_here(account.pk, "a", "b")
    admit(account_id=account.pk, recipients=somebody("a"), peer="192.0.2.1", now=NOW)
    for _ in range(2):  # what is refused is not counted
        with pytest.raises(
            SubmissionLimitReached, match="4 recipients per hour; try again after 2026-11-27 11:00"
        ):
            admit_here(account.pk, "a", "b")
    admit_here(account.pk, "a")
    with pytest.raises(SubmissionLimitReached):
        admit(account_id=account.pk, recipients=somebody("a"), peer="192.0.2.1", now=NOW)


def test_an_accounts_own_limits_hold() -> None:
    account = new_account()
    set_limits(account_id=account.pk, limits={"messages_per_day": 1}, by="test")
    admit_here(account.pk, "a")
    with pytest.raises(SubmissionLimitReached, match="1 messages per day"):
        admit_here(account.pk, "a")


def test_who_looks_hijacked_is_held(settings: Settings) -> None:
    account = new_account()
    settings.HIJACK_FIRST_RECIPIENTS, settings.HIJACK_NETWORKS = 4, 2
    assert not admit_here(account.pk, "a", "b", peer="192.0.2.1").is_held
    assert admit_here(account.pk, "c", "d", peer="198.51.100.1").is_held
    assert SendingHold.objects.filter(account=account).exists()


def test_what_is_to_leave_later_is_asked_for_room(settings: Settings) -> None:
    account = new_account()
    later = NOW + timedelta(hours=2)
    told = with_admissions(
        lambda admissions: admissions.admit(
            account_id=account.pk, recipients=somebody("a"), peer="", now=NOW, not_before=later
        )
    )
    assert told.release_at == later
