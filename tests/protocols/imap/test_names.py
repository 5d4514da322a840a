"""Mailbox names between wire and text, in both spellings (RFC 3501 section 5.1.3, RFC 6855 section 3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.imap.cursor import Cursor
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.names import MAX_NAME_OCTETS, take_mailbox, write_name
from tests.protocols.imap.wire import frame

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=40)


def read(octets: bytes, *, is_utf8: bool) -> str:
    cursor = Cursor(frame(octets), has_utf8_names=is_utf8)
    name = take_mailbox(cursor)
    cursor.end()
    return name


@given(NAMES, st.booleans())
def test_every_name_is_read_as_it_was_written(name: str, is_utf8: bool) -> None:
    assert read(write_name(name, is_utf8=is_utf8), is_utf8=is_utf8) == name


@pytest.mark.parametrize(
    ("name", "utf7", "utf8"),
    [
        ("INBOX", b"INBOX", b"INBOX"),
        ("R&D", b"R&-D", b"R&D"),
        ("Entwürfe", b"Entw&APw-rfe", '"Entwürfe"'.encode()),
        ("a b", b'"a b"', b'"a b"'),
        ('ü "x" \\', b'"&APw- \\"x\\" \\\\"', '"ü \\"x\\" \\\\"'.encode()),
        ("nil", b'"nil"', b'"nil"'),
        ("", b'""', b'""'),
    ],
)
def test_each_spelling(name: str, utf7: bytes, utf8: bytes) -> None:
    assert write_name(name, is_utf8=False) == utf7
    assert write_name(name, is_utf8=True) == utf8


def test_an_ampersand_is_a_letter_in_utf8() -> None:
    assert read(b"Entw&APw-rfe", is_utf8=True) == "Entw&APw-rfe"
    assert read(b"&&&", is_utf8=True) == "&&&"


@pytest.mark.parametrize("octets", [b'"\xff"', b"&Jjo!", b"&AGE-", b"\xc3", b'"\xc3\xbc&-"'])
def test_what_is_no_name_in_modified_utf7_is_refused(octets: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        read(octets, is_utf8=False)


def test_what_is_no_utf8_is_refused() -> None:
    with pytest.raises(ImapSyntaxError):
        read(b'"\xff"', is_utf8=True)
    with pytest.raises(ImapSyntaxError):
        read(b"a" * (MAX_NAME_OCTETS + 1), is_utf8=True)
