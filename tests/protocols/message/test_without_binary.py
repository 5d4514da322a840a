"""Binary messages become lines, and say the same octets as before (RFC 3030 section 3)."""

import email
import email.policy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.message.without_binary import CannotConvert, has_binary, without_binary

PICTURE = b"\x89PNG\r\n\x1a\n\0\0\r\n.\r\n--not it\r\n" + bytes(range(256)) * 5
HEADER = b"From: a@b.test\r\nMIME-Version: 1.0\r\n"


def parts(octets: bytes) -> list[Any]:
    """The parts of the outermost multipart."""
    payload: Any = email.message_from_bytes(octets, policy=email.policy.compat32).get_payload()
    return list(payload)


def leaves(octets: bytes) -> list[bytes]:
    """The decoded octets of every part that has no others in it."""
    message = email.message_from_bytes(octets, policy=email.policy.compat32)
    return [
        part.get_payload(decode=True)  # type: ignore[misc]
        for part in message.walk()
        if not part.is_multipart()
    ]


def multipart(*parts: bytes) -> bytes:
    head = HEADER + b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    return head + b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"


def picture(octets: bytes = PICTURE) -> bytes:
    return b"Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n" + octets


def test_a_binary_part_becomes_base64_and_the_others_stay() -> None:
    text = b"Content-Type: text/plain\r\n\r\nHello"
    converted = without_binary(multipart(text, picture()))
    assert not has_binary(converted)
    assert converted.isascii()
    assert leaves(converted) == [b"Hello", PICTURE]
    assert b"--b\r\n" + text + b"\r\n--b\r\n" in converted
    message = email.message_from_bytes(converted)
    assert message["Content-Transfer-Encoding"] == "7bit"
    assert [part["Content-Transfer-Encoding"] for part in parts(converted)] == [None, "base64"]


def test_a_message_in_a_message_is_converted_inside() -> None:
    inner = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: binary\r\n\r\n" + HEADER + picture()
    converted = without_binary(multipart(inner))
    assert not has_binary(converted)
    [part] = parts(converted)
    assert part["Content-Transfer-Encoding"] == "7bit"
    assert leaves(converted) == [PICTURE]


def test_a_message_that_is_one_binary_part() -> None:
    converted = without_binary(b"From: a@b.test\r\n" + picture())
    assert not has_binary(converted)
    assert converted.startswith(b"MIME-Version: 1.0\r\n")
    assert leaves(converted) == [PICTURE]


def test_text_that_is_called_binary_is_called_what_it_is() -> None:
    eight_bit = "Grüße\r\n".encode()
    converted = without_binary(HEADER + b"Content-Transfer-Encoding: Binary\r\n\r\n" + eight_bit)
    assert converted == HEADER + b"Content-Transfer-Encoding: 8bit\r\n\r\n" + eight_bit


def test_binary_octets_that_nobody_announced() -> None:
    converted = without_binary(multipart(b"\r\nbare\nline"))
    assert not has_binary(converted)
    assert leaves(converted) == [b"bare\nline"]


@pytest.mark.parametrize(
    "kind", [b"multipart/mixed", b"message/partial; id=x", b"Multipart/related; start=x"]
)
def test_a_container_that_cannot_be_divided_cannot_be_converted(kind: bytes) -> None:
    with pytest.raises(CannotConvert):
        without_binary(HEADER + b"Content-Type: " + kind + b"\r\n\r\nbare\nline")


@given(st.lists(st.binary(max_size=1_200), min_size=1, max_size=4))
def test_any_octets_in_parts_come_back(bodies: list[bytes]) -> None:
    bodies = [body.replace(b"--b", b"") for body in bodies]
    converted = without_binary(multipart(*(picture(body) for body in bodies)))
    assert not has_binary(converted)
    assert leaves(converted) == bodies


@given(st.binary(max_size=300))
def test_any_octets_at_all_become_lines(octets: bytes) -> None:
    converted = without_binary(HEADER + octets)
    assert converted.count(b"\r") == converted.count(b"\n") == converted.count(b"\r\n")
