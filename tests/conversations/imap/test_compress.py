"""COMPRESS=DEFLATE (RFC 4978)."""

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.support.transcript import Client, converse

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]


class CompressedClient:
    """A client that has logged in and begun compression."""

    def __init__(self, port: int, login: str, *, tls: bool):
        self.client = Client(port, tls=tls)
        self.client.read_line()
        self.client.send(f'a LOGIN {login} "correct horse"\r\nb COMPRESS DEFLATE\r\n'.encode())
        assert b"COMPRESS=DEFLATE" in (self.client.read_line() or b"")
        assert self.client.read_line() == b"b OK DEFLATE active\r\n"
        self.deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.inflater = zlib.decompressobj(-15)
        self.told = b""
        self.octets_in = 0

    def send(self, octets: bytes) -> None:
        self.client.send(self.deflater.compress(octets) + self.deflater.flush(zlib.Z_SYNC_FLUSH))

    def read_until(self, end: bytes) -> bytes:
        while end not in self.told:
            octets = self.client.socket.recv(65536)
            assert octets, self.told[-200:]
            self.octets_in += len(octets)
            self.told += self.inflater.decompress(octets)
        position = self.told.index(end) + len(end)
        told, self.told = self.told[:position], self.told[position:]
        return told


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_compressed_session(doors: "Doors", login: str, put: Put, is_tls: bool) -> None:
    text = "text " * 10_000
    put(f"Subject: x\r\n\r\n{text}\r\n".encode())
    session = CompressedClient(doors.tls if is_tls else doors.plain, login, tls=is_tls)
    session.send(b"c SELECT INBOX\r\n")
    assert b"* 1 EXISTS" in session.read_until(b"c OK ")
    session.read_until(b"\r\n")
    session.octets_in = 0
    session.send(b"d FETCH 1 BODY.PEEK[TEXT]\r\n")
    assert text.encode() in session.read_until(b"d OK FETCH completed\r\n")
    assert session.octets_in < 2_000
    session.send(b"e COMPRESS DEFLATE\r\n")
    assert session.read_until(b"\r\n") == b"e NO [COMPRESSIONACTIVE] DEFLATE is active already\r\n"
    session.send(b"f APPEND INBOX {12}\r\n")
    session.read_until(b"+ ")
    session.read_until(b"\r\n")
    session.send(b"Subject: y\r\n\r\n")
    assert b"* 2 EXISTS" in session.read_until(b"f OK ")
    session.read_until(b"\r\n")
    session.client.close()


def test_idle_tells_through_compression_and_so_does_the_end(doors: "Doors", login: str, put: Put) -> None:
    session = CompressedClient(doors.plain, login, tls=False)
    session.send(b"c SELECT INBOX\r\n")
    session.read_until(b"completed\r\n")
    for number in range(1, 4):  # the compressor is let go while it idles
        session.send(b"d IDLE\r\n")
        session.read_until(b"+ idling\r\n")
        put()
        session.read_until(b"* %d EXISTS\r\n" % number)
        session.send(b"DONE\r\n")
        session.read_until(b"d OK ")
        session.read_until(b"\r\n")
    session.send(b"e LOGOUT\r\n")
    session.read_until(b"* BYE ")
    session.read_until(b"e OK LOGOUT completed\r\n")
    assert session.client.socket.recv(10) == b""


def test_a_bomb_ends_the_session(doors: "Doors", login: str) -> None:
    session = CompressedClient(doors.plain, login, tls=False)
    session.send(b"c SEARCH SUBJECT " + b"x" * 100_000_000 + b"\r\n")  # 100 KB over the wire
    try:
        while session.client.socket.recv(65536):
            pass
    except ConnectionResetError:
        pass


def test_what_is_no_deflate_ends_the_session(doors: "Doors", login: str) -> None:
    session = CompressedClient(doors.plain, login, tls=False)
    session.client.send(b"c NOOP\r\n")
    try:
        assert session.client.socket.recv(10) == b""
    except ConnectionResetError:
        pass


def test_compress_is_refused_where_it_makes_no_sense(doors: "Doors", login: str) -> None:
    converse(
        doors.plain,
        """
        S: * OK …
        C: a COMPRESS DEFLATE
        S: a BAD …
        C: b LOGIN {login} "correct horse"
        S: b OK …
        C: c COMPRESS LZW
        S: c BAD …
        C: d COMPRESS
        S: d BAD …
        C| e COMPRESS DEFLATE\\r\\nf NOOP\\r\\n
        S: e BAD Nothing may be sent behind COMPRESS before its reply
        S: f OK NOOP completed
        """,
        login=login,
    )
