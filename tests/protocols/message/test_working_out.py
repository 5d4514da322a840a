"""What is stored beside a message: sort keys, dates, ids, preview."""

import base64
from datetime import UTC, datetime

import pytest

from mailhost.protocols.message import work_out
from mailhost.protocols.message.base_subject import base_subject
from mailhost.protocols.message.dates import parse_date
from mailhost.protocols.message.text import decode_words


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("the plan", "the plan"),
        ("Re: the plan", "the plan"),
        ("RE: Fw: fwd: re[2]: the plan (fwd) (FWD)", "the plan"),
        ("[list] Re: [list] the plan", "the plan"),
        ("Re: [list]", "[list]"),
        ("[fwd: the plan]", "the plan"),
        ("[Fwd: [list] Re: the plan] (fwd)", "the plan"),
        ("  two \t  blanks ", "two blanks"),
        ("regarding: x", "regarding: x"),
        ("[list] ", "[list]"),
        ("Re:", ""),
        ("(fwd)", ""),
        ("", ""),
        ("[unclosed re: x", "[unclosed re: x"),
    ],
)
def test_base_subject(subject: str, expected: str) -> None:
    assert base_subject(subject) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Mon, 23 Nov 2026 13:46:24 +0100", datetime(2026, 11, 23, 12, 46, 24, tzinfo=UTC)),
        (b"23 Nov 2026 13:46 -0000 (comment)", datetime(2026, 11, 23, 13, 46, tzinfo=UTC)),
        (b"Fri, 21 Nov 97 09(comment):   55  :  06 -0600", None),
        (b"Fri, 21 Nov 97 09:55:06 EST", datetime(1997, 11, 21, 14, 55, 6, tzinfo=UTC)),
        (b"1 Jan 49 00:00:00 GMT", datetime(2049, 1, 1, tzinfo=UTC)),
        (b"1 Jan 102 00:00:00 GMT", datetime(2002, 1, 1, tzinfo=UTC)),
        (b"31 Dec 2016 23:59:60 +0000", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (b"Mon Nov 23 13:46:24 2026", datetime(2026, 11, 23, 13, 46, 24, tzinfo=UTC)),
        (b"2026-11-23T13:46:24.5Z", datetime(2026, 11, 23, 13, 46, 24, tzinfo=UTC)),
        (b"Monday, 23-November-2026 13.46.24 +01:30", datetime(2026, 11, 23, 12, 16, 24, tzinfo=UTC)),
        (b"1 Jan 0001 00:00:00 +1400", None),
        (b"31 Dec 9999 23:59:59 -0100", None),
        (b"30 Feb 2026 00:00:00 +0000", None),
        (b"1 Foo 2026 00:00:00 +0000", None),
        (b"1 Jan 2026 25:00:00 +0000", None),
        (b"1 Jan 0000 00:00:00 +0000", None),
        (b"yesterday", None),
        (b"", None),
    ],
)
def test_dates(value: bytes, expected: datetime | None) -> None:
    assert parse_date(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?Q?=C3=A4_b?= c", "ä b c"),
        (b"=?UTF-8*de?B?w6Q=?=", "ä"),
        (b"=?utf-8?Q?a?= \r\n =?utf-8?Q?b?=", "ab"),
        (b"=?utf-8?B?w4==?= =?utf-8?B?pA==?=", "ä"),
        (b"=?iso-8859-1?Q?=E4?= =?utf-8?Q?=C3=A4?=", "ää"),
        (b"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
        (b"=?gb2312?B?xOO6ww==?=", "你好"),
        (b"=?no-such?Q?=E4?=", "ä"),
        (b"=?idna?Q?x?=", "x"),
        (b"=?utf-7?Q?+2AA-x?=", "\ufffdx"),
        (b"=?utf-8?B?!?= =?broken", "=?broken"),
        (b"raw \xe4", "raw ä"),
        (b"raw \xc3\xa4", "raw ä"),
    ],
)
def test_encoded_words(value: bytes, expected: str) -> None:
    assert decode_words(value).strip() == expected


