"""Adding a set (RFC 8617 section 5.1)."""

import re
from dataclasses import replace

import pytest

from mailhost.protocols.arc import ChainStatus, seal
from mailhost.protocols.dkim import CannotBeSigned, sign
from mailhost.protocols.lines import to_crlf
from tests.protocols.arc.chains import HOPS, MESSAGE, NONE, passed_on, sealed, validated
from tests.protocols.dkim.zone import ED25519, NOW, RSA, verified


def cv(octets: bytes) -> bytes:
    """What the topmost seal says."""
    found = re.search(rb"cv=(\w+)", octets)
    assert found
    return found[1]


def test_three_fields_in_their_order_with_one_number() -> None:
    fields = sealed(MESSAGE, 1)[: -len(MESSAGE)]
    assert re.findall(rb"(?m)^([\w-]+): i=(\d+);", fields) == [
        (b"ARC-Seal", b"1"),
        (b"ARC-Message-Signature", b"1"),
        (b"ARC-Authentication-Results", b"1"),
    ]
    assert fields.endswith(b"i=1; hop1.example; spf=pass smtp.mailfrom=a@example.org\r\n")
    assert max(map(len, fields.split(b"\r\n")[:-2])) <= 78
    assert cv(fields) == b"none"


def test_the_next_says_pass() -> None:
    assert cv(passed_on(2)) == b"pass"


def test_with_rsa_as_well() -> None:
    results = "mx.example.org; none"
    octets = passed_on(1)
    fields = seal(
        octets, chain=validated(octets), authentication_results=results, domain="example.org", selector="rsa",
        key=RSA, now=NOW,
    )  # fmt: skip
    assert validated(fields + octets).status is ChainStatus.PASS


def test_signatures_of_dkim_are_covered() -> None:
    signed = sign(MESSAGE, domain="example.org", selector="ed", key=ED25519, now=NOW) + MESSAGE
    octets = sealed(signed, 1)
    assert b"DKIM-Signature;" in octets
    assert validated(octets).status is ChainStatus.PASS
    assert (
        validated(octets.replace(b"DKIM-Signature: v=1;", b"DKIM-Signature: v=1; n=x;")).status
        is ChainStatus.FAIL
    )
    assert [each.result for each in verified(octets, HOPS)] == ["pass"]


def test_a_chain_that_was_broken_is_sealed_as_failed_and_ends() -> None:
    octets = passed_on(2) + b"more"
    octets = sealed(octets, 3)
    assert cv(octets) == b"fail"
    assert b"ARC-Seal: i=3;" in octets
    chain = validated(octets)
    assert (chain.status, chain.has_ended) == (ChainStatus.FAIL, True)
    assert sealed(octets, 4, chain=chain) == octets


def test_a_chain_that_had_lost_a_field_is_sealed_as_failed_and_ends() -> None:
    octets = sealed(passed_on(3).replace(b"ARC-Seal: i=2;", b"X-Seal: i=2;"), 4)
    assert cv(octets) == b"fail"
    chain = validated(octets)
    assert (chain.status, chain.has_ended) == (ChainStatus.FAIL, True)


def test_a_chain_that_came_whole_and_goes_in_pieces_has_failed_here() -> None:
    octets = passed_on(2)
    chain = validated(octets)
    pieces = octets.replace(b"ARC-Seal: i=1;", b"X-Seal: i=1;")
    assert cv(sealed(pieces, 3, chain=chain)) == b"fail"


def test_a_number_that_no_chain_has_is_still_not_used_twice() -> None:
    octets = b"ARC-Seal: i=7; nonsense=x\r\n" + MESSAGE
    assert b"ARC-Seal: i=8;" in sealed(octets, 8)


def test_nothing_is_added_while_dns_has_no_answer() -> None:
    octets = passed_on(1)
    chain = replace(validated(octets), status=ChainStatus.FAIL, is_temporary=True)
    assert sealed(octets, 2, chain=chain) == octets


def test_the_chain_of_another_message_is_refused() -> None:
    with pytest.raises(ValueError, match="another message"):
        sealed(passed_on(1), 2, chain=NONE)
    with pytest.raises(ValueError, match="another message"):
        sealed(MESSAGE, 2, chain=validated(passed_on(1)))


@pytest.mark.parametrize(
    "text", ["", " ", "mx; none\r\nFrom: m@example.net", "mx; none\n\nbody", "mx;\r\n \r\n none", "mx; \0"]
)
def test_results_that_are_not_one_field_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="one field"):
        seal(
            MESSAGE, chain=NONE, authentication_results=text, domain="a.example", selector="s", key=ED25519, now=NOW
        )  # fmt: skip


def test_folded_results_and_bare_line_ends_go_out_as_crlf() -> None:
    octets = MESSAGE.replace(b"\r\n", b"\n")
    out = to_crlf(sealed(octets, 1, results="hop1.example;\n spf=none;\n\tdkim=none\n"))
    assert b"i=1; hop1.example;\r\n spf=none;\r\n\tdkim=none\r\nFrom" in out
    assert validated(out).status is ChainStatus.PASS


def test_no_from_no_seal() -> None:
    with pytest.raises(CannotBeSigned):
        sealed(b"To: a\r\n\r\n", 1)
