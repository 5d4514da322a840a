"""What a signature comes to, and why (RFC 6376 section 6.1, RFC 8601 section 2.7.1)."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from mailhost.protocols.dkim import MAX_SIGNATURES, Result, sign, verify
from mailhost.protocols.dkim.signatures import MAX_FIELD_OCTETS, MAX_NAMES
from tests.protocols.dkim.making import SHA1, signed
from tests.protocols.dkim.zone import (
    ED25519,
    ED25519_NAME,
    MESSAGE,
    NOW,
    RECORDS,
    RSA,
    RSA_NAME,
    Zone,
    outcome,
    published,
    run,
    verified,
)

SECONDS = int(NOW.timestamp())
PASSED = (Result.PASS, "Header and body are as they were signed.")
BAD_HEADER = (Result.FAIL, "The header fields are not what was signed.")
BAD_BODY = (Result.FAIL, "The body is not what was signed.")


def test_a_message_without_signatures_has_no_outcome() -> None:
    assert verified(MESSAGE) == []


@pytest.mark.parametrize(
    "form", ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed", "relaxed"]
)
@pytest.mark.parametrize("key", [RSA, ED25519])
def test_what_was_signed_passes(form: str, key: object) -> None:
    octets = signed(MESSAGE, {"c": form}, key=RSA if key is RSA else ED25519)
    assert outcome(octets) == PASSED


def test_what_stands_behind_b_is_signed_too() -> None:
    octets = signed(MESSAGE, {"c": "simple"}, tail="; n=note ;")
    assert outcome(octets) == PASSED
    assert outcome(octets.replace(b"n=note", b"n=other")) == BAD_HEADER


def test_canonicalization_is_simple_where_nothing_is_said() -> None:
    assert outcome(signed(MESSAGE, {"c": None})) == PASSED


def test_what_was_changed_fails() -> None:
    octets = signed(MESSAGE)
    assert outcome(octets.replace(b"Dinner", b"Lunch")) == BAD_HEADER
    assert outcome(octets.replace(b"shall we", b"must we")) == BAD_BODY
    assert outcome(octets.replace(b"rsa-sha256", b"RSA-SHA256")) == BAD_HEADER


def test_fields_that_were_not_signed_may_change() -> None:
    assert outcome(signed(MESSAGE).replace(b"Sat, 14", b"Fri, 13")) == PASSED


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"v": None}, "The tag v= is missing."),
        ({"v": "2"}, "Its version is not 1."),
        ({"a": None}, "The tag a= is missing."),
        ({"a": "rsa sha256"}, "The tag a= is no name of an algorithm."),
        ({"d": None}, "The tag d= is missing."),
        ({"d": "org"}, "The domain has one label only."),
        ({"d": "example..org"}, "The domain is none."),
        ({"d": "exa mple.org"}, "The domain is none."),
        ({"d": "[192.0.2.1].org"}, "The domain is none."),
        ({"s": None}, "The tag s= is missing."),
        ({"s": "a..b"}, "The selector is none."),
        ({"s": ".".join(["a" * 63] * 4)[:250]}, "Selector and domain are too long together."),
        ({"h": "To:Subject"}, "It does not cover From."),
        ({"h": "From::To"}, "The tag h= is no list of field names."),
        ({"bh": None, "d": "example.org;bh=%"}, "The tag bh= is not base64."),
        ({"bh": "nonsense!"}, "The tag bh= is not base64."),
        ({"c": "relaxed/loose"}, "Its canonicalization is not known here."),
        ({"q": "dns/html"}, "Its key is not in DNS."),
        ({"l": "many"}, "The tag l= is not a number."),
        ({"t": "-1"}, "The tag t= is not a number."),
        ({"x": "9" * 77}, "The tag x= is not a number."),
        ({"t": "5", "x": "5"}, "It expires before it was made."),
        ({"i": "example.org"}, "The identity is no address."),
        ({"i": "@badexample.org"}, "The identity is of another domain."),
        ({"i": "@org"}, "The identity is of another domain."),
        ({"i": "a=00@example.org"}, "The identity has control characters in it."),
        ({"i": "a=FF@example.org"}, "The identity is not in UTF-8."),
        ({"i": "a" * 1100 + "@example.org"}, "The identity is no address."),
        ({"n": "a;n=b"}, "The tag n= stands in it twice."),
        ({"n": "a;;"}, "It is not a list of tags."),
        ({"1": "a"}, "It is not a list of tags."),
        ({"n": "\1"}, "The tag n= has control characters in it."),
        ({"h": "From" + ":x" * MAX_NAMES}, f"The tag h= has more than {MAX_NAMES} names."),
        ({"n": "a" * MAX_FIELD_OCTETS}, f"It is longer than {MAX_FIELD_OCTETS} octets."),
    ],
)
def test_what_cannot_be_read_is_neutral(tags: dict[str, str | None], reason: str) -> None:
    base: dict[str, str | None] = {"v": "1", "a": "rsa-sha256", "d": "example.org", "s": "rsa", "h": "From"}
    base |= {"bh": "QUJD"} | tags
    text = "; ".join(f"{name}={value}" for name, value in base.items() if value is not None)
    octets = f"DKIM-Signature: {text}; b=QUJD\r\n".encode() + MESSAGE
    assert outcome(octets) == (Result.NEUTRAL, f"The signature cannot be read: {reason}")


@pytest.mark.parametrize("b", [b"", b"====", b"A", b"\xff"])
def test_so_is_a_signature_that_is_no_base64(b: bytes) -> None:
    octets = b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=rsa; h=From; bh=QUJD; b=%b\r\n" % b
    assert outcome(octets + MESSAGE)[0] is Result.NEUTRAL


def test_an_unknown_algorithm_is_neutral() -> None:
    assert outcome(signed(MESSAGE, {"a": "rsa-sha3"})) == (Result.NEUTRAL, "The algorithm is not known here.")


def test_rsa_sha1_never_passes() -> None:
    octets = signed(MESSAGE, {"a": "rsa-sha1"}, hashing=SHA1())
    assert outcome(octets) == (Result.POLICY, "Signatures by rsa-sha1 are not relied on any more.")


def test_a_short_rsa_key_never_passes() -> None:
    key = (
        b"MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAMHXPwBZ09FjVUfEYXHVLe+dJF2IExDduG+A6ukPBAz4PbhbtfHqB0/0mosqfw+n7V6"
    )
    key += b"Jow1jSZsmUKSYOeZXwxUCAwEAAQ=="
    assert outcome(signed(MESSAGE), {RSA_NAME: [b"v=DKIM1; p=" + key]}) == (
        Result.POLICY,
        f"The RSA key at {RSA_NAME} has 512 bits.",
    )


def test_a_key_of_1024_bits_does() -> None:
    key = generate_private_key(65537, 1024)  # noqa: S505
    assert outcome(signed(MESSAGE, key=key), {RSA_NAME: [published(key)]}) == PASSED


def test_no_key() -> None:
    assert outcome(signed(MESSAGE), {}) == (Result.PERMERROR, f"There is no key at {RSA_NAME}.")


def test_no_answer_now() -> None:
    assert outcome(signed(MESSAGE), {RSA_NAME: None}) == (
        Result.TEMPERROR,
        f"The key at {RSA_NAME} could not be looked up.",
    )


def test_a_key_of_the_other_kind() -> None:
    assert outcome(signed(MESSAGE), {RSA_NAME: [published(ED25519)]}) == (
        Result.PERMERROR,
        "The key is for another algorithm than the signature's.",
    )


def test_somebody_elses_key() -> None:
    assert outcome(signed(MESSAGE, key=generate_private_key(65537, 2048))) == BAD_HEADER


def test_a_signature_expires() -> None:
    octets = signed(MESSAGE, {"x": str(SECONDS)})
    assert outcome(octets) == PASSED
    assert outcome(octets, now=NOW + timedelta(minutes=59)) == PASSED  # clocks are wrong
    assert outcome(octets, now=NOW + timedelta(minutes=61)) == (
        Result.PERMERROR,
        "The signature has expired.",
    )
    assert outcome(signed(MESSAGE, {"x": "9" * 76})) == PASSED


def test_a_signature_is_not_of_the_future() -> None:
    octets = signed(MESSAGE, {"t": str(SECONDS + 3500)})
    assert outcome(octets) == PASSED
    assert outcome(octets, now=NOW - timedelta(hours=1)) == (
        Result.PERMERROR,
        "The signature is of a time that is still to come.",
    )


def test_what_l_leaves_out_may_change_and_is_told() -> None:
    octets = signed(MESSAGE, {"l": "10"})
    (verification,) = verified(octets.replace(b"shall we", b"must we"))
    assert (verification.result, verification.covers_whole_body) == (Result.PASS, False)
    assert outcome(octets.replace(b"Hello", b"Adieu")) == BAD_BODY


def test_l_over_the_whole_body() -> None:
    length = len(MESSAGE.partition(b"\r\n\r\n")[2])
    octets = signed(MESSAGE, {"l": str(length)})
    assert [(each.result, each.covers_whole_body) for each in verified(octets)] == [(Result.PASS, True)]
    assert [each.covers_whole_body for each in verified(octets + b"Buy now!\r\n")] == [False]


def test_l_beyond_the_body() -> None:
    assert outcome(signed(MESSAGE, {"l": "1000"})) == (
        Result.FAIL,
        "The body is shorter than what was signed.",
    )


def test_l_of_nothing_covers_no_body() -> None:
    (verification,) = verified(
        signed(MESSAGE, {"l": "0", "bh": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="})
    )
    assert (verification.result, verification.covers_whole_body) == (Result.PASS, False)


REPEATED = b"X: upper\r\nX: middle\r\nX: lower\r\n" + MESSAGE


def test_a_name_that_is_repeated_picks_from_the_bottom() -> None:
    octets = signed(REPEATED, {"h": "From:X:X"})
    assert outcome(octets) == PASSED
    assert outcome(octets.replace(b"upper", b"other")) == PASSED
    assert outcome(octets.replace(b"middle", b"other")) == BAD_HEADER
    assert outcome(octets.replace(b"X: middle\r\nX: lower\r\n", b"X: lower\r\nX: middle\r\n")) == BAD_HEADER


def test_a_name_that_is_oversigned_takes_no_field_more() -> None:
    octets = signed(MESSAGE, {"h": "From:Subject:Subject:Cc"})
    assert outcome(octets) == PASSED
    assert outcome(b"Subject: Other\r\n" + octets) == BAD_HEADER
    assert outcome(b"Cc: eve@example.net\r\n" + octets) == BAD_HEADER
    assert outcome(b"To: eve@example.net\r\n" + octets) == PASSED


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b"\r"])
def test_a_second_from_is_never_covered(line_end: bytes) -> None:
    octets = b"X: y" + line_end + b"From: Mallory <m@example.net>\r\n" + signed(MESSAGE)
    assert outcome(octets) == (Result.FAIL, "The message has a From that the signature does not cover.")


@pytest.mark.parametrize("blank", [b"\n\n", b"\r\r", b"\n\r\n", b"\r\n\r\n", b"\r\n\n"])
def test_a_body_cannot_be_put_in_front_of_the_signed_one(blank: bytes) -> None:
    # Readers take it for the body, so it must be the body here.
    octets = signed(MESSAGE)
    field, header = octets.split(b"\r\n", 1)
    assert verified(b"From: x\r\nX: y" + blank + b"Evil.\r\n" + octets) == []
    assert (
        outcome(field + b"\r\n" + header.split(b"\r\n\r\n")[0] + blank + b"Evil.\r\n" + header)[0]
        is Result.FAIL
    )


def test_no_from() -> None:
    octets = signed(MESSAGE).replace(b"\r\nFrom: ", b"\r\nForm: ")
    assert outcome(octets) == (Result.PERMERROR, "The message has no From.")


def test_h_never_means_the_signature_itself() -> None:
    octets = signed(MESSAGE, {"h": "From:DKIM-Signature"})
    assert outcome(octets) == PASSED


def test_a_signature_may_cover_others() -> None:
    octets = signed(signed(MESSAGE), {"h": "From:DKIM-Signature"}, key=ED25519)
    assert [each.result for each in verified(octets)] == [Result.PASS, Result.PASS]
    assert [each.result for each in verified(octets.replace(b"s=rsa; ", b"s=rsa; n=x; "))] == [
        Result.FAIL
    ] * 2


def test_z_is_not_looked_at() -> None:
    assert outcome(signed(MESSAGE, {"z": "From:somebody=20else|Subject:other"})) == PASSED


def test_the_identity_may_be_of_a_subdomain_and_is_decoded() -> None:
    (verification,) = verified(signed(MESSAGE, {"i": "al=69ce=2Bx@Lists.example.org"}))
    assert verification.identity == "alice+x@lists.example.org"
    assert verification.result is Result.PASS


def test_a_strict_key_takes_no_subdomain() -> None:
    records = {RSA_NAME: [published(RSA, "v=DKIM1; t=s; ")]}
    assert outcome(signed(MESSAGE, {"i": "@lists.example.org"}), records) == (
        Result.PERMERROR,
        "The key is not for identities of subdomains.",
    )
    assert outcome(signed(MESSAGE, {"i": "a@example.org"}), records) == PASSED


def test_a_domain_that_is_testing_is_neutral_right_or_wrong() -> None:
    records = {RSA_NAME: [published(RSA, "v=DKIM1; t=s:y; ")]}
    octets = signed(MESSAGE)
    assert outcome(octets, records) == (Result.NEUTRAL, f"The domain is only testing. {PASSED[1]}")
    assert outcome(octets.replace(b"shall", b"must"), records) == (
        Result.NEUTRAL,
        f"The domain is only testing. {BAD_BODY[1]}",
    )
    assert [each.is_testing for each in verified(octets, records)] == [True]


@pytest.mark.parametrize("domain", ["b\u00fccher.example", "B\u00dcCHER.EXAMPLE", "xn--bcher-kva.example"])
def test_internationalised_names_are_looked_up_as_a_labels(domain: str) -> None:
    name = "xn--schlssel-95a._domainkey.xn--bcher-kva.example"
    octets = signed(MESSAGE, {"d": domain, "s": "schl\u00fcssel", "i": f"j\u00f6rg@post.{domain}"})
    (verification,) = verified(octets, {name: [published(RSA)]})
    assert verification.result is Result.PASS
    assert verification.domain == "xn--bcher-kva.example"
    assert verification.selector == "xn--schlssel-95a"
    assert verification.identity == "j\u00f6rg@post.xn--bcher-kva.example"


def test_selectors_may_have_dots_and_underscores() -> None:
    records = {"s_1.2026.mail._domainkey.example.org": [published(RSA)]}
    assert outcome(signed(MESSAGE, {"s": "s_1.2026.mail"}), records) == PASSED


def test_each_signature_has_its_own_outcome_from_top_to_bottom() -> None:
    octets = signed(MESSAGE)
    octets = b"DKIM-Signature: v=1; nonsense\r\n" + octets
    octets = signed(octets, {"s": "gone"}, key=ED25519)
    assert [each.result for each in verified(octets)] == [Result.PERMERROR, Result.NEUTRAL, Result.PASS]


def test_only_the_first_signatures_are_looked_at_and_each_key_once() -> None:
    octets = MESSAGE
    for _ in range(MAX_SIGNATURES + 2):
        octets = signed(octets)
    zone = Zone()
    assert [each.result for each in run(verify(octets, txt=zone, now=NOW))] == [Result.PASS] * MAX_SIGNATURES
    assert zone.asked == [RSA_NAME]


@pytest.mark.parametrize("octets", [b"X: y\r\n" * 10_001, b"X: " + b"y" * (1 << 20) + b"\r\n"])
def test_a_header_beyond_all_bounds_passes_nothing(octets: bytes) -> None:
    field, rest = signed(MESSAGE).split(b"\r\n", 1)
    assert outcome(field + b"\r\n" + octets + rest) == (
        Result.POLICY,
        "The header is too large to be checked.",
    )


def test_a_message_that_is_header_alone() -> None:
    header = MESSAGE.partition(b"\r\n\r\n")[0]
    assert outcome(signed(header)) == PASSED
    octets = sign(header, domain="example.org", selector="ed", key=ED25519, now=NOW) + header
    assert outcome(octets, {ED25519_NAME: RECORDS[ED25519_NAME]}) == PASSED
    assert outcome(octets + b"\r\n\r\n") == PASSED


def test_bare_line_ends_of_the_body_are_hashed_as_they_came() -> None:
    octets = signed(MESSAGE + b"bare\nlf and\rcr \n\t\n")
    assert outcome(octets) == PASSED
    assert outcome(octets.replace(b"bare\nlf", b"bare\r\nlf")) == BAD_BODY
    assert outcome(octets.replace(b"cr \n", b"cr\n")) == BAD_BODY


def test_bare_line_ends_of_the_header_are_line_ends_to_relaxed_and_octets_to_simple() -> None:
    bare = MESSAGE.replace(b"Subject: Dinner\r\n", b"Subject: Dinner\n tonight\n")
    whole = MESSAGE.replace(b"Subject: Dinner\r\n", b"Subject: Dinner\r\n tonight\r\n")
    assert outcome(signed(bare).split(b"\r\n", 1)[0] + b"\r\n" + whole) == PASSED
    assert outcome(signed(bare, {"c": "simple"})) == PASSED
    assert outcome(signed(bare, {"c": "simple"}).split(b"\r\n", 1)[0] + b"\r\n" + whole) == BAD_HEADER
