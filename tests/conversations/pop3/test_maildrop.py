"""STAT, LIST, UIDL, RETR, TOP, DELE, RSET, QUIT on a maildrop."""

import poplib
import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest

from tests.support.transcript import Client, anyone, converse

if TYPE_CHECKING:
    from mailboxes.models import Account

Put = Callable[[Sequence[bytes]], list[int]]
Talk = Callable[[str], dict[str, str]]

FIRST = b"Subject: first\r\n\r\n.dot\r\n..\r\n.\r\nend\r\n"
SECOND = b"Subject: second\n\nbare\nends\r.\rno end"


def signed_in(ports: dict[str, int], account: "Account") -> Client:
    client = Client(ports["pop3s"], tls=True)
    client.send(f"USER {account.login}\r\nPASS correct horse\r\n".encode())
    for _ in range(3):
        assert (client.read_line() or b"").startswith(b"+OK")
    return client


def retrieve(client: Client, command: bytes) -> bytes:
    """The reply to a command of many lines, without its first line and its end."""
    client.send(command + b"\r\n")
    first = client.read_line() or b""
    assert first.startswith(b"+OK"), first
    lines = []
    while (line := client.read_line()) != b".\r\n":
        assert line is not None, "cut off"
        lines.append(line)
    return b"".join(lines)


def test_a_maildrop_is_read_marked_and_emptied(talk: Talk, put: Put) -> None:
    put([FIRST, SECOND, b"Subject: third\r\n\r\nthree\r\n"])
    talk(
        """
        C: STAT
        S: +OK 3 96
        C: LIST
        S: +OK…
        S: 1 36
        S: 2 35
        S: 3 25
        S: .
        C: LIST 2
        S: +OK 2 35
        C: LIST 4
        S: -ERR There is no such message.
        C: UIDL 3
        S: +OK 3 {validity}.3
        C: UIDL
        S: +OK…
        S: 1 {validity}.1
        S: 2 {validity}.2
        S: 3 {validity}.3
        S: .
        C: RETR 1
        S: +OK 36 octets follow.
        S: Subject: first
        S:
        S: ..dot
        S: ...
        S: ..
        S: end
        S: .
        C: RETR 2
        S: +OK 42 octets follow.
        S: Subject: second
        S:
        S: bare
        S: ends
        S: ..
        S: no end
        S: .
        C: TOP 3 0
        S: +OK…
        S: Subject: third
        S:
        S: .
        C: TOP 1 2
        S: +OK…
        S: Subject: first
        S:
        S: ..dot
        S: ...
        S: .
        C: DELE 1
        S: +OK
        C: DELE 1
        S: -ERR This message is deleted.
        C: RETR 1
        S: -ERR This message is deleted.
        C: RSET
        S: +OK
        C: DELE 2
        S: +OK
        C: NOOP
        S: +OK
        C: LIST
        S: +OK…
        S: 1 36
        S: 3 25
        S: .
        C: STAT
        S: +OK 2 61
        C: QUIT
        S: +OK Goodbye, 1 removed.
        S!
        """
    )


def test_only_quit_removes(talk: Talk, put: Put, ports: dict[str, int], account: "Account") -> None:
    put([FIRST, SECOND])
    client = signed_in(ports, account)
    client.send(b"DELE 1\r\nDELE 2\r\n")
    assert client.read_line() == client.read_line() == b"+OK\r\n"
    client.close()
    talk("C: STAT\nS: +OK 2 71\nC: DELE 1\nS: +OK\nC: QUIT\nS: +OK Goodbye, 1 removed.")
    words = converse(
        ports["pop3s"],
        "S: +OK…\nC: USER {login}\nS: +OK\nC: PASS correct horse\nS: +OK 1 messages.\nC: UIDL 1\nS: +OK 1 {uid}",
        tls=True,
        login=account.login,
    )
    assert words["uid"].endswith(".2")  # a unique id is never used again


AWKWARD = [
    b"",
    b"\r\n",
    b"\n",
    b".",
    b".\r\n",
    b"\r",
    b"no header at all",
    b"a: b\r\n\r\n" + b"\r\n.\r\n" * 10,
    b"a: b\r\n\r\n\n.\n\r.\r\r\n.\r\n\n",
    b"nul \0 and \xff\xfe 8-bit\r\n",
    b"a: b\r\n\r\n" + b"x" * 2000,
    b"a: b\r\n\r\n" + b".\r\n" * 200_000,
    b"a: b\r\n\r\n" + b"\n.\n" * 200_000,
    b"a: b\r\n\r\n" + b"y" * (256 * 1024 - 9) + b"\r\n.\r\n" + b"z" * 300_000,
]


