"""Signing (RFC 6376 section 5): what is signed verifies, as long as nothing changes that matters."""

import re
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from hypothesis import assume, given
from hypothesis import strategies as st

from mailhost.protocols.dkim import CannotBeSigned, PrivateKey, Result, sign
from mailhost.protocols.dkim.message import read_signed_message
from mailhost.protocols.dkim.signatures import parse_signature
from mailhost.protocols.lines import to_crlf
from tests.protocols.dkim.zone import ED25519, MESSAGE, NOW, RSA, outcome, verified
from tests.support.examples import examples

KEYS: list[tuple[PrivateKey, str]] = [(RSA, "rsa"), (ED25519, "ed")]
PASSED = (Result.PASS, "Header and body are as they were signed.")


def signature(octets: bytes, *, key: PrivateKey = RSA, expires_after: timedelta | None = None) -> bytes:
    selector = "rsa" if key is RSA else "ed"
    return sign(
        octets, domain="example.org", selector=selector, key=key, now=NOW, expires_after=expires_after
    )


@pytest.mark.parametrize(("key", "selector"), KEYS)
def test_what_is_signed_verifies(key: PrivateKey, selector: str) -> None:
    (verification,) = verified(signature(MESSAGE, key=key) + MESSAGE)
    assert verification.result is Result.PASS
    assert (verification.domain, verification.selector) == ("example.org", selector)
    assert verification.identity == "@example.org"
    assert verification.covers_whole_body


def test_the_field_is_folded_in_short_lines() -> None:
    field = signature(b"To: a\r\n" * 20 + MESSAGE)
    assert field.startswith(
        b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=rsa;\r\n\t"
    )
    assert field.endswith(b"\r\n")
    lines = field.removesuffix(b"\r\n").split(b"\r\n")
    assert max(map(len, lines)) <= 78
    assert all(line.startswith(b"\t") for line in lines[1:])


def test_what_could_be_added_is_signed_once_more_than_it_is_there() -> None:
    message = read_signed_message(signature(b"List-Id: <a>\r\nCc: x\r\nCc: y\r\n" + MESSAGE))
    names = parse_signature(message.fields[0]).names
    counts = {name: names.count(name) for name in names}
    assert counts == {
        b"from": 2, b"to": 2, b"cc": 3, b"subject": 2, b"date": 2, b"message-id": 2, b"reply-to": 1,
        b"in-reply-to": 1, b"references": 1, b"mime-version": 1, b"content-type": 1,
        b"content-transfer-encoding": 1, b"list-id": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "field", [b"From: m@example.net", b"Reply-To: m@example.net", b"Content-Type: text/html", b"cc:"]
)
def test_so_nothing_of_it_can_be_added(field: bytes) -> None:
    assert outcome(field + b"\r\n" + signature(MESSAGE) + MESSAGE)[0] is Result.FAIL


@pytest.mark.parametrize("field", [b"Received: by x", b"Sender: l@example.net", b"List-Id: <a>", b"X: y"])
def test_what_hosts_on_the_way_add_does_no_harm(field: bytes) -> None:
    assert outcome(field + b"\r\n" + signature(MESSAGE) + MESSAGE) == PASSED


def test_times() -> None:
    message = read_signed_message(signature(MESSAGE, expires_after=timedelta(days=7)))
    parsed = parse_signature(message.fields[0])
    assert parsed.signed_at == int(NOW.timestamp())
    assert parsed.expires_at == int(NOW.timestamp()) + 7 * 86_400
    octets = signature(MESSAGE, expires_after=timedelta(days=7)) + MESSAGE
    assert outcome(octets, now=NOW + timedelta(days=6)) == PASSED
    assert outcome(octets, now=NOW + timedelta(days=8))[0] is Result.PERMERROR


def test_bare_line_ends_are_signed_as_they_go_out() -> None:
    octets = MESSAGE.replace(b"\r\n", b"\n") + b"one\rtwo\r\n"
    assert outcome(to_crlf(signature(octets) + octets)) == PASSED


