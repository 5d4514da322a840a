"""Simple and relaxed: the examples of RFC 6376 section 3.4, against dkimpy, and in linear time."""

import re

import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import example, given
from hypothesis import strategies as st

from mailhost.protocols.dkim.canonicalization import (
    PIECE_OCTETS,
    Canonicalization,
    body_in_form,
    field_in_form,
)
from mailhost.protocols.dkim.message import mentions_signatures, read_signed_message
from mailhost.protocols.message.scanner import scan
from tests.support.examples import examples

SIMPLE, RELAXED = Canonicalization.SIMPLE, Canonicalization.RELAXED
EXAMPLE = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n"  # section 3.4.5


def body(form: Canonicalization, octets: bytes) -> bytes:
    return b"".join(body_in_form(form, octets, 0))


def header(form: Canonicalization, octets: bytes) -> bytes:
    return b"".join(field_in_form(form, *field) for field in read_signed_message(octets).fields)


def whole(form: Canonicalization, octets: bytes) -> tuple[bytes, bytes]:
    message = read_signed_message(octets)
    return header(form, octets), b"".join(body_in_form(form, octets, message.body_start))


def test_the_examples_of_the_rfc() -> None:
    assert whole(RELAXED, EXAMPLE) == (b"a:X\r\nb:Y Z\r\n", b" C\r\nD E\r\n")
    assert whole(SIMPLE, EXAMPLE) == (b"A: X\r\nB : Y\t\r\n\tZ  \r\n", b" C \r\nD \t E\r\n")


@pytest.mark.parametrize(
    ("octets", "simple", "relaxed"),
    [
        (b"", b"\r\n", b""),
        (b"\r\n", b"\r\n", b""),
        (b"\r\n\r\n", b"\r\n", b""),
        (b" \r\n\t\r\n", b" \r\n\t\r\n", b""),
        (b"a", b"a\r\n", b"a\r\n"),
        (b"a \t", b"a \t\r\n", b"a\r\n"),
        (b"a\r\n \r\n\r\n", b"a\r\n \r\n", b"a\r\n"),
        (b"a\n\n", b"a\n\n\r\n", b"a\n\n\r\n"),
        (b"a\r\r\n\r\n", b"a\r\r\n", b"a\r\r\n"),
        (b"a\n\r\n", b"a\n\r\n", b"a\n\r\n"),
        (b"a\r\n\r", b"a\r\n\r\r\n", b"a\r\n\r\r\n"),
        (b"\n\r\n\r\n", b"\n\r\n", b"\n\r\n"),
        (b"a \n b \r c", b"a \n b \r c\r\n", b"a \n b \r c\r\n"),
        (b"  a\t\tb  \r\n\r\n  c", b"  a\t\tb  \r\n\r\n  c\r\n", b" a b\r\n\r\n c\r\n"),
    ],
)
def test_bodies(octets: bytes, simple: bytes, relaxed: bytes) -> None:
    assert body(SIMPLE, octets) == simple
    assert body(RELAXED, octets) == relaxed


@pytest.mark.parametrize(
    ("octets", "relaxed"),
    [
        (b"SUBJect:  a\tb \t\r\n", b"subject:a b\r\n"),
        (b"Subject \t: a\r\n  b\r\n\tc\r\n", b"subject:a b c\r\n"),
        (b"Subject:\r\n a\r\n \t\r\n", b"subject:a\r\n"),
        (b"Subject:\r\n", b"subject:\r\n"),
        (b"Subject: a:b", b"subject:a:b\r\n"),
        (b"Subject: a\n b\r c\n", b"subject:a b c\r\n"),
        (b"Subject: \xc3\xa9\xff\0\x0b\r\n", b"subject:\xc3\xa9\xff\0\x0b\r\n"),
        (b"Subject: a\r\n b\r\nno field\r\n more\r\n: c\r\nTo: d", b"subject:a b\r\nto:d\r\n"),
    ],
)
def test_fields(octets: bytes, relaxed: bytes) -> None:
    assert header(RELAXED, octets) == relaxed


# What readers call white space and DKIM does not (VT, FF) is out: dkimpy strips it from fields.
LINE = st.lists(
    st.sampled_from([b" ", b"  ", b"\t", b"a", b"B", b".", b":", b"\xc3", b"\xa9", b"\r", b"\n", b"\0"])
)
OF_FIELDS = st.lists(
    st.sampled_from([b" ", b"  ", b"\t", b"a", b"B", b":", b";", b"\xc3\xa9", b"\r\n ", b"\r\n\t"])
)
BODY = st.lists(LINE.map(b"".join), max_size=5).map(b"\r\n".join)


@examples(600)
@given(BODY)
@example(b"\r\n\r\n\n\r\n")
def test_bodies_are_as_dkimpy_has_them(octets: bytes) -> None:
    assert body(SIMPLE, octets) == Simple.canonicalize_body(octets)
    octets = octets.rstrip(
        b" \t"
    )  # blanks of a last line without an end stay with dkimpy, against section 3.4.4
    assert body(RELAXED, octets) == Relaxed.canonicalize_body(octets)


@examples(400)
@given(st.sampled_from([b"Subject", b"X-y", b"TO"]), OF_FIELDS.map(b"".join))
def test_fields_are_as_dkimpy_has_them(name: bytes, value: bytes) -> None:
    value += b"\r\n"
    ((its_name, its_value),) = Relaxed.canonicalize_headers([(name, value)])
    assert field_in_form(RELAXED, name.lower(), name + b":" + value, value) == its_name + b":" + its_value
    assert field_in_form(SIMPLE, name.lower(), name + b":" + value, value) == name + b":" + value


@pytest.mark.parametrize(
    "unit", [b" ", b"\t ", b"\r\n", b"\r", b"\n", b" \r\n", b"\n\r", b"a", b"a ", b"a \r\n", b"\r\n a"]
)
@pytest.mark.parametrize("end", [b"", b"\r\n", b" \r\n", b"a", b"\r\r\n"])
def test_large_bodies_are_as_small_ones(unit: bytes, end: bytes) -> None:
    # Ten pieces and a bit; what takes quadratic time would not come to an end.
    octets = unit * (10 * PIECE_OCTETS // len(unit) + 7) + end
    text = re.sub(rb"[ \t]+", b" ", octets).replace(b" \r\n", b"\r\n").removesuffix(b" ")
    assert body(RELAXED, octets) == without_last_ends(text)
    assert body(SIMPLE, octets) == (without_last_ends(octets) or b"\r\n")


def without_last_ends(octets: bytes) -> bytes:
    """Slow and plain."""
    count = 0
    while octets.endswith(b"\r\n", 0, len(octets) - 2 * count):
        count += 1
    text = octets[: len(octets) - 2 * count]
    return text and text + b"\r\n"


PIECES = st.sampled_from(
    [b"\r\n", b"\n", b"\r", b" ", b"\t", b"a", b"A: b", b"From ", b":", b">", b"\0", b"\xff"]
)


@examples(400)
@given(st.lists(PIECES, max_size=30).map(b"".join))
def test_header_and_body_part_where_readers_part_them(octets: bytes) -> None:
    assert read_signed_message(octets).body_start == scan(octets).body_start


@examples(400)
@given(
    st.lists(st.one_of(PIECES, st.sampled_from([b"DKIM-Signature", b"ARC-Seal"])), max_size=20).map(b"".join)
)
def test_no_signature_is_overlooked_by_a_quick_look(octets: bytes) -> None:
    names = {field.name for field in read_signed_message(octets).fields}
    assert mentions_signatures(octets) or not any(
        name == b"dkim-signature" or name.startswith(b"arc-") for name in names
    )