def test_any_message_arrives_whole_with_one_end(ports: dict[str, int], account: "Account", put: Put) -> None:
    put(AWKWARD)
    with signed_in(ports, account) as client:
        for numbers in (range(1, len(AWKWARD) + 1), range(len(AWKWARD), 0, -1)):  # read ahead, and not
            for number in numbers:
                folded = re.sub(rb"\r\n|\r|\n", b"\r\n", AWKWARD[number - 1])
                expected = folded if folded.endswith(b"\r\n") or not folded else folded + b"\r\n"
                came = re.sub(rb"(?m)^\.", b"", retrieve(client, b"RETR %d" % number))
                assert came == expected
                header, blank, body = (b"\r\n" + folded).partition(b"\r\n\r\n")
                top = re.sub(rb"(?m)^\.", b"", retrieve(client, b"TOP %d 3" % number))
                wanted = (header + blank)[2:] + b"".join(re.findall(rb"[^\r\n]*\r\n|[^\r\n]+", body)[:3])
                assert top == (wanted if wanted.endswith(b"\r\n") or not wanted else wanted + b"\r\n")
        client.send(b"STAT\r\n")
        assert (client.read_line() or b"").startswith(b"+OK 14 ")


def test_pipelined_commands_are_answered_in_order(
    ports: dict[str, int], account: "Account", put: Put
) -> None:
    put([b"Subject: %d\r\n\r\n" % number for number in range(500)])
    with signed_in(ports, account) as client:
        client.send(
            b"".join(b"RETR %d\r\nDELE %d\r\n" % (number, number) for number in range(1, 501)) + b"QUIT\r\n"
        )
        for number in range(500):
            assert b"octets" in (client.read_line() or b"")
            assert client.read_line() == b"Subject: %d\r\n" % number
            assert [client.read_line() for _ in range(3)] == [b"\r\n", b".\r\n", b"+OK\r\n"]
        assert client.read_line() == b"+OK Goodbye, 500 removed.\r\n"


def test_a_thousand_messages_one_by_one_cost_few_queries(
    ports: dict[str, int], account: "Account", put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mailboxes.pop3 import maildrop
    from mailboxes.store.fetch import fetch_rows

    queries = []

    def counted(*, mailbox_id: int, uids: Sequence[int], columns: Sequence[str]) -> list[tuple[object, ...]]:
        if "octets" in columns:
            queries.append(len(uids))
        return fetch_rows(mailbox_id=mailbox_id, uids=uids, columns=columns)

    monkeypatch.setattr(maildrop, "fetch_rows", counted)
    message = b"Subject: many\r\n\r\n" + b"line of text\r\n" * 280  # 4 KB
    put([message] * 1000)
    client = poplib.POP3(  # as fetchmail and getmail do it: the next command after the reply
        "127.0.0.1", ports["pop3"]
    )
    client.stls(context=anyone())
    client.user(account.login)
    client.pass_("correct horse")
    began = time.monotonic()
    for number in range(1, 1001):
        assert len(client.retr(number)[1]) == 282
    assert time.monotonic() - began < 10
    client.quit()
    assert len(queries) == 1000 // (256 * 1024 // len(message)) + 1


def test_a_large_message_is_sent_in_slices_to_a_slow_reader(
    ports: dict[str, int], account: "Account", put: Put
) -> None:
    large = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * 1024 * 1024  # 16 MB, one line
    put([large])
    with signed_in(ports, account) as client:
        client.send(b"RETR 1\r\n")
        assert (client.read_line() or b"").startswith(b"+OK About 16777")
        assert client.read_octets(len(large)) == large
        assert client.read_octets(5) == b"\r\n.\r\n"


def test_a_hundred_thousand_lines_of_listing_come_through(
    ports: dict[str, int], account: "Account", put: Put
) -> None:
    put([b"a: b\r\n\r\n"] * 5000)
    with signed_in(ports, account) as client:
        lines = retrieve(client, b"UIDL").splitlines()
        assert len(set(lines)) == 5000


def test_numbers_of_no_message_are_refused_and_no_reason_to_end_the_session(talk: Talk, put: Put) -> None:
    put([FIRST])
    talk("C: DELE 1\nS: +OK")
    for command in ("RETR 1", "RETR 2", "RETR 0", "TOP 7 1", "DELE 1", "LIST 1", "UIDL 9") * 4:
        talk(f"C: {command}\nS: -ERR …")
    talk("C: RSET\nS: +OK\nC: STAT\nS: +OK 1 36")
