"""The domain in From, for DMARC (RFC 9989 section 5.3.1)."""

import pytest

from mailhost.protocols.dmarc import NoAuthorDomain, author_domain


@pytest.mark.parametrize(
    ("value", "domain"),
    [
        (b" Alice <alice@Example.TEST>\r\n", "example.test"),
        (b" alice@example.test, Bob <bob@EXAMPLE.test>\r\n", "example.test"),
        (" a@bücher.test\r\n".encode(), "xn--bcher-kva.test"),
        (b" Team: a@example.test, b@example.test;\r\n", "example.test"),
        (b' "a@evil.test" <a@example.test>\r\n', "example.test"),
    ],
)
def test_the_one_domain_is_found(value: bytes, domain: str) -> None:
    assert author_domain([value]) == domain


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "The message has no From field."),
        ([b" a@b.test\r\n", b" a@b.test\r\n"], "The message has more than one From field."),
        ([b" a@b.test, c@d.test\r\n"], "From has addresses of several domains."),
        ([b" undisclosed:;\r\n"], "From has no address."),
        ([b"\r\n"], "From has no address."),
        ([b" a@[192.0.2.1]\r\n"], "The address in From has no domain."),
        ([b" a@b.test <c@d.test>\r\n"], "From cannot be read: The display name has a bare @ in it."),
        ([b" alice\r\n"], "From cannot be read: The field has an address without exactly one @."),
    ],
)
def test_otherwise_the_reason_is_told(values: list[bytes], reason: str) -> None:
    with pytest.raises(NoAuthorDomain) as fact:
        author_domain(values)
    assert str(fact.value) == reason
