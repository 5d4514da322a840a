"""What people type as recipients: any text is read or refused with a sentence, and what was read is read again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.addresses import EmailAddress
from mailhost.webmail.recipients import MAX_TYPED_CHARACTERS, Recipient, RecipientsInvalid, parse_recipients

# Text in which what separates and quotes is as frequent as anything else.
TYPED = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(
            [*'",;:@<>()[]\\ \r\n\t.', "alice", "bob@example.test", "Zoë", "例え", "\0", "\udc80", "xn--"]
        ),
        max_size=40,
    ).map("".join),
)


def test_commas_semicolons_and_lines_separate() -> None:
    typed = 'alice@example.test; "Bob; \\"B." <bob@example.test>;\r\nALICE@example.test\ncarol@example.test'
    assert parse_recipients(typed) == (
        Recipient("", EmailAddress("alice", "example.test")),
        Recipient('Bob; "B.', EmailAddress("bob", "example.test")),
        Recipient("", EmailAddress("carol", "example.test")),
    )


def test_a_quoted_local_part_is_an_address_too() -> None:
    addresses = [each.address for each in parse_recipients('"a b"@example.test, A. <"a,\\"b"@example.test>')]
    assert addresses == [EmailAddress("a b", "example.test"), EmailAddress('a,"b', "example.test")]


def test_a_forgotten_comma_loses_nobody() -> None:
    found = parse_recipients("Alice <alice@example.test> Bob <bob@example.test>")
    assert [str(each.address) for each in found] == ["alice@example.test", "bob@example.test"]
    with pytest.raises(RecipientsInvalid, match=r"“alice@example\.testbob@example\.test” is not an address"):
        parse_recipients("alice@example.test bob@example.test")


def test_what_is_no_address_is_named() -> None:
    with pytest.raises(RecipientsInvalid, match=r"^“bob” is not an address\. An address has the form"):
        parse_recipients("alice@example.test, bob")


def test_too_long_a_list_is_refused() -> None:
    with pytest.raises(RecipientsInvalid, match="too long"):
        parse_recipients("a" * (MAX_TYPED_CHARACTERS + 1))


def read(typed: str) -> tuple[Recipient, ...]:
    """Nothing where it is refused."""
    try:
        return parse_recipients(typed)
    except RecipientsInvalid:
        return ()


@given(TYPED)
def test_any_text_is_read_or_refused_and_each_address_comes_once(typed: str) -> None:
    found = read(typed)
    keys = [each.address.key for each in found]
    assert len(set(keys)) == len(keys)


@given(TYPED)
def test_the_addresses_found_are_found_again(typed: str) -> None:
    found = read(typed)
    again = parse_recipients(", ".join(str(each.address) for each in found))
    assert [each.address for each in again] == [each.address for each in found]
