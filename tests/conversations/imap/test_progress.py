"""Long work: INPROGRESS (RFC 9585), what goes on beside it, and what becomes of it when the client has gone."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction

from tests.support.transcript import Conversation

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

Put = Callable[..., int]

LOGIN = """
        {n}S: * OK …
        {n}C: a LOGIN {login} "correct horse"
        {n}S: a OK …
        {n}C: s SELECT INBOX
        {n}S~ s OK …
"""
BOTH = LOGIN.replace("{n}", "1") + LOGIN.replace("{n}", "2")


@contextmanager
def held(login: str, name: str) -> Iterator[Callable[[], None]]:
    """The mailbox's row locked by somebody else, until the function that this gives is called."""
    from mailboxes.models import Mailbox

    is_held, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                Mailbox.objects.select_for_update(no_key=True).get(account__login=login, name=name)
                is_held.set()
                may_go.wait(30)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert is_held.wait(10)
    try:
        yield may_go.set
    finally:
        may_go.set()
        holder.join()


@pytest.mark.parametrize(
    ("command", "done"),
    [
        ("COPY 1:* Archive", "c OK [COPYUID …] COPY completed"),
        ("MOVE 1:* Archive", "c OK …"),
        ("STORE 1:* +FLAGS.SILENT (\\Seen)", "c OK STORE completed"),
        ("UID EXPUNGE 1:*", "c OK …"),
        ("APPEND Archive {3+}", "c OK [APPENDUID …] APPEND completed"),
    ],
)
def test_who_waits_hears_that_it_goes_on_and_nobody_else_waits(
    doors: "Doors", login: str, put: Put, command: str, done: str
) -> None:
    put("one")
    put("two")
    name = "INBOX" if "STORE" in command or "EXPUNGE" in command else "Archive"
    with Conversation(doors.small, words={"login": login}) as talk:
        talk.follow(BOTH)
        with held(login, name) as let_go:
            talk.follow(
                f"""
        1C: c {command}
        """
                + ("1C: abc\n" if "APPEND" in command else "")
                + """
        1S: * OK [INPROGRESS ("c" NIL NIL)] Still at it.
        1S: * OK [INPROGRESS ("c" NIL NIL)] Still at it.
        2C: d UID FETCH 1:2 UID
        2S: * 1 FETCH (UID 1)
        2S: * 2 FETCH (UID 2)
        2S: d OK …
        """
            )
            let_go()
        talk.follow(f"        1S~ {done}")


def test_it_is_not_told_to_who_has_it_switched_off(doors: "Doors", login: str, put: Put) -> None:
    from mailboxes.models import Account

    put("one")
    Account.objects.filter(login=login).update(imap_switched_off=["INPROGRESS"])
    with Conversation(doors.small, words={"login": login}) as talk:
        talk.follow(BOTH)
        with held(login, "Archive") as let_go:
            talk.follow("        1C: c COPY 1 Archive")
            for _ in range(3):  # other sessions' commands take longer than two INPROGRESS are apart
                talk.follow("        2C: d STATUS Archive (MESSAGES)\n        2S: * …\n        2S: d OK …")
            let_go()
        talk.follow("        1S: c OK [COPYUID …] COPY completed")


@pytest.mark.parametrize("command", ["COPY 1:* Archive", "MOVE 1:* Archive"])
def test_a_write_whose_client_has_gone_is_done_as_a_whole_or_not_at_all(
    doors: "Doors", login: str, put: Put, command: str
) -> None:
    from mailboxes.models import Mailbox

    for subject in ("one", "two", "three"):
        put(subject)
    with Conversation(doors.small, words={"login": login}) as talk:
        talk.follow(BOTH)
        with held(login, "Archive") as let_go:
            talk.follow(f'        1C: c {command}\n        1S: * OK [INPROGRESS ("c" NIL NIL)] …')
            talk.clients.pop("1").close()
            let_go()
        while True:  # the other session asks until it is through, which it cannot be by halves
            talk.follow("        2C: d NOOP\n        2S~ d OK …")
            count = Mailbox.objects.get(account__login=login, name="Archive").message_count
            assert count in (0, 3)
            if count:
                break


def test_a_fetch_ends_between_two_messages_when_its_client_has_gone(
    doors: "Doors", login: str, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mailboxes.imap import fetch_chunks
    from mailboxes.imap.fetch_columns import Reading
    from mailboxes.imap.session import Session

    put(b"Subject: x\r\n\r\n" + b"x" * 900_000)
    read: list[int] = []
    has_ended = threading.Event()
    read_octets, leave = fetch_chunks._read_octets, Session.leave

    def count(mailbox_id: int, uids: Sequence[int], reading: Reading) -> dict[int, bytes]:
        read.extend(uids)
        return read_octets(mailbox_id, uids, reading)

    def end(session: Session) -> None:
        leave(session)
        has_ended.set()

    with Conversation(doors.plain, words={"login": login}) as talk:
        talk.follow(LOGIN.replace("{n}", "1"))
        for _ in range(6):
            talk.follow("        1C: c COPY 1:* INBOX\n        1S~ c OK …")
        monkeypatch.setattr(fetch_chunks, "_read_octets", count)
        monkeypatch.setattr(Session, "leave", end)
        talk.follow("        1C: d FETCH 1:* BODY.PEEK[]\n        1S: * 1 FETCH (BODY[] {900014}")
        talk.clients.pop("1").close()
        assert has_ended.wait(20)
    assert 0 < len(read) < 64
