"""What we sign, dkimpy verifies; what dkimpy signs, we verify; and of what is wrong it thinks the same."""

import base64
import re
import time
from datetime import UTC, datetime

import dkim
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import assume, given
from hypothesis import strategies as st

from mailhost.protocols.dkim import PrivateKey, Result, sign
from mailhost.protocols.lines import has_bare_ends
from mailhost.protocols.smtp.header import header_end, is_well_formed
from tests.protocols.dkim.zone import ED25519, MESSAGE, RECORDS, RSA, verified
from tests.support.examples import examples

NOW = datetime.fromtimestamp(int(time.time()), UTC)  # dkimpy takes its clock from nobody
PEM = RSA.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
SEED = base64.b64encode(ED25519.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))


def published(name: bytes, timeout: float = 5) -> bytes | None:
    records = RECORDS.get(name.decode().rstrip("."))
    return records[0] if records else None


def holds_for_dkimpy(octets: bytes, index: int = 0) -> bool:
    try:
        return bool(dkim.DKIM(octets).verify(index, dnsfunc=published))
    except dkim.DKIMException:
        return False


def signed_by_dkimpy(
    octets: bytes, *, key: PrivateKey = RSA, form: str = "relaxed/relaxed", **words: bool
) -> bytes:
    header, body = form.encode().split(b"/")
    signer = dkim.DKIM(octets)
    if key is RSA:
        field = signer.sign(b"rsa", b"example.org", PEM, canonicalize=(header, body), **words)
    else:
        field = signer.sign(
            b"ed", b"example.org", SEED, b"ed25519-sha256", canonicalize=(header, body), **words
        )
    return bytes(field) + octets


def signed_by_us(octets: bytes, key: PrivateKey = RSA) -> bytes:
    return (
        sign(octets, domain="example.org", selector="rsa" if key is RSA else "ed", key=key, now=NOW) + octets
    )


def results(octets: bytes) -> list[Result]:
    return [each.result for each in verified(octets, now=NOW)]


@pytest.mark.parametrize("form", ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"])
@pytest.mark.parametrize("key", [RSA, ED25519])
def test_what_dkimpy_signs_passes(form: str, key: PrivateKey) -> None:
    assert results(signed_by_dkimpy(MESSAGE, key=key, form=form)) == [Result.PASS]


def test_with_l_as_well() -> None:
    octets = signed_by_dkimpy(MESSAGE, length=True)
    assert results(octets + b"more\r\n") == [Result.PASS]
    assert holds_for_dkimpy(octets + b"more\r\n")


@pytest.mark.parametrize("key", [RSA, ED25519])
def test_what_we_sign_passes_with_dkimpy(key: PrivateKey) -> None:
    octets = signed_by_us(MESSAGE, key)
    assert holds_for_dkimpy(octets)
    assert not holds_for_dkimpy(octets.replace(b"shall", b"must"))
    assert not holds_for_dkimpy(b"Subject: another\r\n" + octets)


# No bare line ends: dkimpy makes CRLF of them. No VT and FF: see test_canonicalization.
VALUES = st.lists(st.sampled_from([b" ", b"\t", b"a", b"=", b":", b"\xc3\xa9", b"\r\n x", b";b=c"])).map(
    b"".join
)
FIELDS = st.lists(
    st.tuples(st.sampled_from([b"To", b"cc", b"SUBJECT", b"Sender", b"List-Id", b"X-Other"]), VALUES),
    max_size=6,
)
BODIES = st.lists(st.sampled_from([b" ", b"\t", b"a", b"\r\n", b"\xff", b"."])).map(
    lambda lines: b"".join(lines) + b"\r\n"
)
FORMS = st.sampled_from(["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"])


def composed(fields: list[tuple[bytes, bytes]], body: bytes) -> bytes:
    lines = b"".join(b"%b:%bz\r\n" % field for field in fields)
    return b"From: a@example.org\r\n" + lines + b"\r\n" + body


@examples(150)
@given(FIELDS, BODIES, FORMS, st.sampled_from([RSA, ED25519]))
def test_any_message_both_ways(
    fields: list[tuple[bytes, bytes]], body: bytes, form: str, key: PrivateKey
) -> None:
    octets = composed(fields, body)
    assert results(signed_by_dkimpy(octets, key=key, form=form)) == [Result.PASS]
    assert holds_for_dkimpy(signed_by_us(octets, key))


@examples(150)
@given(FIELDS, BODIES, FORMS, st.sampled_from([b"a", b" ", b"\r\n x", b"Z"]), st.integers(0, 10_000))
def test_any_change_is_judged_alike(
    fields: list[tuple[bytes, bytes]], body: bytes, form: str, new: bytes, place: int
) -> None:
    octets = signed_by_dkimpy(composed(fields, body), key=ED25519, form=form)
    end_of_field = octets.index(b"\r\nFrom:") + 2
    at = end_of_field + place % (len(octets) - end_of_field)
    changed = octets[:at] + new + octets[at:]
    header = changed[: header_end(changed)]
    # dkimpy reads no message with lines that are no fields, or with blanks before a colon.
    assume(not has_bare_ends(changed) and is_well_formed(header))
    assume(not re.search(rb"(?m)^[^ \t\r\n:]+[ \t]", header))
    assert (results(changed) == [Result.PASS]) is holds_for_dkimpy(changed)
