"""i;unicode-casemap (RFC 5051)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.unicode_casemap import casemap


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("abc", "ABC"),
        ("é", "e\N{COMBINING ACUTE ACCENT}"),
        ("Ä", "ä"),
        ("\N{LATIN SMALL LETTER DZ}", "\N{LATIN CAPITAL LETTER D WITH SMALL LETTER Z}"),
        ("\N{FULLWIDTH LATIN SMALL LETTER A}", "A"),
        ("σ", "ς"),
        ("привет", "ПРИВЕТ"),
    ],
)
def test_equal(one: str, other: str) -> None:
    assert casemap(one) == casemap(other)


def test_it_is_no_full_case_folding() -> None:
    assert casemap("Straße") == "STRAßE"
    assert casemap("Straße") != casemap("STRASSE")


@given(st.text())
def test_it_is_decomposed_and_ascii_is_in_capitals(text: str) -> None:
    mapped = casemap(text)
    assert unicodedata.normalize("NFKD", mapped) == mapped
    if text.isascii():
        assert mapped == text.upper()
