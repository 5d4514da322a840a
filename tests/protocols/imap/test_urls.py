"""IMAP URLs as CATENATE takes them (RFC 5092, RFC 4469)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.imap.fetch_items import SectionText
from mailhost.protocols.imap.urls import WHOLE, BadUrl, parse_url


@pytest.mark.parametrize(
    ("url", "mailbox", "uid_validity", "uid"),
    [
        ("/INBOX;UIDVALIDITY=785799047/;UID=113330", "INBOX", 785799047, 113330),
        ("/Lists/caf%C3%A9%20au%20lait/;uid=7", "Lists/café au lait", None, 7),
        ("/a%3Bb%2Fc/;UID=7", "a;b/c", None, 7),
        ("imap://alice%40example.test;AUTH=*@mail.example.test:993/INBOX/;UID=1", "INBOX", None, 1),
        ("//mail.example.test/INBOX/;UID=1", "INBOX", None, 1),
        (";UID=4294967295", None, None, 4294967295),
        ("/;UID=4", None, None, 4),
    ],
)
def test_a_url_names_a_message(url: str, mailbox: str | None, uid_validity: int | None, uid: int) -> None:
    part = parse_url(url)
    assert (part.mailbox, part.uid_validity, part.uid) == (mailbox, uid_validity, uid)
    assert (part.section.part, part.section.text) == ((), SectionText.ALL)


def test_a_url_names_a_part_of_it() -> None:
    part = parse_url("imap://Alice@Mail.Example.Test/INBOX/;UID=20/;section=1.2.mime/;partial=5.10")
    assert (part.host, part.user) == ("mail.example.test", "Alice")
    assert (part.section.part, part.section.text, part.section.partial) == ((1, 2), SectionText.MIME, (5, 10))
    fields = parse_url(";UID=20/;SECTION=HEADER.FIELDS%20(DATE%20FROM)").section
    assert (fields.text, fields.fields) == (SectionText.HEADER_FIELDS, (b"DATE", b"FROM"))
    assert parse_url(";UID=20/;PARTIAL=7").section.partial == (7, WHOLE)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/",
        "/INBOX",
        "/INBOX/;UID=0",
        "/INBOX/;UID=1/;SECTION=1.",
        "/INBOX/;UID=1/;SECTION=TEXT/;PARTIAL=0.0",
        "/INBOX/;UID=1;URLAUTH=anonymous:internal:0",
        "/INBOX/;UID=1;EXPIRE=2030-01-01T00:00:00Z;URLAUTH=user+a:internal",
        "/INBOX?SUBJECT%20x",
        "/INB%FFOX/;UID=1",
        "imap://mail.example.test/;UID=1",
        "http://mail.example.test/INBOX/;UID=1",
        "file:///etc/passwd",
        "/INBOX/;UID=1" + "x" * 9_000,
    ],
)
def test_what_is_no_such_url_is_refused(url: str) -> None:
    with pytest.raises(BadUrl):
        parse_url(url)


PIECES = [
    "imap:",
    "//",
    "/",
    "a",
    "@",
    ":1",
    ";UID=1",
    ";UIDVALIDITY=2",
    ";SECTION=",
    "1",
    ".",
    "TEXT",
    "%",
    "%2F",
    ";PARTIAL=1.2",
]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text())
def test_anything_else_raises_nothing_else(url: str) -> None:
    try:
        parse_url(url)
    except BadUrl:
        pass
