"""ENVELOPE, BODYSTRUCTURE, BODY[…] and BINARY[…] of messages that parsers stumble over, as they go over the wire."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.conversations.imap import odd_messages as odd
from tests.protocols.message.test_any_octets import PIECES
from tests.support.examples import examples
from tests.support.imap_responses import Fetched, Malformed, read_fetched
from tests.support.transcript import Client

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

Put = Callable[..., int]

TEXT = b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" %d %d NIL NIL NIL NIL)'
NOTHING = b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"


class Reading:
    """A session with a selected mailbox, whose FETCH responses are read by the strict reader."""

    def __init__(self, client: Client, login: str) -> None:
        self.client = client
        client.send(f'a LOGIN {login} "correct horse"\r\n'.encode())
        self.until(b"a OK")

    def until(self, end: bytes) -> tuple[bytes, bytes]:
        """What came before the line that begins with `end`, and that line. Literals may hold such lines."""
        came = bytearray()
        while True:
            line = self.client.read_line()
            assert line is not None, bytes(came)
            if line.startswith(end):
                return bytes(came), line
            came += line
            while line.endswith(b"}\r\n") and line.rpartition(b"{")[2][:-3].isdigit():
                octets = self.client.read_octets(int(line.rpartition(b"{")[2][:-3]))
                came += octets
                line = self.client.read_line() or b""
                came += line

    def select(self) -> None:
        self.client.send(b"s EXAMINE INBOX\r\n")
        self.until(b"s OK")

    def raw(self, number: int, items: str) -> bytes:
        """The response to FETCH as it came, and nothing else."""
        self.client.send(f"f FETCH {number} ({items})\r\n".encode())
        came, end = self.until(b"f ")
        assert end.startswith(b"f OK"), end
        return came

    def fetch(self, number: int, items: str) -> dict[bytes, Any]:
        (fetched,) = read_fetched(self.raw(number, items))
        assert fetched.number == number
        return fetched.items


@pytest.fixture
def reading(doors: "Doors", login: str) -> Iterator[Reading]:
    with Client(doors.plain) as client:
        yield Reading(client, login)


ODD: list[tuple[str, bytes, str, bytes]] = [
    (
        "nested multiparts and a digest in a message",
        odd.NESTED,
        "BODYSTRUCTURE",
        b'((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0 NIL NIL NIL NIL)'
        b'("text" "html" NIL NIL NIL "7bit" 3 0 NIL NIL NIL NIL)'
        b' "alternative" ("boundary" "inner") NIL NIL NIL)'
        b'("message" "rfc822" NIL NIL NIL "7bit" 147 (NIL "=?utf-8?q?in?="'
        b' ((NIL NIL "a" "example.test")) ((NIL NIL "a" "example.test")) ((NIL NIL "a" "example.test"))'
        b" NIL NIL NIL NIL NIL)"
        b' (("message" "rfc822" NIL NIL NIL "7bit" 25 (NIL "digested" NIL NIL NIL NIL NIL NIL NIL NIL)'
        b' ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 4 0 NIL NIL NIL NIL) 2 NIL NIL NIL NIL)'
        b' "digest" ("boundary" "digest") NIL NIL NIL) 9 NIL NIL NIL NIL)'
        b' "mixed" ("boundary" "outer") NIL NIL NIL)',
    ),
    (
        "parameters in pieces and with charsets, and all extension data",
        odd.RFC_2231,
        "BODYSTRUCTURE",
        b'("application" "octet-stream" ("x" "a\\"b" "name*" "utf-8\'de\'%C3%BCb.bin") "<1@example.test>"'
        b' "a \\"thing\\"" "7bit" 3 "Q2hlY2sgSW50ZWdyaXR5IQ=="'
        b' ("attachment" ("filename*" "iso-8859-1\'en\'%FC.bin")) ("de" "en") "http://example.test/")',
    ),
    (
        "groups, routes, comments, folded ids, an address without a domain, an empty field",
        odd.GROUPS,
        "ENVELOPE",
        b'("Mon, 6 May 2024 09:00:00 +0200 (CEST)" "=?utf-8?b?w7w=?= =?iso-8859-1?q?=FC?="'
        b' (("The Boss" "@relay.example.test" "boss" "example.test")) (("S\\\\x" NIL "s" "example.test"))'
        b' (("The Boss" "@relay.example.test" "boss" "example.test"))'
        b' ((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL))'
        b' ((NIL NIL "Friends" NIL)("Ann" NIL "ann" "example.test")(NIL NIL "bob" "example.test")(NIL NIL NIL NIL)'
        b'(NIL NIL "carl" "example.test")) ((NIL NIL "nobody" ""))'
        b' "<a@example.test> <b@example.test>" "<c@example.test>")',
    ),
    (
        "raw 8-bit headers go as literals",
        odd.RAW_8_BIT,
        "ENVELOPE",
        b"(NIL {5}\r\nGr\xfc\xdfe"
        + b' (({6}\r\nJ\xfcrgen NIL "j" "example.test"))' * 3
        + b" NIL NIL NIL NIL NIL)",
    ),
    ("a multipart that names no boundary is text", odd.NO_BOUNDARY, "BODYSTRUCTURE", TEXT % (13, 3)),
    (
        "a boundary that never comes",
        odd.UNSEEN_BOUNDARY,
        "BODYSTRUCTURE",
        b"(" + TEXT % (17, 1) + b' "mixed" ("boundary" "x") NIL NIL NIL)',
    ),
    (
        "empty parts, and no line end at the end",
        odd.EMPTY_PARTS,
        "BODYSTRUCTURE",
        b"(" + TEXT % (0, 0) * 3 + b' "mixed" ("boundary" "x") NIL NIL NIL)',
    ),
    ("a header without a body", odd.NO_BODY, "BODYSTRUCTURE", TEXT % (0, 0)),
    ("a body without a header", odd.NO_HEADER, "BODYSTRUCTURE", TEXT % (13, 1)),
    ("no fields at all", odd.NO_HEADER, "ENVELOPE", NOTHING),
    (
        "NULs, which no string of IMAP can hold",
        odd.NULS,
        "ENVELOPE",
        b'(NIL "a?b"' + b' (("?" NIL "x?" "example.test"))' * 3 + b" NIL NIL NIL NIL NIL)",
    ),
    ("a NUL in the text", odd.NULS, "BINARY[1]", b"~{3}\r\n\0\r\n"),
    (
        "bare line feeds",
        odd.BARE_LINE_FEEDS,
        "BODYSTRUCTURE",
        b"(" + TEXT % (3, 0) * 2 + b' "mixed" ("boundary" "x") NIL NIL NIL)',
    ),
    ("bare line feeds stay what they are", odd.BARE_LINE_FEEDS, "BODY[HEADER.FIELDS (SUBJECT)]", b"{14}\r\nSubject: lf\n\r\n"),
    (
        "a message that is encoded, which nothing may be, is octets",
        odd.ENCODED_MESSAGE,
        "BODYSTRUCTURE",
        b'(("application" "octet-stream" NIL NIL NIL "base64" 20 NIL NIL NIL NIL)'
        b' "mixed" ("boundary" "x") NIL NIL NIL)',
    ),
    ("and can be decoded", odd.ENCODED_MESSAGE, "BINARY[1]", b"{15}\r\nSubject: x\r\n\r\nx"),
    ("a part of a part of a message", odd.NESTED, "BODY[2.1.1]", b"{4}\r\ntext"),
    ("the header of a digested message", odd.NESTED, "BODY[2.1.HEADER]", b"{21}\r\nSubject: digested\r\n\r\n"),
    ("what is around is no part", odd.NESTED, "BODY[3]", b"NIL"),
    (
        "a thousand parts",
        odd.many_parts(1_000),
        "BODYSTRUCTURE",
        b"(" + TEXT % (1, 0) * 9 + TEXT % (2, 0) * 90 + TEXT % (3, 0) * 900 + TEXT % (4, 0)
        + b' "mixed" ("boundary" "x") NIL NIL NIL)',
    ),
    ("the last of a thousand parts", odd.many_parts(1_000), "BODY[1000]", b"{4}\r\n1000"),
    (
        "a hundred multiparts in each other",
        odd.deep(100),
        "BODYSTRUCTURE",
        b"(" * 100 + TEXT % (4, 0)
        + b"".join(b' "mixed" ("boundary" "b%d") NIL NIL NIL)' % level for level in range(99, -1, -1)),
    ),
    ("the innermost text", odd.deep(100), f"BODY[{'.'.join(['1'] * 100)}]", b"{4}\r\ndeep"),
]  # fmt: skip


@pytest.mark.parametrize(("octets", "item", "told"), [row[1:] for row in ODD], ids=[row[0] for row in ODD])
def test_odd_messages_are_told_exactly_so(
    reading: Reading, put: Put, octets: bytes, item: str, told: bytes
) -> None:
    put(octets)
    reading.select()
    asked = item.replace("[", ".PEEK[", 1)
    assert reading.raw(1, asked) == b"* 1 FETCH (%b %b)\r\n" % (item.encode(), told)


MESSAGES = st.lists(PIECES | st.binary(max_size=20), max_size=60).map(b"".join)
WHOLE = [
    value
    for name, value in vars(odd).items()
    if isinstance(value, bytes) and name.isupper() and value != b"\r\n"
]


@examples(40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(MESSAGES | st.sampled_from(WHOLE))
def test_parts_fit_together_whatever_the_octets(reading: Reading, put: Put, octets: bytes) -> None:
    if not octets:
        return
    number = put(octets)
    reading.select()
    found = reading.fetch(
        number,
        "UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY PREVIEW EMAILID SAVEDATE BODY.PEEK[] "
        "BODY.PEEK[HEADER] BODY.PEEK[TEXT] RFC822.HEADER BINARY.PEEK[] BINARY.SIZE[] BODY.PEEK[HEADER.FIELDS (From)]",
    )
    assert found[b"BODY[]"] == found[b"BINARY[]"] == octets
    assert found[b"BODY[HEADER]"] + found[b"BODY[TEXT]"] == octets
    assert found[b"RFC822.HEADER"] == found[b"BODY[HEADER]"]
    assert found[b"RFC822.SIZE"] == found[b"BINARY.SIZE[]"] == len(octets)
    assert len(found[b"ENVELOPE"]) == 10
    _look_at(reading, number, found[b"BODYSTRUCTURE"], (), found[b"BODY[]"])


def _look_at(
    reading: Reading, number: int, structure: list[Any], section: tuple[int, ...], within: bytes
) -> None:
    """A body of BODYSTRUCTURE against the octets of its sections, and those against what they stand in."""
    if isinstance(structure[0], list):
        at = 0
        children = [child for child in structure if isinstance(child, list) and _is_body(child)]
        for place, child in enumerate(children, 1):
            here = (*section, place)
            label = ".".join(map(str, here))
            found = reading.fetch(number, f"BODY.PEEK[{label}] BODY.PEEK[{label}.MIME]")
            whole = found[b"BODY[%b.MIME]" % label.encode()] + found[b"BODY[%b]" % label.encode()]
            at = within.find(whole, at)
            assert at >= 0, "parts stand one after the other"
            at += len(whole)
            _look_at(reading, number, child, here, found[b"BODY[%b]" % label.encode()])
        return
    here = section or (1,)
    label = ".".join(map(str, here))
    body = reading.fetch(number, f"BODY.PEEK[{label}]")[b"BODY[%b]" % label.encode()]
    assert structure[6] == len(body)
    reading.client.send(f"f FETCH {number} (BINARY.SIZE[{label}] BINARY.PEEK[{label}])\r\n".encode())
    came, end = reading.until(b"f ")
    if end.startswith(b"f OK"):
        (told,) = read_fetched(came)
        assert told.items[b"BINARY.SIZE[%b]" % label.encode()] == len(
            told.items[b"BINARY[%b]" % label.encode()]
        )
    else:
        assert end.startswith(b"f NO [UNKNOWN-CTE]"), end
    if [word.lower() for word in structure[:2]] == [b"message", b"rfc822"]:
        found = reading.fetch(number, f"BODY.PEEK[{label}.HEADER] BODY.PEEK[{label}.TEXT]")
        header, text = found[b"BODY[%b.HEADER]" % label.encode()], found[b"BODY[%b.TEXT]" % label.encode()]
        assert header + text == body
        inner = structure[8]
        _look_at(reading, number, inner, here if isinstance(inner[0], list) else (*here, 1), body)


def _is_body(value: list[Any]) -> bool:
    """A body among a multipart's own values: its parameters, disposition and languages begin otherwise."""
    return isinstance(value[0], list) or len(value) >= 7


@pytest.mark.parametrize(
    "octets",
    [
        b"* 1 FETCH (UID 1)",
        b"* 1 FETCH (UID  1)\r\n",
        b"* 0 FETCH (UID 1)\r\n",
        b"* 1 FETCH (UID 1 UID 1)\r\n",
        b"* 1 FETCH (BODY[] {3}\r\nab)\r\n",
        b'* 1 FETCH (BODY[] "a\nb")\r\n',
        b"* 1 FETCH (FLAGS (\\Seen  a))\r\n",
        b"* 1 FETCH (ENVELOPE (NIL NIL)\r\n",
        b"* 1 FETCH ()\r\n",
    ],
)
def test_the_reader_is_strict(octets: bytes) -> None:
    with pytest.raises(Malformed):
        read_fetched(octets)
    assert read_fetched(b"* 7 FETCH (UID 1 X (NIL))\r\n") == [Fetched(7, {b"UID": 1, b"X": [None]})]
