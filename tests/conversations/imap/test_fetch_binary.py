"""BINARY, BINARY.PEEK and BINARY.SIZE (RFC 3516, RFC 9051 section 6.4.5)."""

from base64 import encodebytes
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.support.transcript import Client

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]

SELECT = """
        C: s SELECT INBOX
        S~ s OK …
"""
PARTS = b"""\
Subject: Parts\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=b\r
\r
--b\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: quoted-printable\r
\r
Gr=C3=BC=\r
=C3=9Fe  \r
--b\r
Content-Type: application/octet-stream\r
Content-Transfer-Encoding: BASE64\r
\r
AAECAwQ=\r
--b\r
Content-Type: message/rfc822\r
Content-Transfer-Encoding: 8bit\r
\r
Subject: inner\r
Content-Transfer-Encoding: base64\r
\r
SGVsbG8=\r
--b\r
Content-Transfer-Encoding: x-uuencode\r
\r
begin 644 x\r
--b--\r
"""


def test_parts_are_told_without_their_transfer_encoding(talk: Talk, put: Put) -> None:
    put(PARTS)
    talk(
        SELECT
        + """
        C: a FETCH 1 (BINARY.PEEK[1] BINARY.SIZE[1] BINARY.PEEK[2] BINARY.SIZE[2] BINARY.PEEK[3.1] BINARY.PEEK[9] BINARY.SIZE[9])
        S: * 1 FETCH (BINARY[1] {9}
        S: Grüße   BINARY.SIZE[1] 9 BINARY[2] ~{5}
        S: \x00\x01\x02\x03\x04 BINARY.SIZE[2] 5 BINARY[3.1] {5}
        S: Hello BINARY[9] NIL BINARY.SIZE[9] 0)
        S: a OK FETCH completed
        C: b FETCH 1 (BINARY.PEEK[3] BINARY.SIZE[3] BINARY.SIZE[] RFC822.SIZE)
        S: * 1 FETCH (BINARY[3] {61}
        S: Subject: inner
        S: Content-Transfer-Encoding: base64
        S: 
        S: SGVsbG8= BINARY.SIZE[3] 61 BINARY.SIZE[] {size} RFC822.SIZE {size})
        S: b OK FETCH completed
        """
    )


def test_partials_count_decoded_octets(talk: Talk, put: Put) -> None:
    put(PARTS)
    talk(
        SELECT
        + """
        C: a FETCH 1 (BINARY.PEEK[1]<0.2> BINARY.PEEK[2]<1.2> BINARY.PEEK[2]<0.1> BINARY.PEEK[2]<5.9>)
        S: * 1 FETCH (BINARY[1]<0> {2}
        S: Gr BINARY[2]<1> {2}
        S: \x01\x02 BINARY[2]<0> ~{1}
        S: \x00 BINARY[2]<5> {0}
        S: )
        S: a OK FETCH completed
        C: b FETCH 1 BINARY.SIZE[1]<0.2>
        S: b BAD …
        C: c FETCH 1 BINARY[1.MIME]
        S: c BAD …
        C: d FETCH 1 BINARY[HEADER]
        S: d BAD …
        """
    )


def test_an_encoding_that_nobody_knows_is_refused_and_the_others_are_told(talk: Talk, put: Put) -> None:
    put(PARTS)
    put("plain")
    talk(
        SELECT
        + """
        C: a FETCH 1:2 (UID BINARY.SIZE[1] BINARY.PEEK[4])
        S: * 2 FETCH (UID 2 BINARY.SIZE[1] 8 BINARY[4] NIL)
        S: a NO [UNKNOWN-CTE] …
        C: b FETCH 1 BINARY.SIZE[4]
        S: b NO [UNKNOWN-CTE] …
        """
    )


def test_reading_octets_sets_seen_and_their_size_does_not(talk: Talk, put: Put) -> None:
    put("one")
    talk(
        SELECT
        + """
        C: a FETCH 1 (BINARY.SIZE[1] BINARY.PEEK[1])
        S: * 1 FETCH (BINARY.SIZE[1] 8 BINARY[1] {8}
        S: Hello.
        S: )
        S: a OK FETCH completed
        C: b FETCH 1 BINARY[1]
        S: * 1 FETCH (BINARY[1] {8}
        S: Hello.
        S:  FLAGS (\\Seen \\Recent))
        S: b OK FETCH completed
        """
    )


@pytest.mark.parametrize(
    ("partial", "start", "end"), [("", 0, 3_000_000), ("<2900000.50>", 2_900_000, 2_900_050)]
)
def test_large_parts_are_decoded_on_their_way(
    doors: "Doors", login: str, put: Put, partial: str, start: int, end: int
) -> None:
    octets = (bytes(range(255, -1, -1)) * 12_000)[:3_000_000]
    encoded = encodebytes(octets)
    put(
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n%b\r\n"
        b"--b\r\nContent-Transfer-Encoding: x-unheard\r\n\r\nx\r\n--b--\r\n" % encoded.replace(b"\n", b"\r\n")
    )
    with Client(doors.plain) as client:
        client.send(
            f'a LOGIN {login} "correct horse"\r\nb EXAMINE INBOX\r\n'
            f"c FETCH 1 (BINARY.SIZE[1] BINARY[1]{partial} BINARY[3] UID)\r\nd FETCH 1 BINARY[2]\r\n".encode()
        )
        while not (line := client.read_line() or b"").startswith(b"* 1 FETCH"):
            pass
        label = b"BINARY[1]<%d>" % start if partial else b"BINARY[1]"
        assert line == b"* 1 FETCH (BINARY.SIZE[1] 3000000 %b ~{%d}\r\n" % (label, end - start)
        assert client.read_octets(end - start) == octets[start:end]
        assert client.read_line() == b" BINARY[3] NIL UID 1)\r\n"
        assert (client.read_line() or b"").startswith(b"c OK")
        assert (client.read_line() or b"").startswith(b"d NO [UNKNOWN-CTE]")
