"""pyspf as an oracle: the same record, zone and client come to the same result."""

import ipaddress
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mailhost.protocols.dns_facts import NotFound, TemporarilyUnavailable
from mailhost.protocols.spf import check_host
from tests.support.dns_zone import DnsZone, run

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    spf: Any = pytest.importorskip("spf")

NAMES = ("example.com", "b.example.com", "c.example.net", "gone.example.net", "slow.example.net")
ADDRESSES = ("192.0.2.1", "192.0.2.200", "198.51.100.7", "2001:db8::1", "2001:db8:0:1::9")
CLIENTS = st.sampled_from(ADDRESSES)

# Where pyspf refuses more than the RFC asks for, so that nothing can be compared:
DIFFERENCES = (
    # Section 4.6.4 is about terms; a name that PTR gives is the client's doing, and pyspf counts it too.
    "Void lookup limit",
    # Section 6: what is not recognised is ignored no matter how often.
    "x-y= MUST appear at most once",
    # A record that includes itself only where nothing before it matched is never asked to.
    "trivial recursion",
)

qualifiers = st.sampled_from(("", "+", "-", "?", "~"))
targets = st.sampled_from(
    (
        *NAMES,
        "%{d}",
        "%{d2}",
        "b.%{d}",
        "%{l}.example.com",
        "%{h}",
        "%{ir}.x.%{o2}",
        "%{p}",
        "museum",
        "a..b.test",
    )
)
prefixes = st.sampled_from(("", "", "", "/24", "/0", "//64", "/24//32", "/33", "//129", "/024"))
addressed = st.builds(
    "{}{}{}".format, st.sampled_from(("a", "mx")), st.just("") | targets.map(":{}".format), prefixes
)
named = st.builds("{}:{}".format, st.sampled_from(("include", "exists", "ptr")), targets)
networks = st.sampled_from(
    (
        "ip4:192.0.2.0/24",
        "ip4:192.0.2.1",
        "ip4:198.51.100.0/33",
        "ip6:2001:db8::/32",
        "ip6:2001:db8::1",
        "ip4:1.2.3",
    )
)
mechanisms = addressed | named | networks | st.sampled_from(("all", "ptr", "moo", "all/8"))
modifiers = st.builds("{}={}".format, st.sampled_from(("redirect", "x-y", "redirect")), targets)
terms = st.builds("{}{}".format, qualifiers, mechanisms) | modifiers
records = st.lists(terms, max_size=6).map(lambda each: " ".join(["v=spf1", *each]).encode())


@st.composite
def zones(draw: st.DrawFn) -> DnsZone:
    zone = DnsZone()
    for name in NAMES[:3]:
        for _ in range(draw(st.sampled_from((1, 1, 1, 0, 2)))):
            zone.say(name, "TXT", draw(records))
        for address in draw(st.lists(CLIENTS, max_size=3, unique=True)):
            zone.say(name, "AAAA" if ":" in address else "A", address)
        # No slow MX host: pyspf asks for all of them before it compares the first.
        for host in draw(st.lists(st.sampled_from(NAMES[:4]), max_size=2, unique=True)):
            zone.say(name, "MX", host)
    zone.fall_silent("slow.example.net")
    for address in ADDRESSES:
        pointer = ipaddress.ip_address(address).reverse_pointer
        for name in draw(st.lists(st.sampled_from(NAMES[:3]), max_size=2, unique=True)):
            zone.say(pointer, "PTR", name)
    return zone


def asked_by_pyspf(zone: DnsZone, name: str, kind: str) -> Iterator[tuple[tuple[str, str], Any]]:
    """Answers as pyspf's own driver gives them."""
    if kind == "SPF":
        return
    try:
        found = zone._look_up(name.removesuffix("."), kind)
    except NotFound:
        return
    except TemporarilyUnavailable as error:
        raise spf.TempError("DNS timeout") from error
    for value in found:
        forms: dict[str, Any] = {
            "AAAA": lambda value: ipaddress.IPv6Address(value).packed,
            "TXT": lambda value: (value,),
            "MX": lambda value: (10, value),
        }
        yield (name, kind), forms[kind](value) if kind in forms else value


@given(zones(), CLIENTS)
def test_the_same_result_as_pyspf(zone: DnsZone, client: str) -> None:
    spf.DNSLookup = lambda name, kind, *words: asked_by_pyspf(zone, name, kind)
    query = spf.query(i=client, s="me@example.com", h="b.example.com", strict=True, receiver="r.test")
    theirs, _, reason = query.check()
    assume(not any(words in reason for words in DIFFERENCES))
    ours = run(
        check_host(
            ip=ipaddress.ip_address(client),
            domain="example.com",
            sender="me@example.com",
            helo="b.example.com",
            resolver=zone,
            receiver="r.test",
            now=datetime(2026, 1, 2, tzinfo=UTC),
        )
    )
    assert ours.result == theirs, (ours.reason, reason)
