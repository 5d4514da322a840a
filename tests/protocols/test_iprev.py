"""iprev (RFC 8601 section 2.7.3)."""

from ipaddress import ip_address

import pytest

from mailhost.protocols.iprev import MAX_NAMES, IprevResult, Result, iprev
from tests.support.dns_zone import DnsZone, run

POINTER = "1.2.0.192.in-addr.arpa"


def check(zone: DnsZone, ip: str = "192.0.2.1") -> IprevResult:
    return run(iprev(ip=ip_address(ip), resolver=zone))


def test_a_name_that_leads_back_passes() -> None:
    zone = DnsZone().say(POINTER, "PTR", "gone.test", "\xe4.test", "MX.example.test.")
    zone.say("mx.example.test", "A", "198.51.100.1", "192.0.2.1")
    assert check(zone) == IprevResult(Result.PASS, "192.0.2.1 is mx.example.test.", "mx.example.test")


def test_ipv6_is_looked_up_as_ipv6() -> None:
    ip = ip_address("2001:db8::1")
    zone = DnsZone().say(ip.reverse_pointer, "PTR", "mx.test").say("mx.test", "AAAA", "2001:DB8:0::1")
    assert check(zone, str(ip)).result is Result.PASS


@pytest.mark.parametrize(
    ("zone", "result", "reason"),
    [
        (DnsZone(), Result.PERMERROR, "192.0.2.1 has no name."),
        (DnsZone().fall_silent(POINTER), Result.TEMPERROR, "DNS did not answer which name 192.0.2.1 has."),
        (
            DnsZone().say(POINTER, "PTR", "a.test").say("a.test", "A", "192.0.2.2"),
            Result.FAIL,
            "No name of 192.0.2.1 leads back to it.",
        ),
        (
            DnsZone().say(POINTER, "PTR", "a.test", "b.test").fall_silent("a.test"),
            Result.TEMPERROR,
            "DNS did not answer which address a name of 192.0.2.1 has.",
        ),
    ],
)
def test_otherwise_the_reason_is_told(zone: DnsZone, result: Result, reason: str) -> None:
    assert check(zone) == IprevResult(result, reason)


def test_many_names_cost_ten_look_ups() -> None:
    zone = DnsZone().say(POINTER, "PTR", *[f"{index}.test" for index in range(500)])
    assert check(zone).result is Result.FAIL
    assert len(zone.asked) == 1 + MAX_NAMES
