"""What a chain of seals is worth (RFC 8617 section 5.2)."""

import re
from datetime import timedelta

import pytest

from mailhost.protocols.arc import ChainStatus, Sealer, verify
from tests.protocols.arc.chains import HOP_NAMES, HOPS, MESSAGE, passed_on, sealed, validated
from tests.protocols.dkim.zone import ED25519, NOW, RSA, Records, Zone, published, run


def failure(octets: bytes, records: Records = HOPS) -> str:
    """Why it failed."""
    chain = validated(octets, records)
    assert chain.status is ChainStatus.FAIL
    return chain.reason


def test_a_message_without_sets_has_no_chain() -> None:
    chain = validated(MESSAGE)
    assert (chain.status, chain.reason) == (ChainStatus.NONE, "The message has no ARC sets.")
    assert not chain.sealers


@pytest.mark.parametrize("count", [1, 2, 5, 50])
def test_a_chain_of_seals_passes(count: int) -> None:
    chain = validated(passed_on(count))
    assert (chain.status, chain.reason) == (ChainStatus.PASS, "Every seal holds.")
    assert [each.domain for each in chain.sealers] == [
        f"hop{number}.example" for number in range(count, 0, -1)
    ]
    assert not chain.has_ended


def test_it_tells_who_sealed_and_what_they_found() -> None:
    octets = sealed(
        MESSAGE, 1, results="hop1.example;\r\n\tspf=pass smtp.mailfrom=a@b.example;\r\n dkim=none"
    )
    octets = sealed(octets, 2)
    assert validated(octets).sealers == (
        Sealer(2, "hop2.example", "s2", b"hop2.example; spf=pass smtp.mailfrom=a@example.org"),
        Sealer(1, "hop1.example", "s1", b"hop1.example;\tspf=pass smtp.mailfrom=a@b.example; dkim=none"),
    )


def test_a_list_may_change_what_was_sealed_before_it() -> None:
    octets = passed_on(
        3, change=lambda octets: octets.replace(b"Subject: ", b"Subject: [list] ") + b"-- \r\nThe list\r\n"
    )
    assert validated(octets).status is ChainStatus.PASS


def test_the_newest_message_signature_must_hold() -> None:
    octets = passed_on(2)
    changed = "ARC-Message-Signature with i=2: "
    assert failure(octets + b"more") == changed + "The body is not what was signed."
    assert (
        failure(octets.replace(b"Dinner", b"Lunch")) == changed + "The header fields are not what was signed."
    )
    assert failure(b"From: m@example.net\r\n" + octets) == (
        changed + "The header fields are not what was signed."
    )


def test_every_seal_must_hold() -> None:
    octets = passed_on(3)
    assert failure(octets.replace(b"i=1; hop1.example; spf=pass", b"i=1; hop1.example; spf=fail")) == (
        "ARC-Seal with i=3: The sets are not what was sealed."
    )


def test_an_old_seal_too() -> None:
    octets = passed_on(1)
    at = octets.index(b"b=") + 10
    broken = octets[:at] + (b"A" if octets[at : at + 1] != b"A" else b"B") + octets[at + 1 :]
    chain = validated(octets)
    assert failure(sealed(broken, 2, chain=chain)) == "ARC-Seal with i=1: The sets are not what was sealed."


def without(octets: bytes, name: str, instance: int) -> bytes:
    pattern = rf"(?m)^{name}: i={instance};(?:.*\r\n)(?:[ \t].*\r\n)*"
    assert len(re.findall(pattern.encode(), octets)) == 1
    return re.sub(pattern.encode(), b"", octets)


@pytest.mark.parametrize("name", ["ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results"])
def test_a_set_is_three_fields(name: str) -> None:
    octets = passed_on(3)
    assert failure(without(octets, name, 2)) == f"There is no {name} with i=2."
    assert failure(without(octets, name, 3)).startswith(f"There is no {name} with i=3.")
    found = re.search(rf"(?m)^{name}: i=2;(?:.*\r\n)(?:[ \t].*\r\n)*".encode(), octets)
    assert found
    assert failure(found[0] + octets) == f"There are two {name} with i=2."


