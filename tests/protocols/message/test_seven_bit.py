"""What has 8-bit octets says the same in 7 bits, or is not converted at all (RFC 6152 section 3)."""

import email
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.message.seven_bit import to_seven_bit
from mailhost.protocols.message.without_binary import CannotConvert
from tests.protocols.message.test_without_binary import leaves

HEADER = b"From: a@b.test\r\nMIME-Version: 1.0\r\n"
GRUESSE = "Viele Grüße aus Köln.\r\nJörg \r\n".encode()


def text(octets: bytes, *, charset: bytes = b"utf-8", encoding: bytes = b"8bit") -> bytes:
    return (
        b"Content-Type: text/plain; charset=%b\r\nContent-Transfer-Encoding: %b\r\n\r\n" % (charset, encoding)
        + octets
    )


def multipart(*parts: bytes, subtype: bytes = b"mixed") -> bytes:
    head = b"Content-Type: multipart/%b; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" % subtype
    return head + b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"


def test_text_becomes_quoted_printable() -> None:
    converted = to_seven_bit(HEADER + text(GRUESSE))
    assert converted.isascii()
    assert b"Content-Transfer-Encoding: quoted-printable\r\n\r\nViele Gr=C3=BC=C3=9Fe aus" in converted
    assert leaves(converted) == [GRUESSE]


def test_text_in_another_script_and_other_octets_become_base64() -> None:
    text_of_all = "Всем привет\r\n".encode()
    picture = b"Content-Type: image/x\r\n\r\n\x89\x90 12"
    converted = to_seven_bit(HEADER + multipart(text(text_of_all), picture))
    assert converted.isascii()
    assert leaves(converted) == [text_of_all, b"\x89\x90 12"]
    message = email.message_from_bytes(converted)
    assert message["Content-Transfer-Encoding"] == "7bit"


def test_what_is_ascii_stays_octet_for_octet() -> None:
    plain = HEADER + text(b"hello\r\n")
    assert to_seven_bit(plain) is plain
    attached = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD"
    converted = to_seven_bit(HEADER + multipart(text(GRUESSE), attached))
    assert b"--b\r\n" + attached + b"\r\n--b--\r\n" in converted


def test_a_message_in_a_message_is_converted_inside() -> None:
    inner = (
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + HEADER + text(GRUESSE)
    )
    converted = to_seven_bit(HEADER + multipart(inner))
    assert converted.isascii()
    assert leaves(converted) == [GRUESSE]


def test_a_subject_in_raw_utf_8_becomes_encoded_words() -> None:
    converted = to_seven_bit("Subject: Grüße\r\nFrom: a@b.test\r\n\r\nhallo\r\n".encode())
    assert converted.isascii()
    assert email.message_from_bytes(converted, policy=email.policy.default)["Subject"] == "Grüße"


def test_a_message_without_mime_becomes_one_of_it() -> None:
    converted = to_seven_bit(b"From: a@b.test\r\n\r\n" + GRUESSE)
    assert converted.startswith(b"MIME-Version: 1.0\r\n")
    assert leaves(converted) == [GRUESSE]


SIGNATURE = b"Content-Type: application/pgp-signature\r\n\r\nabc"


@pytest.mark.parametrize(
    "octets",
    [
        HEADER + multipart(text(GRUESSE), SIGNATURE, subtype=b"signed"),
        HEADER + multipart(multipart(text(GRUESSE), SIGNATURE, subtype=b"signed").replace(b"b\r", b"c\r")),
        HEADER + multipart(text(GRUESSE), subtype=b"encrypted"),
        HEADER + text(GRUESSE, encoding=b"x-uuencode"),
        HEADER + b"Content-Type: message/partial; id=x; number=1\r\n\r\n" + GRUESSE,
        HEADER + b"Content-Type: multipart/mixed\r\n\r\n" + GRUESSE,  # no boundary: a container all the same
        "From: jörg@b.test\r\n\r\nhallo\r\n".encode(),  # nobody could answer to what it would become
        b"Subject: Gr\xfc\xdfe\r\n\r\nhallo\r\n",  # of no charset that is told
    ],
)
def test_what_must_not_be_encoded_is_not(octets: bytes) -> None:
    with pytest.raises(CannotConvert):
        to_seven_bit(octets)


def test_a_signed_part_in_ascii_stays_as_it_is_beside_one_that_is_converted() -> None:
    signed = (
        b"Content-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n"
        + text(b"Gr=C3=BC=C3=9Fe", encoding=b"quoted-printable")
        + b"\r\n--c\r\n"
        + SIGNATURE
        + b"\r\n--c--\r\n"
    )
    converted = to_seven_bit(HEADER + multipart(text(GRUESSE), signed))
    assert converted.isascii()
    assert signed in converted


def test_octets_that_an_encoding_does_not_have_are_seen_to() -> None:
    assert leaves(to_seven_bit(HEADER + text("Gr=C3=BCße".encode(), encoding=b"quoted-printable"))) == [
        "Grüße".encode()
    ]
    assert leaves(to_seven_bit(HEADER + text(b"QU\xa0JD", encoding=b"base64"))) == [b"ABC"]


@given(st.lists(st.text(alphabet="aü =\t.я", max_size=200), max_size=8))
def test_any_lines_say_the_same_afterwards(lines: list[str]) -> None:
    body = "\r\n".join(lines).encode()
    converted = to_seven_bit(HEADER + text(body))
    assert converted.isascii()
    if not body.isascii():
        assert max(len(line) for line in converted.split(b"\r\n")) <= 80
    assert leaves(converted) == [body]


@given(st.binary(max_size=300))
def test_any_octets_end_in_ascii_or_in_a_refusal(octets: bytes) -> None:
    try:
        assert to_seven_bit(octets).isascii()
    except CannotConvert:
        pass
