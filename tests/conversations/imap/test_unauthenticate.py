"""UNAUTHENTICATE (RFC 8437): a connection that begins again."""

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.support.transcript import Client, converse

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]


def test_nothing_of_the_login_is_left(doors: "Doors", login: str, put: Put) -> None:
    from mailboxes.store.values import Flag

    put("one", flags=Flag.DELETED)
    converse(
        doors.plain,
        """
        S: * OK …
        C: a UNAUTHENTICATE
        S: a BAD …
        C: b LOGIN {login} "correct horse"
        S: b OK [CAPABILITY …UNAUTHENTICATE…] …
        C: c ENABLE CONDSTORE IMAP4rev2
        S~ c OK …
        C: d SELECT INBOX
        S~ d OK [READ-WRITE] …
        C: e UNAUTHENTICATE
        S: e OK [CAPABILITY IMAP4rev1 …AUTH=PLAIN…] …
        C: f CHECK
        S: f BAD …
        C: g SELECT INBOX
        S: g BAD …
        C: h LOGIN {login} "correct horse"
        S: h OK …
        What was flagged is not expunged, and no mode is left:
        C: i SELECT INBOX
        S~ * 1 EXISTS
        S: * 1 RECENT
        S~ i OK …
        C: j STORE 1 +FLAGS (\\Seen)
        S: * 1 FETCH (FLAGS (\\Seen \\Deleted \\Recent))
        S: j OK …
        """,
        login=login,
    )


def test_another_account_may_come_in(doors: "Doors", login: str, put: Put) -> None:
    from tests.support.hosting import new_account

    put("one")
    converse(
        doors.plain,
        """
        S: * OK …
        C: a LOGIN {login} "correct horse"
        S: a OK …
        C: b UNAUTHENTICATE
        S: b OK …
        C: c LOGIN {other} "correct horse"
        S: c OK …
        C: d STATUS INBOX (MESSAGES)
        S: * STATUS INBOX (MESSAGES 0)
        S: d OK …
        """,
        login=login,
        other=new_account("bob").login,
    )


@pytest.mark.parametrize("ending", [zlib.Z_SYNC_FLUSH, zlib.Z_FINISH])
def test_compression_ends_with_it(doors: "Doors", login: str, ending: int) -> None:
    with Client(doors.plain) as client:
        client.read_line()
        client.send(f'a LOGIN {login} "correct horse"\r\nb COMPRESS DEFLATE\r\n'.encode())
        assert (client.read_line() or b"").startswith(b"a OK")
        assert (client.read_line() or b"").startswith(b"b OK")
        deflater, inflater = zlib.compressobj(wbits=-15), zlib.decompressobj(-15)
        client.send(deflater.compress(b"c UNAUTHENTICATE\r\n") + deflater.flush(ending))
        told = b""
        while not inflater.eof:
            told += inflater.decompress(client.socket.recv(4096))
        assert told.startswith(b"c OK [CAPABILITY ")
        assert told.endswith(b"\r\n")
        assert inflater.unused_data == b""
        client.send(f'd LOGIN {login} "correct horse"\r\n'.encode())
        assert (client.read_line() or b"").startswith(b"d OK")
        client.send(b"e COMPRESS DEFLATE\r\n")
        assert client.read_line() == b"e OK DEFLATE active\r\n"
