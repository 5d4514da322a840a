"""DNS lists (RFC 5782): names and answers."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.dns_lists import ListAnswer, canary_name, query_name, read_answer


def test_names_of_the_rfc() -> None:
    """The examples of sections 2.1, 2.4 and 5."""
    assert query_name(ip_address("192.0.2.99"), "bad.example.com") == "99.2.0.192.bad.example.com"
    assert query_name(ip_address("2001:db8:1:2:3:4:567:89ab"), "ugly.example.com") == (
        "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ugly.example.com"
    )
    assert canary_name(ip_address("192.0.2.99"), "bad.example.com") == "1.0.0.127.bad.example.com"
    assert canary_name(ip_address("2001:db8::1"), "x.test").startswith("1.0.0.0.0.0.f.7.f.f.f.f.0.0.")


@given(st.ip_addresses())
def test_a_name_says_which_address_it_is_of(address: IPv4Address | IPv6Address) -> None:
    labels = query_name(address, "list.test").removesuffix(".list.test").split(".")
    if address.version == 4:
        assert IPv4Address(".".join(reversed(labels))) == address
    else:
        assert int("".join(reversed(labels)), 16) == int(address)
        assert len(labels) == 32


@pytest.mark.parametrize(
    ("records", "is_listed"),
    [
        ([], False),
        (["127.0.0.2"], True),
        (["127.0.0.4", "127.0.0.2"], True),
        (["127.255.255.254"], False),
        (["127.0.0.2", "127.255.255.255"], False),
        (["203.0.113.80"], False),
        (["127.0.0.2", "203.0.113.80"], False),
    ],
)
def test_only_answers_in_127_are_answers(records: list[str], is_listed: bool) -> None:
    assert read_answer(map(IPv4Address, records)).is_listed is is_listed


@given(st.lists(st.ip_addresses(v=4)))
def test_every_record_is_one_thing(records: list[IPv4Address]) -> None:
    answer = read_answer(records)
    assert sorted((*answer.codes, *answer.complaints, *answer.strange)) == sorted(set(records))
    assert read_answer(answer.codes) == ListAnswer(codes=answer.codes)
