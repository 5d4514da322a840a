"""Content-transfer-encodings undone piece by piece (RFC 2045 section 6)."""

from base64 import encodebytes
from binascii import b2a_qp
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.message import transfer_decoding
from mailhost.protocols.message.transfer_decoding import decoder_for

# What broken mail is made of, so that Hypothesis cuts inside of it.
PIECES = st.sampled_from(
    [b"=", b"=\r\n", b"=\n", b"=\r", b"==", b"=4", b"41", b" ", b"\t", b"\r\n", b"\n", b"a", b"\0"]
)
CUTS = st.lists(st.integers(0, 400), max_size=6)
ENCODINGS = st.sampled_from([b"base64", b"quoted-printable", b"8bit"])


def decode(encoding: bytes, octets: bytes, cuts: list[int] | None = None) -> bytes:
    decoder = decoder_for(encoding)
    assert decoder is not None
    places = [0, *sorted(cuts or []), len(octets)]
    pieces = [decoder.feed(octets[start:end]) for start, end in pairwise(places)]
    return b"".join([*pieces, decoder.end()])


@given(st.binary(max_size=400), CUTS)
def test_what_was_encoded_comes_back(octets: bytes, cuts: list[int]) -> None:
    assert decode(b"base64", encodebytes(octets), cuts) == octets
    encoded = b2a_qp(octets, istext=False)
    assert decode(b"Quoted-Printable", encoded, cuts) == octets
    assert decode(b"binary", octets, cuts) == octets


@pytest.mark.parametrize("long_line", [4, 65_536])
@given(encoding=ENCODINGS, pieces=st.lists(PIECES, max_size=60), cuts=CUTS)
def test_where_it_is_cut_makes_no_difference(
    long_line: int, encoding: bytes, pieces: list[bytes], cuts: list[int]
) -> None:
    octets = b"".join(pieces)
    whole = decode(encoding, octets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer_decoding, "_LONG_LINE", long_line)
        assert decode(encoding, octets, [cut for cut in cuts if cut <= len(octets)]) == whole


@pytest.mark.parametrize(
    ("encoding", "octets", "decoded"),
    [
        (b"base64", b"SGVsbG8", b"Hello"),
        (b"base64", b"SGV-s bG8=\r\n--\r\n", b"Hello"),
        (b"base64", b"SGVsbG8gdw", b"Hello w"),
        (b"base64", b"SGVsbG8gd", b"Hello "),
        (b"base64", b"=", b""),
        (b"quoted-printable", b"a=3Db  \r\nc=\r\nd=zz=", b"a=b\r\ncd=zz"),
        (b"quoted-printable", b"one=\rtwo \nthree", b"onetwo\nthree"),
        (b" BASE64 ", b"SGVsbG8=", b"Hello"),
        (b"", b"as it is\0", b"as it is\0"),
    ],
)
def test_broken_encodings_are_decoded_as_far_as_they_go(
    encoding: bytes, octets: bytes, decoded: bytes
) -> None:
    assert decode(encoding, octets) == decoded


def test_an_encoding_that_nobody_knows_has_no_decoder() -> None:
    assert decoder_for(b"x-uuencode") is None
