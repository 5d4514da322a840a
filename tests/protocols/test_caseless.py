"""Caseless comparison: i;unicode-casemap (RFC 5051); what searching takes as equal is that, and a little more."""

import sys
import unicodedata
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.caseless import casemap, fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Straße", "STRASSE"),
        ("ÉTÉ", "e\u0301te\u0301"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("ﬁle", "FILE"),
        ("ＦＵＬＬ", "full"),
        ("a\u00a0b", "A B"),
        ("ıstanbul", "ISTANBUL"),
        ("한국", "한국"),
    ],
)
def test_equal(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("e", "é"), ("и", "й"), ("o", "ø"), ("0", "o")])
def test_different(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_what_rfc_5051_takes_as_equal_is_equal() -> None:
    """Section 2: titlecase where it is one character, then compatibility decomposition."""
    equal: dict[str, set[str]] = defaultdict(set)
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if not 0xD800 <= code <= 0xDFFF:
            title = character.title()
            equal[unicodedata.normalize("NFKD", title if len(title) == 1 else character)].add(fold(character))
    assert [folded for folded in equal.values() if len(folded) > 1] == []


def test_folding_again_changes_nothing_and_loses_nothing() -> None:
    every = [chr(code) for code in range(1, sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
    assert [one for one in every if fold(fold(one)) != fold(one) or not fold(one) or "\0" in fold(one)] == []


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
def test_equal_by_casemap(one: str, other: str) -> None:
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
