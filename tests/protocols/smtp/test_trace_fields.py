"""The Received field as this host writes it, and reads it again."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.smtp.trace_fields import Client, Hop, client_of, received_field

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOP = Hop(helo="mx.far.test", peer="192.0.2.7", host="mx.example.test", trace_id="t1")
REST = b"From: a@b.test\r\nReceived: from evil.test ([192.0.2.66])\r\n\tby mx.example.test with SMTP id x;\r\n\r\n"


def read(hop: Hop, *, before: bytes = b"", host: str = "mx.example.test") -> Client | None:
    return client_of(before + received_field(hop, now=NOON) + REST, host=host)


def test_who_brought_a_message_is_read_from_the_field_that_was_added() -> None:
    assert read(HOP) == Client("mx.far.test", "192.0.2.7")
    assert read(HOP, before=b"Return-Path: <a@b.test>\r\nDelivered-To: x@y.test\r\n") == Client(
        "mx.far.test", "192.0.2.7"
    )
    assert read(replace(HOP, peer="2001:db8::7", tls="TLSv1.3", cipher="AES")) == Client(
        "mx.far.test", "2001:db8::7"
    )
    assert read(replace(HOP, helo="[192.0.2.7]", is_extended=False)) == Client("[192.0.2.7]", "192.0.2.7")


def test_what_called_itself_something_that_is_no_name_has_an_address_alone() -> None:
    assert read(replace(HOP, helo="a (b")) == Client("", "192.0.2.7")


@pytest.mark.parametrize("is_smtputf8", [False, True])
@pytest.mark.parametrize("tls", ["", "TLSv1.3"])
def test_where_somebody_submitted_from_is_not_told(tls: str, is_smtputf8: bool) -> None:
    assert read(replace(HOP, is_authenticated=True, tls=tls, is_smtputf8=is_smtputf8)) is None


def test_what_others_wrote_is_not_taken_for_ours() -> None:
    assert read(HOP, host="other.test") is None
    assert client_of(b"Subject: x\r\n\r\n" + received_field(HOP, now=NOON), host="mx.example.test") is None


@given(st.binary(max_size=300), st.text(max_size=30))
def test_any_octets_are_read(octets: bytes, helo: str) -> None:
    assert client_of(b"Received:" + octets, host="mx.example.test") is None
    found = read(replace(HOP, helo=helo))
    assert found is not None
    assert found.peer == "192.0.2.7"