def test_not_without_from() -> None:
    with pytest.raises(CannotBeSigned, match="no From"):
        signature(b"To: a\r\n\r\n")


def test_not_with_a_header_that_nobody_would_check() -> None:
    with pytest.raises(CannotBeSigned, match="too large"):
        signature(b"X: y\r\n" * 10_001 + MESSAGE)


def test_not_with_a_key_that_nobody_would_rely_on() -> None:
    class Short:
        key_size = 1023

    with pytest.raises(CannotBeSigned, match="1023 bits"):
        signature(MESSAGE, key=Short())  # type: ignore[arg-type]
    assert signature(MESSAGE, key=generate_private_key(65537, 1024))  # noqa: S505


NAME = st.sampled_from(["From", "To", "Cc", "Subject", "List-Id", "X-Other", "Received", "Content-Type"])
VALUE = st.lists(
    st.sampled_from([b" ", b"\t", b"a", b"=", b":", b"\xc3\xa9", b"\r\n x", b";b=c", b"\n y"])
).map(b"".join)
FIELDS = st.lists(st.tuples(NAME, VALUE), max_size=8)
BODIES = st.lists(st.sampled_from([b" ", b"\t", b"a", b"\r\n", b"\n", b"\r", b"\xff", b".", b"\0"])).map(
    b"".join
)


def composed(fields: list[tuple[str, bytes]], body: bytes) -> bytes:
    lines = [b"%b:%bz\r\n" % (name.encode(), value) for name, value in fields]
    return to_crlf(b"".join([b"From: a@example.org\r\n", *lines, b"\r\n", body]))


def neutrally_changed(octets: bytes) -> bytes:
    """As gateways do it: names in capitals, lines folded otherwise, blanks more or less, lines at the end."""
    end = octets.index(b"\r\n\r\n")
    header, body = octets[: end + 2], octets[end + 4 :]
    header = re.sub(rb"\r\n[ \t]+", b" ", header)
    header = re.sub(rb"(?m)^([^:]+):[ \t]*", lambda found: found[1].upper() + b" :\r\n\t", header)
    header = re.sub(rb"(?<=[a-z]) +(?=[a-z])", b" \t ", header)
    body = re.sub(rb"[ \t]+", b" \t", body).replace(b"\r\n", b" \r\n")
    return header + b"\r\n" + body + b"\r\n \r\n\t\r\n"


@examples(150)
@given(FIELDS, BODIES, st.sampled_from(KEYS))
def test_changes_that_canonicalization_takes_back_do_no_harm(
    fields: list[tuple[str, bytes]], body: bytes, key: tuple[PrivateKey, str]
) -> None:
    octets = composed(fields, body)
    whole = signature(octets, key=key[0]) + octets
    assert outcome(whole) == PASSED
    assert outcome(neutrally_changed(whole)) == PASSED


@examples(200)
@given(FIELDS, BODIES, st.data())
def test_any_other_change_is_noticed(
    fields: list[tuple[str, bytes]], body: bytes, data: st.DataObject
) -> None:
    octets = composed([field for field in fields if field[0] not in {"X-Other", "Received"}], body)
    field = signature(octets, key=ED25519)
    whole = field + octets
    at = data.draw(st.integers(len(b"DKIM-Signature: "), len(whole) - 1))
    new = data.draw(st.sampled_from([b"q", b"7", b"", b"qq"]))
    old = whole[at : at + 1]
    # Blanks and line ends come and go: the test before. Of the last base64 digit some bits mean nothing.
    assume(at != len(field) - len(b"x==\r\n"))
    assume(not old.isspace() and old != new)
    assume(not re.search(rb"\s$", whole[:at]) or new.strip())
    assert PASSED not in [(each.result, each.reason) for each in verified(whole[:at] + new + whole[at + 1 :])]
