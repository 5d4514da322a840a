"""Cursors: what was given out is understood, and anything else is refused."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from mailhost.api.paging import _decode, _encode
from mailhost.api.problems import CursorInvalid

KEYS = st.text(st.characters(exclude_characters="\0", codec="utf-8"))


@given(KEYS)
def test_a_cursor_is_the_key_it_was_made_from(key: str) -> None:
    assert _decode(_encode(key)) == key


def is_refused_or_a_key(cursor: str) -> bool:
    """A key is what Postgres takes as text."""
    try:
        key = _decode(cursor)
    except CursorInvalid:
        return True
    return "\0" not in key and key.encode().decode() == key


@given(st.one_of(st.text(), st.text("ABCxyz019-_+/=\n", max_size=40)))
def test_any_text_is_refused_or_a_key(cursor: str) -> None:
    assert is_refused_or_a_key(cursor)


@given(st.binary(), st.integers(0, 100))
def test_any_octets_behind_a_cursor_are_refused_or_a_key(octets: bytes, cut: int) -> None:
    cursor = base64.urlsafe_b64encode(octets).decode().rstrip("=")
    assert is_refused_or_a_key(cursor)
    assert is_refused_or_a_key(cursor[:cut])