def test_a_chain_has_no_gap() -> None:
    octets = passed_on(3)
    for name in ("ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results"):
        octets = without(octets, name, 2)
    assert failure(octets) == "There is no ARC-Authentication-Results with i=2."


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"ARC-Seal: i=2;", b"ARC-Seal: j=2;", "An ARC-Seal has no instance."),
        (b"ARC-Seal: i=2;", b"ARC-Seal: i=two;", "An ARC-Seal has no instance."),
        (b"ARC-Seal: i=2;", b"ARC-Seal: i=51;", "There are more than 50 sets."),
        (b"Results: i=2;", b"Results: i=2", "An ARC-Authentication-Results has no instance."),
        (b"ARC-Seal: i=1;", b"ARC-Seal: h=From; i=1;", "The ARC-Seal with i=1 has h=."),
        (b"h=From:From", b"h=From:ARC-Seal", "The ARC-Message-Signature with i=1 covers a seal."),
        (b"h=From:From", b"h=To:To", "The set with i=1 cannot be read: It does not cover From."),
        (b"cv=none", b"cv=pass", "The ARC-Seal with i=1 says cv=pass."),
        (b"cv=pass", b"cv=none", "The ARC-Seal with i=2 says cv=none."),
        (b"cv=pass", b"cv=perhaps-so", "The ARC-Seal with i=2 says cv=perhaps-."),
        (b"cv=none", b"cw=none", "The set with i=1 cannot be read: The tag cv= is missing."),
        (b"cv=pass", b"cv=\xff", "The set with i=2 cannot be read: A tag is not in UTF-8."),
        (b"cv=pass", b"cv=fail", "The last seal says that the chain had failed before it."),
        (b"d=hop1.example", b"d=example", "The set with i=1 cannot be read: The domain has one label only."),
        (b"ed25519-sha256", b"rsa-sha1", "Signatures by rsa-sha1 are not relied on any more."),
    ],
)  # fmt: skip
def test_what_is_no_chain_has_failed(old: bytes, new: bytes, reason: str) -> None:
    assert failure(passed_on(2).replace(old, new)) == reason


def test_a_set_with_the_number_nought() -> None:
    octets = passed_on(1)
    found = re.search(rb"(?m)^ARC-Seal: i=1;(?:.*\r\n)(?:[ \t].*\r\n)*", octets)
    assert found
    assert failure(found[0].replace(b"i=1", b"i=0") + octets) == "There is a set with i=0."


def test_more_than_fifty_are_no_chain() -> None:
    octets = passed_on(50)
    chain = validated(octets)
    assert sealed(octets, 51, chain=chain) == octets
    fields = octets[: octets.index(b"ARC-Seal: i=49;")].replace(b"i=50;", b"i=51;")
    assert failure(fields + octets) == "There are more than 50 sets."


def test_keys_are_looked_up_once_each_and_none_after_a_failure() -> None:
    octets = passed_on(3)
    zone = Zone(HOPS)
    run(verify(octets, txt=zone, now=NOW))
    assert zone.asked == [HOP_NAMES[2], HOP_NAMES[1], HOP_NAMES[0]]
    zone = Zone(HOPS)
    run(verify(octets + b"more", txt=zone, now=NOW))
    assert zone.asked == [HOP_NAMES[2]]
    zone = Zone({HOP_NAMES[2]: [published(ED25519)]})
    run(verify(octets, txt=zone, now=NOW))
    assert zone.asked == [HOP_NAMES[2], HOP_NAMES[1]]


def test_no_key() -> None:
    octets = passed_on(2)
    records = {**HOPS, HOP_NAMES[0]: []}
    assert failure(octets, records) == f"ARC-Seal with i=1: There is no key at {HOP_NAMES[0]}."
    records = {**HOPS, HOP_NAMES[1]: [published(RSA)]}
    assert failure(octets, records) == (
        "ARC-Message-Signature with i=2: The key is for another algorithm than the signature's."
    )


def test_no_answer_now_is_a_failure_for_now() -> None:
    chain = validated(passed_on(2), {**HOPS, HOP_NAMES[0]: None})
    assert (chain.status, chain.is_temporary) == (ChainStatus.FAIL, True)
    assert not validated(passed_on(2) + b"more").is_temporary


def test_seals_and_message_signatures_have_their_times() -> None:
    octets = passed_on(2)
    later = run(verify(octets, txt=Zone(HOPS), now=NOW + timedelta(days=400)))
    assert later.status is ChainStatus.PASS
    before = run(verify(octets, txt=Zone(HOPS), now=NOW - timedelta(days=1)))
    assert before.reason == "The signature is of a time that is still to come."


def test_a_header_beyond_all_bounds_has_no_chain_that_passes() -> None:
    assert failure(b"X: y\r\n" * 10_001 + passed_on(1)) == "The header is too large to be checked."
