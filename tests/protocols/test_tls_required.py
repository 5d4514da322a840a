"""Who asks for delivery without regard for TLS (RFC 8689 section 3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.tls_required import says_no

OTHERS = b"Return-Path: <a@b.test>\r\nSubject: TLS-Required: No\r\n"


@pytest.mark.parametrize(
    "field",
    [
        b"TLS-Required: No",
        b"TLS-Required:No",
        b"tls-required: NO",
        b"TLS-Required:\r\n No",
        b"TLS-Required: \t no \t",
        b"TLS-Required : No",  # RFC 5322 section 4.5: as it was written once
    ],
)
def test_it_is_said(field: bytes) -> None:
    assert says_no(OTHERS + field + b"\r\nTo: x@y.test\r\n\r\nText\r\n")
    assert says_no(field + b"\r\n\r\n")
    assert says_no(OTHERS + field)


@pytest.mark.parametrize(
    "field",
    [
        b"TLS-Required: Yes",
        b"TLS-Required:",
        b"TLS-Required: No, really",
        b"TLS-Required: No\r\n really",
        b"X-TLS-Required: No",
        b"TLS-Required-By: No",
        b"TLS-Required: No\r\nTLS-Required: No",
        b"TLS-Required: No\r\ntls-required: Yes",
        b"Comments: x\r\n TLS-Required: No",
        b"Comments: x\r\n\r\nTLS-Required: No",
    ],
)
def test_it_is_not(field: bytes) -> None:
    assert not says_no(OTHERS + field + b"\r\nTo: x@y.test\r\n\r\nTLS-Required: No\r\n")


@given(st.binary(max_size=300))
def test_any_octets_are_read(octets: bytes) -> None:
    said = says_no(b"TLS-Required: No\r\n" + octets.replace(b"\n", b"") + b"\r\n\r\n")
    assert said or octets[:1] in (b" ", b"\t") or b"tls-required" in octets.lower()
    assert isinstance(says_no(octets), bool)
