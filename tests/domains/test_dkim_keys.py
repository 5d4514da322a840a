"""DKIM keys from their making to the wiping, by the clock and by what DNS says."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.checks import run_checks
from django.db import connection
from pytest_django import Settings

from domains import dkim_keys
from domains.dkim_rotation import tend_keys
from domains.exceptions import DkimKeyInState, DkimKeyNotFound
from domains.models import DkimKey, Domain
from domains.registration import add_domain
from mailhost.audit.models import Act
from mailhost.net.resolver import DnsUnavailable, LookUpFailed, NoAnswer, NoSuchDomain
from mailhost.net.secrets_at_rest import CannotDecrypt
from tests.support.dns_zone import DnsZone

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def domain(settings: Settings) -> Domain:
    settings.DKIM_AUTOMATIC = True
    return add_domain(name="example.test", by="alice")


def publish(dns: DnsZone, *keys: DkimKey) -> None:
    for key in keys:
        dns.say(str(key), "TXT", key.record.encode())


def by_age(domain: Domain) -> list[str]:
    keys = domain.dkim_keys.order_by("pk")
    return [f"{key.algorithm} {key.state}" for key in keys]


def test_a_new_domain_has_a_key_of_each_kind_that_waits_for_dns(domain: Domain) -> None:
    assert by_age(domain) == ["rsa pending", "ed25519 pending"]
    rsa, ed25519 = domain.dkim_keys.order_by("pk")
    assert rsa.record.startswith("v=DKIM1; k=rsa; p=MIIBIj")
    assert len(ed25519.record) == len("v=DKIM1; k=ed25519; p=") + 44
    made = list(Act.objects.filter(verb="DKIM key made").values_list("actor", "subject"))
    assert made == [("alice", "example.test")] * 2


def test_no_private_key_can_be_read_in_the_database(domain: Domain) -> None:
    key = domain.dkim_keys.first()
    assert key is not None
    private = dkim_keys.private_key(key)
    with connection.cursor() as sql:
        sql.execute("SELECT private_key FROM domains_dkimkey")
        kept = [bytes(row[0]) for row in sql.fetchall()]
    assert len(kept) == 2
    assert all(b"\x30\x82" not in each[:8] for each in kept)  # what DER begins with
    number = private.private_numbers().d if hasattr(private, "private_numbers") else 0
    assert number == 0 or number.to_bytes(256) not in b"".join(kept)
    other = domain.dkim_keys.last()
    assert other is not None
    other.private_key = key.private_key
    with pytest.raises(CannotDecrypt):  # rows cannot be swapped
        dkim_keys.private_key(other)


def test_a_key_signs_only_once_its_own_record_is_seen(domain: Domain) -> None:
    rsa, ed25519 = domain.dkim_keys.order_by("pk")
    dns = DnsZone()
    dns.say(str(ed25519), "TXT", rsa.record.encode())  # a mix-up
    tend_keys(now=NOON, resolver=dns)
    assert by_age(domain) == ["rsa pending", "ed25519 pending"]
    assert {key.check_note for key in domain.dkim_keys.all()} == {
        f"There is no key at {rsa}.",
        "There is another key in DNS.",
    }
    publish(dns, rsa)
    tend_keys(now=NOON + DAY, resolver=dns)
    assert by_age(domain) == ["rsa active", "ed25519 pending"]
    rsa.refresh_from_db()
    assert rsa.seen_at == rsa.activated_at == NOON + DAY
    assert rsa.check_note == ""


def test_dns_that_is_away_changes_nothing(domain: Domain) -> None:
    dns = DnsZone()
    for key in domain.dkim_keys.all():
        dns.fall_silent(str(key))
    tend_keys(now=NOON, resolver=dns)
    assert by_age(domain) == ["rsa pending", "ed25519 pending"]


def test_an_old_key_has_a_successor_and_goes_in_its_time(domain: Domain) -> None:
    dns = DnsZone()
    publish(dns, *domain.dkim_keys.all())
    tend_keys(now=NOON, resolver=dns)
    tend_keys(now=NOON + 179 * DAY, resolver=dns)
    assert by_age(domain) == ["rsa active", "ed25519 active"]
    tend_keys(now=NOON + 180 * DAY, resolver=dns)
    # Nobody has published the new ones yet: the old ones go on, however long that takes.
    tend_keys(now=NOON + 300 * DAY, resolver=dns)
    assert by_age(domain) == ["rsa active", "ed25519 active", "rsa pending", "ed25519 pending"]
    publish(dns, *domain.dkim_keys.filter(state="pending"))
    tend_keys(now=NOON + 301 * DAY, resolver=dns)
    assert by_age(domain) == ["rsa retiring", "ed25519 retiring", "rsa active", "ed25519 active"]
    old = domain.dkim_keys.order_by("pk")[0]
    assert old.private_key
    assert dkim_keys.removable_at(old) == NOON + 315 * DAY
    tend_keys(now=NOON + 314 * DAY, resolver=dns)
    assert domain.dkim_keys.filter(state="retiring").count() == 2
    tend_keys(now=NOON + 315 * DAY, resolver=dns)
    assert by_age(domain) == ["rsa retired", "ed25519 retired", "rsa active", "ed25519 active"]
    assert {bytes(key.private_key) for key in domain.dkim_keys.filter(state="retired")} == {b""}
    with pytest.raises(DkimKeyInState):
        dkim_keys.activate_key(key=domain.dkim_keys.order_by("pk")[0], now=NOON, by="alice")
    assert Act.objects.filter(verb="DKIM key retired", actor="system").count() == 2


def test_a_record_that_is_gone_is_told_and_the_key_goes_on(domain: Domain) -> None:
    dns = DnsZone()
    publish(dns, *domain.dkim_keys.all())
    tend_keys(now=NOON, resolver=dns)
    tend_keys(now=NOON + DAY, resolver=DnsZone())
    assert by_age(domain) == ["rsa active", "ed25519 active"]
    assert all("There is no key at" in key.check_note for key in domain.dkim_keys.all())


def test_asking_twice_makes_one_pair(domain: Domain) -> None:
    dkim_keys.make_keys(domain=domain, now=NOON, by="alice")
    assert domain.dkim_keys.count() == 2
    dns = DnsZone()
    publish(dns, *domain.dkim_keys.all())
    tend_keys(now=NOON, resolver=dns)
    for _ in range(2):
        dkim_keys.make_keys(domain=domain, now=NOON, by="alice")
    assert domain.dkim_keys.count() == 4
    assert len({key.selector for key in domain.dkim_keys.all()}) == 4


@pytest.mark.parametrize(
    ("fact", "note"),
    [
        (NoSuchDomain("There is no domain."), "There is no key at {}."),
        (NoAnswer("There is no TXT record."), "There is no key at {}."),
        (DnsUnavailable("No answer."), "The key at {} could not be looked up."),
    ],
)
def test_what_the_hosts_own_resolver_does_not_find_keeps_no_other_key_back(
    domain: Domain, fact: LookUpFailed, note: str
) -> None:
    """It says so in words of its own, which are no other room's."""
    rsa, ed25519 = domain.dkim_keys.order_by("pk")

    class Resolver:
        async def txt(self, name: str) -> list[bytes]:
            if name == str(rsa):
                raise fact
            return [ed25519.record.encode()]

    tend_keys(now=NOON, resolver=Resolver())
    assert by_age(domain) == ["rsa pending", "ed25519 active"]
    rsa.refresh_from_db()
    assert (rsa.checked_at, rsa.check_note) == (NOON, note.format(rsa))


