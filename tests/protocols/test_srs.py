"""SRS: a sender comes back as it was, whatever it was, and nobody else's address is ever led anywhere."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.srs import SrsInvalid, is_rewritten, reverse, rewrite

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEY, OTHER = b"k" * 32, b"o" * 32
DAYS = 21

local_parts = st.one_of(
    st.text(st.sampled_from('abcXYZ019=+-._ @"\\é'), min_size=1, max_size=40),
    st.text(min_size=1, max_size=20),
)
domains = st.from_regex(r"[a-z]{1,8}\.(test|example)", fullmatch=True)


def parsed(local_part: str, domain: str) -> EmailAddress:
    try:
        return EmailAddress.parse(str(EmailAddress(local_part, domain)), is_lenient=True)
    except ValueError:
        assume(False)
        raise


def there(address: EmailAddress, domain: str = "fwd.test", *, key: bytes = KEY) -> EmailAddress:
    return rewrite(address, domain=domain, secret=key, now=NOON)


def back(address: EmailAddress, *, days: float = 0, keys: tuple[bytes, ...] = (KEY,)) -> EmailAddress:
    return reverse(address, secrets=keys, now=NOON + timedelta(days=days), max_days=DAYS)


def test_the_form_is_the_one_that_others_write() -> None:
    found = there(EmailAddress.parse("Ann.Lee@good.test"))
    kind, _, day, domain, local_part = found.local_part.split("=")
    assert (kind, domain, local_part, found.domain) == ("SRS0", "good.test", "Ann.Lee", "fwd.test")
    assert len(day) == 2


@given(local_parts, domains)
def test_a_sender_comes_back_as_it_was(local_part: str, domain: str) -> None:
    address = parsed(local_part, domain)
    assume(not is_rewritten(address.local_part))
    rewritten = there(address)
    assert back(EmailAddress.parse(str(rewritten), is_lenient=True)) == address
    assert is_rewritten(rewritten.local_part)


@given(local_parts, domains)
def test_three_hosts_on_the_way_lead_back_by_the_first(local_part: str, domain: str) -> None:
    """SRS1 grows no longer from host to host."""
    address = parsed(local_part, domain)
    assume(not is_rewritten(address.local_part))
    first = there(address, "one.test", key=b"1" * 32)
    second = there(first, "two.test", key=b"2" * 32)
    third = there(second, "three.test", key=b"3" * 32)
    assert third.local_part.startswith("SRS1=")
    assert len(third.local_part) == len(second.local_part)
    assert back(third, keys=(b"3" * 32,)) == first
    assert back(second, keys=(b"2" * 32,)) == first
    assert back(first, keys=(b"1" * 32,)) == address


def test_case_that_was_changed_on_the_way_does_no_harm() -> None:
    rewritten = there(EmailAddress.parse("Ann@good.test"))
    for changed in (rewritten.local_part.lower(), rewritten.local_part.upper()):
        assert back(EmailAddress(changed, "fwd.test")).key == ("ann", "good.test")


@given(st.integers(0, 30), st.characters(codec="ascii"))
def test_nothing_that_was_changed_leads_anywhere(position: int, character: str) -> None:
    rewritten = there(EmailAddress.parse("ann@good.test"))
    text = rewritten.local_part
    position %= len(text)
    assume(text[position].lower() != character.lower())
    changed = text[:position] + character + text[position + 1 :]
    assume(changed[4] != "=" or position != 4)
    if position == 4 and character in "=+-":  # the separator is no part of what is said
        return
    with pytest.raises(SrsInvalid):
        back(EmailAddress(changed, "fwd.test"))


@given(st.text(max_size=60), domains)
def test_what_is_made_up_is_refused(text: str, domain: str) -> None:
    for kind in ("SRS0=", "SRS1=", "srs0+", ""):
        with pytest.raises(SrsInvalid):
            back(EmailAddress(kind + text, domain))


def test_it_ends_after_its_days_and_holds_for_its_domain_and_secret_alone() -> None:
    rewritten = there(EmailAddress.parse("ann@good.test"))
    assert back(rewritten, days=DAYS)
    assert back(rewritten, days=-1)  # clocks differ
    for days in (DAYS + 1, 400, -2):
        with pytest.raises(SrsInvalid, match="expired"):
            back(rewritten, days=days)
    with pytest.raises(SrsInvalid, match="not made here"):
        back(EmailAddress(rewritten.local_part, "other.test"))
    with pytest.raises(SrsInvalid, match="not made here"):
        back(rewritten, keys=(OTHER,))
    assert back(rewritten, keys=(OTHER, KEY))  # the secret was changed since


def test_what_would_be_too_long_is_not_written() -> None:
    with pytest.raises(SrsInvalid):
        there(EmailAddress("a" * 240, "good.test"))


@pytest.mark.parametrize("local_part", ["srs", "SRS2=x", "srs0", "SRS0x=1", "xSRS0=1=2=3=4"])
def test_people_may_have_such_names(local_part: str) -> None:
    assert not is_rewritten(local_part)
