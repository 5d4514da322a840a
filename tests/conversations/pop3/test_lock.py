"""One POP3 session a maildrop (RFC 1939 section 4), IMAP beside it, and what QUIT does at its end."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import pytest
from pytest_django import Settings

from tests.support.transcript import Conversation, converse

if TYPE_CHECKING:
    from mailboxes.models import Account

Put = Callable[[Sequence[bytes]], list[int]]
Talk = Callable[[str], dict[str, str]]
ENTER = "S: +OK…\nC: USER {login}\nS: +OK\nC: PASS correct horse\n"
LETTER = b"Subject: letter\r\n\r\ntext\r\n"


def names(account: "Account", mailbox: str) -> int:
    """How many messages are in there."""
    from mailboxes.store.hierarchy import find_mailbox

    return find_mailbox(account_id=account.pk, name=mailbox).message_count


def holder(account: "Account") -> str | None:
    from mailboxes.store.maildrop import maildrop_holder

    return maildrop_holder(account_id=account.pk)


def test_a_second_session_is_told_and_may_come_when_the_first_has_gone(
    ports: dict[str, int], account: "Account"
) -> None:
    with Conversation(ports["pop3s"], tls=True, words={"login": account.login}) as conversation:
        conversation.follow(
            """
            1S: +OK…
            1C: USER {login}
            1S: +OK
            1C: PASS correct horse
            1S: +OK 0 messages.
            2S: +OK…
            2C: USER {login}
            2S: +OK
            2C: PASS correct horse
            2S: -ERR [IN-USE] Another session is reading this maildrop.
            2C: NOOP
            2S: -ERR Not in the AUTHORIZATION state.
            1C: QUIT
            1S: +OK Goodbye.
            2C: USER {login}
            2S: +OK
            2C: PASS correct horse
            2S: +OK 0 messages.
            """
        )
        assert holder(account) is not None
        conversation.follow("2C: QUIT\n2S: +OK Goodbye.\n2S!")
    assert holder(account) is None


def test_of_many_that_come_at_once_one_gets_in(account: "Account") -> None:
    from mailboxes.exceptions import MaildropInUse
    from mailboxes.store.maildrop import take_lease
    from mailhost.net.store_threads import close_store_threads, in_store
    from tests.support.running import run

    async def scenario() -> None:
        takers = (
            in_store(take_lease, account_id=account.pk, holder=str(number), seconds=60)
            for number in range(20)
        )
        outcomes = await asyncio.gather(*takers, return_exceptions=True)
        assert sum(isinstance(outcome, MaildropInUse) for outcome in outcomes) == 19
        assert outcomes.count(None) == 1
        close_store_threads()

    run(scenario())


def test_a_lost_connection_frees_the_maildrop(
    ports: dict[str, int], account: "Account", monkeypatch: pytest.MonkeyPatch
) -> None:
    from mailboxes.pop3 import leases
    from mailboxes.store.maildrop import free_lease

    freed = threading.Event()

    def free(*, account_id: int, holder: str) -> None:
        free_lease(account_id=account_id, holder=holder)
        freed.set()

    monkeypatch.setattr(leases, "free_lease", free)
    with Conversation(ports["pop3s"], tls=True, words={"login": account.login}) as conversation:
        conversation.follow(ENTER + "S: +OK 0 messages.")
        assert holder(account) is not None
    assert freed.wait(10)
    assert holder(account) is None


def test_the_lease_of_a_process_that_died_ends_by_itself(ports: dict[str, int], account: "Account") -> None:
    from mailboxes.store.maildrop import renew_leases, take_lease

    take_lease(account_id=account.pk, holder="elsewhere", seconds=60)
    converse(ports["pop3s"], ENTER + "S: -ERR [IN-USE]…", tls=True, login=account.login)
    renew_leases(holders={account.pk: "somebody else"}, seconds=0)  # no lease of that name
    converse(ports["pop3s"], ENTER + "S: -ERR [IN-USE]…", tls=True, login=account.login)
    renew_leases(holders={account.pk: "elsewhere"}, seconds=0)
    converse(ports["pop3s"], ENTER + "S: +OK…", tls=True, login=account.login)


def test_leases_of_living_sessions_are_renewed(
    account: "Account", settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mailboxes.pop3 import leases
    from mailboxes.store.maildrop import renew_leases, take_lease
    from mailhost.net.store_threads import close_store_threads
    from tests.support.running import run

    settings.POP3_LEASE_SECONDS = 0.3
    renewed = threading.Semaphore(0)

    def renew(*, holders: Mapping[int, str], seconds: float) -> None:
        renew_leases(holders=holders, seconds=60)
        assert seconds == 0.3
        renewed.release()

    monkeypatch.setattr(leases, "renew_leases", renew)
    take_lease(account_id=account.pk, holder="mine", seconds=0)

    async def scenario() -> None:
        async with leases.renewed_leases() as held:
            held.hold(account.pk, "mine")
            for _ in range(2):
                assert await asyncio.to_thread(renewed.acquire, timeout=10)
            held.forget(account.pk, "another session of this account")
            assert await asyncio.to_thread(renewed.acquire, timeout=10)
            held.forget(account.pk, "mine")
        close_store_threads()

    run(scenario())
    assert holder(account) == "mine"


def test_what_was_marked_stays_where_another_session_took_over(
    ports: dict[str, int], account: "Account", put: Put
) -> None:
    from mailboxes.store.maildrop import free_lease, renew_leases, take_lease

    put([LETTER])
    with Conversation(ports["pop3s"], tls=True, words={"login": account.login}) as conversation:
        conversation.follow(ENTER + "S: +OK 1 messages.\nC: DELE 1\nS: +OK")
        held = holder(account)
        assert held is not None
        renew_leases(holders={account.pk: held}, seconds=0)  # as after a minute without Postgres
        take_lease(account_id=account.pk, holder="elsewhere", seconds=60)
        conversation.follow("C: QUIT\nS: -ERR [IN-USE] Some deleted messages were not removed.\nS!")
    assert names(account, "INBOX") == 1
    assert holder(account) == "elsewhere"
    free_lease(account_id=account.pk, holder="elsewhere")


def test_a_lease_that_ran_out_and_that_nobody_took_is_still_good(
    ports: dict[str, int], account: "Account", put: Put
) -> None:
    from mailboxes.store.maildrop import renew_leases

    put([LETTER])
    with Conversation(ports["pop3s"], tls=True, words={"login": account.login}) as conversation:
        conversation.follow(ENTER + "S: +OK 1 messages.\nC: DELE 1\nS: +OK")
        renew_leases(holders={account.pk: holder(account) or ""}, seconds=0)
        conversation.follow("C: QUIT\nS: +OK Goodbye, 1 removed.\nS!")
    assert names(account, "INBOX") == 0


def test_others_may_expunge_meanwhile_and_what_they_took_is_still_read(
    talk: Talk, put: Put, account: "Account"
) -> None:
    from django.utils import timezone

    from mailboxes.store.expunge import expunge
    from tests.conversations.pop3.maildrops import inbox

    uids = put([LETTER, LETTER, b"Subject: kept\r\n\r\nkept\r\n"])
    talk("C: STAT\nS: +OK 3 73")
    expunge(mailbox_id=inbox(account).mailbox_id, uids=uids[:2], now=timezone.now(), only_deleted=False)
    put([b"Subject: arrived meanwhile\r\n\r\n"])
    talk(
        """
        C: STAT
        S: +OK 3 73
        C: LIST 1
        S: +OK 1 25
        C: RETR 1
        S: +OK 25 octets follow.
        S: Subject: letter
        S~ .
        C: TOP 2 0
        S: +OK…
        S: Subject: letter
        S~ .
        C: DELE 1
        S: +OK
        C: DELE 3
        S: +OK
        C: QUIT
        S: +OK Goodbye, 2 removed.
        S!
        """
    )
    assert names(account, "INBOX") == 1


def test_what_is_not_even_kept_any_more_is_told(talk: Talk, put: Put, account: "Account") -> None:
    from mailhost.net.database import cursor
    from tests.conversations.pop3.maildrops import inbox

    put([LETTER, b"Subject: large\r\n\r\n" + b"x" * 300_000])
    talk("C: STAT\nS: +OK 2 …")
    with cursor() as sql:
        sql.execute("DELETE FROM mailboxes_message WHERE mailbox_id = %s", (inbox(account).mailbox_id,))
    talk(
        """
        C: RETR 1
        S: -ERR This message is gone…
        C: RETR 2
        S: -ERR This message is gone…
        C: TOP 1 0
        S: -ERR This message is gone…
        C: NOOP
        S: +OK
        """
    )


@pytest.mark.parametrize("archive", ["Archive", "Ablage", ""])
def test_a_kept_copy_goes_to_the_archive(
    ports: dict[str, int], account: "Account", put: Put, archive: str
) -> None:
    """By its use, whatever its name; made where there is none."""
    from django.utils import timezone

    from mailboxes.models import Mailbox
    from mailboxes.store.hierarchy import delete_mailbox, rename_mailbox

    if archive == "Ablage":
        rename_mailbox(account_id=account.pk, name="Archive", to=archive, now=timezone.now())
    elif not archive:
        delete_mailbox(account_id=account.pk, name="Archive", now=timezone.now())
    account.pop3_keeps_copy = True
    account.save()
    put([LETTER, LETTER])
    converse(
        ports["pop3s"],
        ENTER + "S: +OK 2 messages.\nC: DELE 2\nS: +OK\nC: QUIT\nS: +OK Goodbye, 1 archived.\nS!",
        tls=True,
        login=account.login,
    )
    assert names(account, "INBOX") == names(account, archive or "Archive") == 1
    assert Mailbox.objects.get(account=account, deleted_at=None, special_use="\\Archive").message_count == 1
    assert holder(account) is None


def test_a_client_that_comes_too_soon_is_told_when_to_come(
    ports: dict[str, int], account: "Account", settings: Settings
) -> None:
    settings.POP3_LOGIN_DELAY_SECONDS = 900
    converse(
        ports["pop3s"],
        "S: +OK…\nC: CAPA\nS~ LOGIN-DELAY 900\nS~ .\nC: USER {login}\nS: +OK\nC: PASS correct horse\nS: +OK…\n"
        "C: CAPA\nS~ LOGIN-DELAY 900\nS~ .\nC: QUIT\nS: +OK…\nS!",
        tls=True,
        login=account.login,
    )
    converse(
        ports["pop3s"],
        ENTER + "S: -ERR [LOGIN-DELAY] Sign in once in 900 seconds at most.",
        tls=True,
        login=account.login,
    )
    settings.POP3_LOGIN_DELAY_SECONDS = 0
    converse(ports["pop3s"], ENTER + "S: +OK…", tls=True, login=account.login)
