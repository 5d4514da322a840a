"""Addresses and domains: RFC 5321 section 4.1.2, RFC 6531 section 3.3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress, parse_domain


@pytest.mark.parametrize(
    ("text", "local_part", "domain"),
    [
        ("alice@example.test", "alice", "example.test"),
        ("Alice.B+x@Example.TEST", "Alice.B+x", "example.test"),
        ('"alice b"@example.test', "alice b", "example.test"),
        (r'"a\"b\\c"@example.test', r'a"b\c', "example.test"),
        ('"a@b"@example.test', "a@b", "example.test"),
        ('"alice"@example.test', "alice", "example.test"),
        ('""@example.test', "", "example.test"),
        ("alice@localhost", "alice", "localhost"),
        ("alice@example.test.", "alice", "example.test"),
        ("alice@[192.0.2.1]", "alice", "[192.0.2.1]"),
        ("alice@[IPv6:2001:DB8::0:1]", "alice", "[IPv6:2001:db8::1]"),
        ("alice@xn--strae-oqa.test", "alice", "xn--strae-oqa.test"),
        ("alice@STRAßE.test", "alice", "xn--strae-oqa.test"),
        ("alice@münchen。test", "alice", "xn--mnchen-3ya.test"),
        ("mu\u0308ller@example.test", "m\u00fcller", "example.test"),
    ],
)
def test_an_address_is_read(text: str, local_part: str, domain: str) -> None:
    assert EmailAddress.parse(text) == EmailAddress(local_part, domain)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "@example.test",
        "alice@",
        "a..b@example.test",
        ".a@example.test",
        "a.@example.test",
        "a b@example.test",
        "a@b@example.test",
        '"a"b@example.test',
        '"a@example.test',
        "alice@example..test",
        "alice@-example.test",
        "alice@exam_ple.test",
        "alice@192.0.2.1",
        "alice@[192.0.2.300]",
        "alice@[192.0.2.1",
        "alice@[IPv6:fe80::1%eth0]",
        "alice@xn--a.test",
        "alice@xn--\x80.test",
        "alice@a\u0000b.test",
        "al\rice@example.test",
        "al\u0085ice@example.test",
        "alice@☃.test",
        "alice@example.test\n",
        "a" * 65 + "@example.test",
        "alice@" + "a" * 64 + ".test",
        "alice@" + "a." * 130 + "test",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressSyntaxError) as refusal:
        EmailAddress.parse(text)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize(
    "text", ["a..b.@docomo.test", "bounce+" + "x" * 100 + "@list.test", "a@my_host.test"]
)
def test_paths_of_other_hosts_are_read_leniently(text: str) -> None:
    with pytest.raises(AddressSyntaxError):
        EmailAddress.parse(text)
    address = EmailAddress.parse(text, is_lenient=True)
    assert EmailAddress.parse(str(address), is_lenient=True) == address


def test_keys_compare_local_parts_caselessly() -> None:
    assert (
        EmailAddress.parse("Ülkü@Example.TEST").key == EmailAddress.parse("u\u0308LKU\u0308@example.test").key
    )
    assert EmailAddress.parse("straße@example.test").key == ("strasse", "example.test")


@pytest.mark.parametrize("text", ["bücher.example", "xn--bcher-kva.example", "BÜCHER.example"])
def test_a_domain_has_one_spelling(text: str) -> None:
    assert parse_domain(text) == "xn--bcher-kva.example"


def test_a_full_width_domain_is_the_plain_one() -> None:
    assert parse_domain("Ｅｘａｍｐｌｅ．test") == "example.test"


@given(st.text(max_size=300), st.booleans())
def test_any_text_is_read_or_refused(text: str, is_lenient: bool) -> None:
    try:
        address = EmailAddress.parse(text, is_lenient=is_lenient)
    except AddressSyntaxError:
        return
    assert EmailAddress.parse(str(address), is_lenient=is_lenient) == address
    assert address.domain.isascii()
    assert not set(str(address)) & set("\r\n\0")


_LOCAL_PARTS = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), max_size=16)


@given(_LOCAL_PARTS)
def test_any_local_part_comes_back_when_quoted(local_part: str) -> None:
    address = EmailAddress.parse(str(EmailAddress(local_part, "example.test")))
    assert address.key == EmailAddress(local_part, "example.test").key


@given(_LOCAL_PARTS)
def test_a_key_is_its_own_key(local_part: str) -> None:
    key = EmailAddress(local_part, "example.test").key
    assert EmailAddress(*key).key == key


@given(st.text(max_size=70))
def test_a_parsed_domain_is_its_own_parse(text: str) -> None:
    try:
        domain = parse_domain(text)
    except AddressSyntaxError:
        return
    assert parse_domain(domain) == domain