def test_a_key_that_never_signed_is_wiped_at_once(domain: Domain) -> None:
    key = domain.dkim_keys.order_by("pk")[0]
    dkim_keys.retire_key(key=key, now=NOON, by="alice")
    assert by_age(domain) == ["rsa retired", "ed25519 pending"]
    with pytest.raises(DkimKeyNotFound):
        dkim_keys.find_key(domain=domain, selector="nobody")


def test_domains_without_keys_get_them_from_beat_where_that_is_wanted(settings: Settings) -> None:
    domain = add_domain(name="older.test", by="alice")
    tend_keys(now=NOON, resolver=DnsZone())
    assert by_age(domain) == []
    settings.DKIM_AUTOMATIC = True
    tend_keys(now=NOON, resolver=DnsZone())
    assert by_age(domain) == ["rsa pending", "ed25519 pending"]


def test_a_changed_secret_is_told_and_an_old_one_is_left_behind(settings: Settings, domain: Domain) -> None:
    before = settings.KEY_SECRET
    settings.KEY_SECRET = "n" * 40
    [warning] = [each for each in run_checks() if (each.id or "").startswith("domains.")]
    assert warning.id == "domains.W001"
    assert "unsigned" in warning.msg
    settings.OLD_KEY_SECRETS = (before,)
    tend_keys(now=NOON, resolver=DnsZone())
    settings.OLD_KEY_SECRETS = ()
    assert all(dkim_keys.private_key(key) for key in domain.dkim_keys.all())
    settings.KEY_SECRET = "short"
    assert [each.id for each in run_checks() if (each.id or "").startswith("domains.")] == ["domains.E001"]