def test_everything_about_an_ordinary_message() -> None:
    worked_out = work_out(
        b"From: =?utf-8?Q?J=C3=BCrgen?= <Juergen@example.test>\r\n"
        b'To: friends: "Al, B." <al@example.test>, carol@example.test;\r\n'
        b"Cc: dave@example.test\r\n"
        b"Subject: Re: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n"
        b"Date: Mon, 23 Nov 2026 13:46:24 +0100\r\n"
        b"Message-ID: <3@example.test>\r\n"
        b"References: <1@example.test>\r\n\t<2@exam\r\n ple.test>\r\n"
        b"In-Reply-To: <2@example.test> from you\r\n"
        b"\r\n"
        b"Hello,\r\n\r\n  world.\r\n"
    )
    assert worked_out.subject == "Re: Grüße"
    assert worked_out.sort_subject == "GRU\N{COMBINING DIAERESIS}ßE"
    assert worked_out.from_display == "Jürgen"
    assert worked_out.to_display == "friends, Al, B., carol@example.test"
    assert (worked_out.sort_from, worked_out.sort_to, worked_out.sort_cc) == ("JUERGEN", "FRIENDS", "DAVE")
    assert worked_out.sent_at == datetime(2026, 11, 23, 12, 46, 24, tzinfo=UTC)
    assert worked_out.message_id == "<3@example.test>"
    assert worked_out.references == ("<1@example.test>", "<2@example.test>")
    assert worked_out.preview == "Hello, world."
    assert not worked_out.has_attachments


def test_in_reply_to_stands_in_for_missing_references_alone() -> None:
    """RFC 5256 section 3, REFERENCES step 1."""
    both = b"References: <1@x> <2@x> <1@x>\r\nIn-Reply-To: <3@x>\r\n\r\n"
    assert work_out(both).references == ("<1@x>", "<2@x>", "<1@x>")
    alone = b"References: nothing\r\nIn-Reply-To: yours of Monday <3@x> <4@x>\r\n\r\n"
    assert work_out(alone).references == ("<3@x>",)


def test_references_are_capped_but_keep_the_first() -> None:
    ids = [f"<{number}@x>" for number in range(300)]
    worked_out = work_out(b"References: " + " ".join(ids).encode() + b"\r\n\r\n")
    assert worked_out.references == (ids[0], *ids[-99:])


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        (b"Content-Type: text/plain; charset=utf-16le", "ä b".encode("utf-16le"), "ä b"),
        (b"Content-Transfer-Encoding: base64", base64.encodebytes(b"word " * 5000), ("word " * 40).strip()),
        (b"Content-Transfer-Encoding: quoted-printable", b"=C3=A4=\r\n b", "ä b"),
        (b"Content-Type: text/html", b"<style>a{}</style><!-- no --><p>One<br>two &lt;3 & 1 < 2", "One two <3 & 1 < 2"),
        (b"Content-Type: text/html", b"<head><title>no</title></head><style>" + b"x" * 9000 + b"</style>yes", "yes"),
        (b"Content-Type: image/png", b"\x89PNG", ""),
        (b"Content-Type: text/plain", b" \r\n" * 2000 + b"late", "late"),
        (b"Content-Type: text/plain; charset=nonsense", b"caf\xe9", "café"),
        (b"X: y", "é".encode() * 4000, "é" * 200),
    ],
)  # fmt: skip
def test_preview(headers: bytes, body: bytes, expected: str) -> None:
    assert work_out(headers + b"\r\n\r\n" + body).preview == expected


def mixed(*parts: bytes) -> bytes:
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + body + b"--b--\r\n"


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"\r\nx", False),
        (b"Content-Type: application/pdf\r\n\r\nx", True),
        (mixed(b"\r\nx", b"Content-Type: text/html\r\n\r\nx"), False),
        (mixed(b"\r\nx", b"Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nx"), True),
        (mixed(b"\r\nx", b"Content-Type: text/plain; name=a.txt\r\n\r\nx"), True),
        (mixed(b"\r\nx", b"Content-Type: image/png\r\nContent-ID: <a>\r\n\r\nx"), False),
        (mixed(b"\r\nx", b"Content-Type: application/pgp-signature; name=s.asc\r\n\r\nx"), False),
        (mixed(b"\r\nx", b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n"), True),
    ],
)
def test_has_attachments(octets: bytes, expected: bool) -> None:
    assert work_out(octets).has_attachments is expected
