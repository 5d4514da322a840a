"""Headers in UTF-8 for clients that read ASCII (RFC 6858)."""

import email
import email.policy
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.message.downgrading import HeaderDowngrader, downgrade_header, downgraded

MESSAGE = """\
Received: from straße.example by mx.example.test; Mon, 6 May 2024 09:00:00 +0200\r
Return-Path: <bob@example.test>\r
From: Jürgen <juergen@example.test>\r
To: "Müller, Anna" <anna@example.test>, jøran@example.test,\r
 Gruppe ä: carl@example.test, "d e"@example.test;, plain@example.test\r
Cc: Only Ascii <a@example.test>\r
subject: Grüße aus\r
 Köln\r
Content-Type: text/plain; charset=utf-8; name="Büro.txt"\r
\r
Körper bleibt.\r
""".encode()


def test_what_people_read_stays_and_the_rest_is_ascii() -> None:
    result = downgraded(MESSAGE)
    header, _, body = result.partition(b"\r\n\r\n")
    assert header.isascii()
    assert body == "Körper bleibt.\r\n".encode()
    read = email.message_from_bytes(result, policy=email.policy.default)
    assert read["From"] == "Jürgen <juergen@example.test>"
    assert read["Subject"] == "Grüße aus Köln"
    assert read["Cc"] == "Only Ascii <a@example.test>"
    assert "Received" not in read
    assert [(each.display_name, each.addr_spec) for each in read["To"].addresses] == [
        ("Müller, Anna", "anna@example.test"),
        ("jøran@example.test", "invalid@internationalized-address.invalid"),
        ("", "carl@example.test"),
        ("", '"d e"@example.test'),
        ("", "plain@example.test"),
    ]
    assert [group.display_name for group in read["To"].groups] == [None, None, "Gruppe ä", None]
    assert read["Content-Type"] == 'text/plain; charset="utf-8"; name="B?ro.txt"'


def test_ascii_is_the_same_object() -> None:
    plain = b"Subject: x\r\n\r\nbody"
    assert downgraded(plain) is plain
    assert downgrade_header(plain) is plain


def test_a_body_in_8_bit_is_not_touched() -> None:
    message = b"Subject: x\r\nnot a field\r\n\r\n\xff\xfe"
    assert downgraded(message) == message


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Subject: ä\n\nbody".encode(), b"Subject: =?utf-8?B?w6Q=?=\r\n\nbody"),
        ("Subject: ä".encode(), b"Subject: =?utf-8?B?w6Q=?=\r\n"),
        ("X-Any: ä\r\nA: b\r\n\r\nä".encode(), "A: b\r\n\r\nä".encode()),
        ("\r\nä".encode(), "\r\nä".encode()),
        (
            "no field ä\r\nTo: ä\r\n\r\n".encode(),
            "no field ä\r\nTo: =?utf-8?B?w6RA?= <invalid@internationalized-address.invalid>\r\n\r\n".encode(),
        ),
        (b"Subject: \xe4\r\n\r\n", b"Subject: \xe4\r\n\r\n"),
    ],
)
def test_headers_of_all_kinds(message: bytes, expected: bytes) -> None:
    assert downgraded(message) == expected


LINES = st.lists(
    st.sampled_from(
        [
            b"From: ",
            b"To: ",
            b"Subject: ",
            b"X: ",
            b"Content-Type: ",
            b"\xc3\xa4",
            b"<a@b>",
            b"g: a@b;",
            b",",
            b'"',
        ]
    )
    | st.sampled_from([b"\r\n", b"\r\n\r\n", b"\n", b"\r", b" "])
    | st.binary(max_size=4),
    max_size=20,
).map(b"".join)


@given(LINES, st.lists(st.integers(0, 40), max_size=5))
def test_pieces_cut_anywhere_give_the_whole_with_a_header_in_ascii(message: bytes, cuts: list[int]) -> None:
    whole = downgraded(message)
    downgrader = HeaderDowngrader()
    pieces, at = [], 0
    for cut in sorted(cuts):
        pieces.append(downgrader.feed(message[at:cut]))
        at = max(at, cut)
    pieces += [downgrader.feed(message[at:]), downgrader.finish()]
    if message.isascii():
        assert whole == message
    else:
        assert b"".join(pieces) == whole


VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=40)


@given(VALUES, VALUES, VALUES, VALUES)
def test_every_field_ends_in_ascii(to: str, subject: str, other: str, type_: str) -> None:
    message = f"To: {to}\r\nSubject: {subject}\r\nX: {other}\r\nContent-Type: {type_}\r\n\r\nbödy".encode()
    header, _, body = downgraded(message).partition(b"\r\n\r\n")
    assert header.isascii()
    assert body == "bödy".encode()
    assert all(re.match(rb"(To|Subject|X|Content-Type):|[ \t]", line) for line in header.split(b"\r\n"))
