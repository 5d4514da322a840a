"""Where reports about a domain may be sent: RFC 9990's check of destinations outside, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.dmarc.public_suffixes import registrable_domain
from mailhost.protocols.dmarc.record import ReportUri
from mailhost.protocols.dmarc.report_destinations import (
    MAX_DESTINATIONS,
    Destinations,
    find_destinations,
    mailto_address,
)
from tests.support.dns_zone import DnsZone, run

CONFIRMING = "blue.test._report._dmarc.red.test"


def find(zone: DnsZone, *uris: str, domain: str = "blue.test") -> Destinations:
    wanted = [ReportUri(uri) for uri in uris]
    return run(
        find_destinations(policy_domain=domain, uris=wanted, txt=zone.txt, registrable=registrable_domain)
    )


def addresses(found: Destinations) -> list[str]:
    return [str(each.address) for each in found.allowed]


@pytest.fixture
def zone() -> DnsZone:
    return DnsZone().say("_dmarc.blue.test", "TXT", b"v=DMARC1; p=none; rua=mailto:x@blue.test")


@pytest.mark.parametrize("host", ["blue.test", "reports.blue.test"])
def test_the_domains_own_organization_is_written_to_without_being_asked(zone: DnsZone, host: str) -> None:
    assert addresses(find(zone, f"mailto:dmarc@{host}")) == [f"dmarc@{host}"]
    assert not any("_report" in name for name, _ in zone.asked)


def test_a_subdomain_may_have_its_reports_sent_to_the_organization_and_its_other_names(
    zone: DnsZone,
) -> None:
    uris = ("mailto:a@blue.test", "mailto:b@other.blue.test")
    assert addresses(find(zone, *uris, domain="news.blue.test")) == ["a@blue.test", "b@other.blue.test"]


def test_somebody_elses_address_is_left_alone(zone: DnsZone) -> None:
    found = find(zone, "mailto:victim@red.test")
    assert found.allowed == ()
    assert found.passed_over == ("red.test does not say that it wants reports about blue.test.",)
    assert (CONFIRMING, "TXT") in zone.asked


@pytest.mark.parametrize("text", [b"v=DMARC1", b"v=DMARC1;", b"v = DMARC1; rua="])
def test_who_says_that_it_wants_them_gets_them(zone: DnsZone, text: bytes) -> None:
    zone.say(CONFIRMING, "TXT", b"something else", text)
    assert addresses(find(zone, "mailto:in@red.test")) == ["in@red.test"]


@pytest.mark.parametrize("text", [b"v=spf1 -all", b"V=DMARC2", b"rua=mailto:in@red.test; v=DMARC1"])
def test_other_texts_at_that_name_confirm_nothing(zone: DnsZone, text: bytes) -> None:
    zone.say(CONFIRMING, "TXT", text)
    assert find(zone, "mailto:in@red.test").allowed == ()


def test_a_consumer_may_move_reports_within_its_host(zone: DnsZone) -> None:
    zone.say(CONFIRMING, "TXT", b"v=DMARC1; rua=mailto:moved@red.test!1k")
    [only] = find(zone, "mailto:in@red.test").allowed
    assert (str(only.address), only.max_octets) == ("moved@red.test", 1024)


@pytest.mark.parametrize(
    "elsewhere", [b"mailto:v@victim.test", b"mailto:a@sub.red.test", b"https://red.test/"]
)
def test_a_consumer_that_moves_them_to_another_host_gets_none(zone: DnsZone, elsewhere: bytes) -> None:
    zone.say(CONFIRMING, "TXT", b"v=DMARC1; rua=mailto:fine@red.test," + elsewhere)
    assert find(zone, "mailto:in@red.test").allowed == ()


def test_where_dns_does_not_answer_asking_again_may_help(zone: DnsZone) -> None:
    zone.fall_silent(CONFIRMING)
    found = find(zone, "mailto:in@red.test", "mailto:own@blue.test")
    assert (addresses(found), found.is_open) == (["own@blue.test"], True)


def test_two_customers_of_one_suffix_are_strangers() -> None:
    zone = DnsZone().say("_dmarc.co.uk", "TXT", b"v=DMARC1; p=none")
    assert find(zone, "mailto:v@victim.co.uk", domain="evil.co.uk").allowed == ()


def test_a_name_that_dns_cannot_hold_confirms_nothing(zone: DnsZone) -> None:
    long = ".".join(["a" * 60] * 4)
    assert find(zone, f"mailto:x@{'b' * 40}.test", domain=long).allowed == ()


def test_only_so_many_addresses_are_asked_about(zone: DnsZone) -> None:
    uris = [f"mailto:in@red{number}.test" for number in range(20)]
    found = find(zone, *uris)
    assert len(found.passed_over) == 20
    assert sum("_report" in name for name, _ in zone.asked) == MAX_DESTINATIONS


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("mailto:a@x.test", "a@x.test"),
        ("MAILTO:a%2Bb@X.test?subject=hello", "a+b@x.test"),
        ("mailto:a@x.test%2Cb@x.test", None),
        ("mailto:a@x.test%0d%0aBcc:b@x.test", None),
        ("mailto:%ff@x.test", None),
        ("https://x.test/", None),
        ("mailto:", None),
    ],
)
def test_a_mailto_uri_names_one_address(uri: str, address: str | None) -> None:
    found = mailto_address(uri)
    assert (None if found is None else str(found)) == address


@given(st.lists(st.sampled_from(["red", "blue", "x"]), min_size=1, max_size=9), st.booleans())
def test_nothing_leaves_the_organization_unconfirmed(labels: list[str], confirms: bool) -> None:
    zone = DnsZone().say("_dmarc.blue.test", "TXT", b"v=DMARC1; p=none")
    hosts = [f"{label}.test" for label in labels]
    if confirms:
        zone.say(CONFIRMING, "TXT", b"v=DMARC1")
    found = {each.address.domain for each in find(zone, *(f"mailto:a@{host}" for host in hosts)).allowed}
    assert found <= ({"blue.test", "red.test"} if confirms else {"blue.test"})
