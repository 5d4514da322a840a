"""ORCPT as this host makes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.dsn_fields import decode_xtext
from mailhost.protocols.smtp.dsn_parameters import orcpt_of, parse_orcpt, utf8_characters


@pytest.mark.parametrize(
    ("address", "orcpt"),
    [
        ("team@here.test", "rfc822;team@here.test"),
        ("a+b=c@here.test", "rfc822;a+2Bb+3Dc@here.test"),
        ('"a b"@here.test', 'rfc822;"a+20b"@here.test'),
        ("jörg+x@here.test", "utf-8;j\\x{F6}rg\\x{2B}x@here.test"),
        ("a" * 600 + "@here.test", ""),  # RFC 3461 section 4.2: at most 500
    ],
)
def test_it_says_the_address_in_xtext(address: str, orcpt: str) -> None:
    assert orcpt_of(address) == orcpt


@given(
    st.text(
        st.characters(min_codepoint=0x20, exclude_characters="\x7f", exclude_categories=["Cs", "Cc"]),
        min_size=1,
        max_size=40,
    )
)
def test_it_is_understood_as_it_was_meant(address: str) -> None:
    orcpt = orcpt_of(address)
    assert parse_orcpt(orcpt) == orcpt
    kind, _, said = orcpt.partition(";")
    assert (utf8_characters(said) if kind == "utf-8" else decode_xtext(said)) == address
