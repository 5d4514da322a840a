"""Bounce addresses: what was sent comes back out of them, nothing else does, and they pass through other hosts."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.srs import is_rewritten, reverse, rewrite
from mailhost.protocols.verp import (
    SentTo,
    VerpInvalid,
    bounce_address,
    is_bounce_address,
    read_bounce_address,
)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
UNTIL = NOON + timedelta(days=5)
KEY, OTHER = b"k" * 32, b"o" * 32
DAYS = 21
ids = st.integers(min_value=1, max_value=2**63 - 1)
sent = st.builds(SentTo, ids, ids)
SOME = SentTo(48_213, 90_117)


def there(sent_to: SentTo = SOME, domain: str = "here.test", *, key: bytes = KEY) -> EmailAddress:
    return bounce_address(sent_to, domain=domain, until=UNTIL, secret=key)


def back(address: EmailAddress, *, days: float = 0, keys: tuple[bytes, ...] = (KEY,)) -> SentTo:
    return read_bounce_address(address, secrets=keys, now=NOON + timedelta(days=days), max_days=DAYS)


@given(sent)
def test_what_was_sent_comes_back(sent_to: SentTo) -> None:
    address = there(sent_to)
    assert EmailAddress.parse(str(address)) == address  # by the strict rules: 64 octets, no quoting
    assert back(address) == sent_to
    assert len(address.local_part) <= 57
    assert "+" not in address.local_part
    assert is_bounce_address(address.local_part)


@given(sent, st.data())
def test_hosts_on_the_way_may_change_its_case(sent_to: SentTo, data: st.DataObject) -> None:
    address = there(sent_to)
    local_part = "".join(
        data.draw(st.sampled_from([each.upper(), each.lower()])) for each in address.local_part
    )
    assert back(EmailAddress(local_part, address.domain)) == sent_to


@given(sent, st.data())
def test_no_character_of_it_can_be_another(sent_to: SentTo, data: st.DataObject) -> None:
    text = there(sent_to).local_part
    place = data.draw(st.integers(min_value=0, max_value=len(text) - 1))
    other = data.draw(st.sampled_from("abcxyz019=-+.ſK\0").filter(lambda each: each != text[place]))
    with pytest.raises(VerpInvalid):
        back(EmailAddress(text[:place] + other + text[place + 1 :], "here.test"))


@given(st.text(max_size=80))
def test_any_text_is_only_refused(text: str) -> None:
    for local_part in (text, f"verp={text}", f"verp=aa=1=1={text}"):
        with pytest.raises(VerpInvalid):
            back(EmailAddress(local_part, "here.test"))


def test_one_domains_address_is_worth_nothing_at_another() -> None:
    with pytest.raises(VerpInvalid, match="not made here"):
        back(EmailAddress(there().local_part, "other.test"))


def test_a_secret_from_before_is_still_read() -> None:
    old = there(key=OTHER)
    assert back(old, keys=(KEY, OTHER)) == SOME
    with pytest.raises(VerpInvalid):
        back(old)


@pytest.mark.parametrize(("days", "is_taken"), [(0, True), (5 + DAYS, True), (6 + DAYS, False), (365, False)])
def test_it_takes_bounces_for_some_weeks_after_the_message_was_given_up(days: int, is_taken: bool) -> None:
    if is_taken:
        assert back(there(), days=days) == SOME
    else:
        with pytest.raises(VerpInvalid, match="expired"):
            back(there(), days=days)


def test_it_is_the_same_at_each_try_for_greylisting() -> None:
    assert there() == there()


def test_it_is_taken_neither_for_srs_nor_for_batv_and_goes_through_srs() -> None:
    address = there()
    assert not is_rewritten(address.local_part)
    assert not re.match(r"prvs=", address.local_part, re.IGNORECASE)
    onward = rewrite(address, domain="fwd.test", secret=OTHER, now=NOON)
    assert back(reverse(onward, secrets=(OTHER,), now=NOON, max_days=DAYS)) == SOME


def test_a_domain_that_makes_it_too_long_has_none() -> None:
    with pytest.raises(VerpInvalid, match="too long"):
        there(SentTo(2**62, 2**62), ".".join(["a" * 49] * 5))
