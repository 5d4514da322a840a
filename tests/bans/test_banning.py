"""Bans: made, followed, lifted, and made by themselves."""

import uuid
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from mailhost.audit.models import Act
from mailhost.bans.banning import active_bans, ban, remove_expired, unban
from mailhost.bans.exceptions import NetworkInvalid, NetworkTrusted, NotBanned
from mailhost.bans.following import BannedNetworks
from mailhost.bans.models import Ban
from mailhost.bans.networks import parse_network
from mailhost.bans.offences import note_offence
from mailhost.environment import parse_networks
from mailhost.net.store_threads import close_store_threads, in_store
from tests.support.running import run

IpAddress = IPv4Address | IPv6Address
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def networks() -> list[str]:
    return [each.network for each in active_bans(now=NOW)]


def known(*bans: tuple[str, datetime | None]) -> BannedNetworks:
    followed = BannedNetworks(clock=lambda: NOW)
    followed.replace(bans)
    return followed


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("2001:db8::5", "2001:db8::/64"),
        ("2001:db8::/32", "2001:db8::/32"),
    ],
)
def test_an_address_means_what_its_customer_has(said: str, meant: str) -> None:
    assert str(parse_network(said)) == meant


@pytest.mark.parametrize("said", ["", "mail.example.org", "192.0.2.0/33", "0.0.0.0/0", "10.0.0.0/7", "::/18"])
def test_what_is_no_network_or_half_the_world_is_not_banned(said: str) -> None:
    with pytest.raises(NetworkInvalid):
        parse_network(said)


@given(st.text(max_size=40))
def test_any_text_is_a_network_or_invalid(text: str) -> None:
    try:
        network = parse_network(text)
    except NetworkInvalid:
        return
    assert parse_network(str(network)) == network


@given(st.ip_addresses(), st.integers(0, 64), st.ip_addresses())
def test_who_is_banned_is_who_lies_in_the_network(address: IpAddress, bits: int, other: IpAddress) -> None:
    try:
        network = parse_network(f"{address}/{bits if ':' in str(address) else bits // 2}")
    except NetworkInvalid:
        return
    followed = known((str(network), None))
    assert followed.is_banned(str(address))
    assert followed.is_banned(str(other)) == (other in network)


def test_a_ban_holds_until_its_end() -> None:
    assert known(("192.0.2.0/24", NOW + timedelta(seconds=1))).is_banned("192.0.2.200")
    assert not known(("192.0.2.0/24", NOW)).is_banned("192.0.2.200")
    assert not known(("192.0.2.0/24", None)).is_banned("192.0.3.1")
    assert not known().is_banned("192.0.2.1")


@pytest.mark.django_db
def test_a_ban_is_made_anew_lifted_and_told_in_the_trail() -> None:
    ban(network="192.0.2.7", reason="a", seconds=60, by="root", now=NOW)
    ban(network="192.0.2.7", reason="b", seconds=None, by="root", now=NOW)
    [row] = active_bans(now=NOW + timedelta(days=1_000))
    assert (row.network, row.reason, row.expires_at) == ("192.0.2.7/32", "b", None)
    unban(network="192.0.2.7", by="cli")
    assert networks() == []
    told = list(Act.objects.order_by("id").values_list("actor", "verb", "subject"))
    assert told == [
        ("root", "network banned", "192.0.2.7/32"),
        ("root", "network banned", "192.0.2.7/32"),
        ("cli", "ban lifted", "192.0.2.7/32"),
    ]
    with pytest.raises(NotBanned):
        unban(network="192.0.2.7", by="cli")


@pytest.mark.django_db
def test_nobody_bans_a_trusted_network(settings: Settings) -> None:
    settings.TRUSTED_NETWORKS = parse_networks("10.1.0.0/16")
    with pytest.raises(NetworkTrusted):
        ban(network="10.0.0.0/8", reason="a", seconds=60, by="root", now=NOW)
    assert not note_offence(peer="10.1.2.3", what="a", now=NOW)
    assert networks() == []


@pytest.mark.django_db
def test_what_is_over_is_removed() -> None:
    ban(network="192.0.2.7", reason="a", seconds=60, by="root", now=NOW)
    ban(network="192.0.2.8", reason="a", seconds=None, by="root", now=NOW)
    assert remove_expired(now=NOW + timedelta(seconds=59)) == 0
    assert remove_expired(now=NOW + timedelta(seconds=60)) == 1
    assert networks() == ["192.0.2.8/32"]


@pytest.mark.django_db
def test_who_offends_again_and_again_is_banned_and_longer_each_time(settings: Settings) -> None:
    settings.BAN_AFTER_OFFENCES = 3
    peer = f"2001:db8:{uuid.uuid4().hex[:4]}:{uuid.uuid4().hex[:4]}::1"
    spans = []
    for _ in range(3):
        made = [note_offence(peer=peer, what="guessed recipients", now=NOW) for _ in range(3)]
        assert made == [False, False, True]
        [row] = Ban.objects.all()
        assert row.reason == "guessed recipients, 3 times"
        assert row.made_by == "mailhost"
        assert row.expires_at is not None
        spans.append((row.expires_at - NOW).total_seconds())
    assert spans == [3_600, 7_200, 14_400]


@pytest.mark.django_db
def test_no_bans_make_themselves_where_a_setting_says_so(settings: Settings) -> None:
    settings.BAN_AFTER_OFFENCES = 0
    assert not any(note_offence(peer="192.0.2.9", what="a", now=NOW) for _ in range(50))
    assert not note_offence(peer="", what="a", now=NOW)
    settings.BAN_AFTER_OFFENCES = 1
    assert not note_offence(peer="no address", what="a", now=NOW)


def test_processes_follow_the_table(shared_db: None) -> None:
    async def scenario() -> None:
        followed = BannedNetworks()
        await followed.look()
        assert not followed.is_banned("198.51.100.9")
        await in_store(ban, network="198.51.100.9", reason="a", seconds=600, by="t", now=datetime.now(UTC))
        await followed.look()
        assert followed.is_banned("198.51.100.9")
        await in_store(unban, network="198.51.100.9", by="t")
        await followed.look()
        assert not followed.is_banned("198.51.100.9")
        close_store_threads()

    run(scenario())
