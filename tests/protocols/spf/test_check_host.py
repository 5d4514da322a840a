"""What check_host says, and how much it asks, beyond the published suite (RFC 7208)."""

import ipaddress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.spf import Result, SpfResult, check_host, mail_from_identity
from mailhost.protocols.spf.look_ups import MAX_MX_HOSTS, MAX_PTR_NAMES, MAX_TERMS
from tests.support.dns_zone import DnsZone, run

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def check(
    zone: DnsZone,
    *,
    ip: str = "192.0.2.3",
    sender: str = "strong-bad@email.example.com",
    helo: str = "h.test",
) -> SpfResult:
    domain, sender = mail_from_identity(sender, helo=helo)
    return run(
        check_host(
            ip=ipaddress.ip_address(ip),
            domain=domain,
            sender=sender,
            helo=helo,
            resolver=zone,
            receiver="mx.receiver.test",
            now=NOW,
        )
    )


def publishing(record: bytes) -> DnsZone:
    return DnsZone().say("email.example.com", "TXT", record)


@pytest.mark.parametrize(
    ("record", "result", "mechanism", "reason"),
    [
        (
            b"v=spf1 ip4:192.0.2.0/24 -all",
            Result.PASS,
            "ip4:192.0.2.0/24",
            "email.example.com lets 192.0.2.3 send its mail.",
        ),
        (b"v=spf1 -all", Result.FAIL, "-all", "email.example.com does not let 192.0.2.3 send its mail."),
        (
            b"v=spf1 ~all",
            Result.SOFTFAIL,
            "~all",
            "email.example.com says that 192.0.2.3 is probably not to send its mail.",
        ),
        (
            b"v=spf1 ip4:198.51.100.1",
            Result.NEUTRAL,
            "",
            "email.example.com does not say whether 192.0.2.3 may send its mail.",
        ),
        (b"v=spf10 -all", Result.NONE, "", "email.example.com does not say who may send its mail."),
        (
            b"v=spf1 -all -al",
            Result.PERMERROR,
            "",
            'The SPF record of email.example.com cannot be used: "-al" is no mechanism.',
        ),
        (
            b"v=spf1 a:museum -all",
            Result.PERMERROR,
            "",
            'The SPF record of email.example.com cannot be used: in "a:museum" the domain does not end in a'
            " top-level domain.",
        ),
        (
            b"v=spf1 include:none.test -all",
            Result.PERMERROR,
            "",
            "email.example.com includes the SPF record of none.test, which has none.",
        ),
        (
            b"v=spf1 redirect=none.test",
            Result.PERMERROR,
            "",
            "email.example.com leaves its SPF record to none.test, which has none.",
        ),
    ],
)
def test_the_result_comes_with_its_reason(record: bytes, result: Result, mechanism: str, reason: str) -> None:
    found = check(publishing(record))
    assert (found.result, found.mechanism, found.reason) == (result, mechanism, reason)


def test_no_answer_is_temperror() -> None:
    found = check(DnsZone().fall_silent("email.example.com"))
    assert found == SpfResult(
        Result.TEMPERROR,
        "email.example.com",
        "DNS did not answer what the SPF record of email.example.com asks.",
    )


# RFC 7208 section 7.4, for 192.0.2.3 and then for 2001:db8::cb01
EXAMPLES = {
    "%{s}": "strong-bad@email.example.com",
    "%{o}": "email.example.com",
    "%{d}": "email.example.com",
    "%{d4}": "email.example.com",
    "%{d3}": "email.example.com",
    "%{d2}": "example.com",
    "%{d1}": "com",
    "%{dr}": "com.example.email",
    "%{d2r}": "example.email",
    "%{l}": "strong-bad",
    "%{l-}": "strong.bad",
    "%{lr}": "strong-bad",
    "%{lr-}": "bad.strong",
    "%{l1r-}": "strong",
    "%{ir}.%{v}._spf.%{d2}": "3.2.0.192.in-addr._spf.example.com",
    "%{lr-}.lp._spf.%{d2}": "bad.strong.lp._spf.example.com",
    "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}": "bad.strong.lp.3.2.0.192.in-addr._spf.example.com",
    "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}": "3.2.0.192.in-addr.strong.lp._spf.example.com",
    "%{d2}.trusted-domains.example.net": "example.com.trusted-domains.example.net",
    "%{t} %{r} %{c} %{h}": "1767323045 mx.receiver.test 192.0.2.3 h.test",
    "%{S}%%%_%-": "strong-bad%40email.example.com% %20",
    "%{d999}": "email.example.com",
}


@pytest.mark.parametrize("macro", EXAMPLES)
def test_the_macros_of_section_7_4(macro: str) -> None:
    zone = publishing(b"v=spf1 -all exp=why.test").say("why.test", "TXT", macro.encode())
    assert check(zone).explanation == EXAMPLES[macro]


def test_the_ipv6_macro_of_section_7_4() -> None:
    zone = publishing(b"v=spf1 -all exp=why.test").say("why.test", "TXT", b"%{ir}.%{v}._spf.%{d2}")
    assert check(zone, ip="2001:db8::cb01").explanation.lower() == (
        "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"
    )


@pytest.mark.parametrize("text", ["%{d0}", "%{d00r}", "%{x}", "%{d2", "%", "%a", "caf\xe9", "tab\t"])
def test_an_explanation_that_cannot_be_read_is_as_if_there_were_none(text: str) -> None:
    zone = publishing(b"v=spf1 -all exp=why.test").say("why.test", "TXT", text.encode())
    assert (check(zone).result, check(zone).explanation) == (Result.FAIL, "")


def test_an_explanation_is_one_line_of_ascii_and_not_too_long() -> None:
    zone = publishing(b"v=spf1 -all exp=why.test").say("why.test", "TXT", b"%{l}" * 200)
    explanation = check(zone, sender="\xe4\r\nX: y@email.example.com").explanation
    assert explanation.startswith("???X: y?")
    assert len(explanation) == 400


def test_a_null_reverse_path_is_checked_as_postmaster_of_helo() -> None:
    zone = DnsZone().say("mx.example.com", "TXT", b"v=spf1 -all exp=why.test").say("why.test", "TXT", b"%{s}")
    found = check(zone, sender="", helo="mx.example.com")
    assert (found.domain, found.explanation) == ("mx.example.com", "postmaster@mx.example.com")


@pytest.mark.parametrize(
    "helo", ["[192.0.2.3]", "localhost", "", "a..b", "b\xfccher.test", "x" * 64 + ".test"]
)
def test_what_is_no_domain_is_not_asked_for(helo: str) -> None:
    zone = DnsZone()
    assert check(zone, sender="", helo=helo).result is Result.NONE
    assert zone.asked == []


def test_a_record_of_many_strings_and_octets_is_read() -> None:
    networks = b" ".join(b"ip4:10.%d.%d.0/24" % (i // 256, i % 256) for i in range(4000))
    assert check(publishing(b"v=spf1 " + networks + b" ip4:192.0.2.3 -all")).result is Result.PASS


def test_an_ipv6_client_is_matched_by_ipv6_alone() -> None:
    zone = publishing(b"v=spf1 a:x.test/8//32 -all").say("x.test", "A", "192.0.2.3")
    zone.say("x.test", "AAAA", "2001:db8:1::1")
    assert check(zone, ip="2001:db8:ffff::1").mechanism == "a:x.test/8//32"
    assert check(zone, ip="2001:db9::1").result is Result.FAIL
    assert check(zone, ip="192.200.200.200").result is Result.PASS
    assert check(zone, ip="::ffff:192.200.200.200").result is Result.PASS


def test_a_cname_leads_on() -> None:
    zone = DnsZone().say("email.example.com", "CNAME", "real.test").say("real.test", "TXT", b"v=spf1 a -all")
    zone.say("real.test", "A", "192.0.2.3")
    assert check(zone).result is Result.PASS


def test_a_name_too_long_loses_its_left() -> None:
    zone = publishing(b"v=spf1 exists:%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.end.test -all")
    check(zone, sender="a" * 60 + "@email.example.com")
    assert zone.asked[-1] == (".".join(["a" * 60] * 4) + ".end.test", "A")


def test_a_chain_of_includes_ends_at_the_limit() -> None:
    zone = publishing(b"v=spf1 include:0.test -all")
    for index in range(20):
        zone.say(f"{index}.test", "TXT", b"v=spf1 include:%d.test -all" % (index + 1))
    found = check(zone)
    assert found.result is Result.PERMERROR
    assert found.reason == (
        f"The SPF record of email.example.com cannot be used: it asks for more than {MAX_TERMS} look-ups."
    )
    assert len(zone.asked) == MAX_TERMS + 1


def test_no_record_makes_more_look_ups_than_the_limits_allow() -> None:
    zone = publishing(b"v=spf1" + b" mx" * 10 + b" -all")
    for index in range(MAX_MX_HOSTS):
        zone.say("email.example.com", "MX", f"{index}.mx.test").say(f"{index}.mx.test", "A", "198.51.100.1")
    assert check(zone).result is Result.FAIL
    assert len(zone.asked) == 1 + MAX_TERMS * (1 + MAX_MX_HOSTS)


def test_an_address_with_many_names_costs_ten_look_ups() -> None:
    zone = publishing(b"v=spf1 ptr:names.test -all")
    zone.say("3.2.0.192.in-addr.arpa", "PTR", *[f"{index}.names.test" for index in range(200)])
    assert check(zone).result is Result.FAIL
    assert len(zone.asked) == 2 + MAX_PTR_NAMES


def test_a_name_that_cannot_be_asked_for_now_does_not_validate() -> None:
    zone = publishing(b"v=spf1 ptr -all").say(
        "3.2.0.192.in-addr.arpa", "PTR", "slow.test", "mx.email.example.com."
    )
    zone.fall_silent("slow.test").say("mx.email.example.com", "A", "192.0.2.3")
    assert check(zone).result is Result.PASS
    zone.fall_silent("3.2.0.192.in-addr.arpa")
    assert check(zone).result is Result.FAIL


PIECES = (
    "v=spf1 + - ? ~ all a mx ptr include: exists: ip4: ip6: redirect= exp= x= : / // . 0 24 33 129 192.0.2.3"
    " 2001:db8::1 % %{ } %{d} %{p} %{l2r-} %{ir} %% %_ %- %{z} %{d0} a.test email.example.com"
)
WORDS = st.sampled_from([*PIECES.split(), " ", " ", " ", "\t", "\xe4"])


@given(st.lists(WORDS, max_size=25).map("".join), st.text(max_size=20), st.text(max_size=20))
def test_any_record_comes_to_a_result(record: str, sender: str, helo: str) -> None:
    zone = (
        publishing(b"v=spf1 " + record.encode()).say("a.test", "A", "192.0.2.9").say("a.test", "TXT", b"%{p}")
    )
    zone.say("3.2.0.192.in-addr.arpa", "PTR", "a.test", "\xe4.test", "")
    found = check(zone, sender=f"{sender}@email.example.com", helo=helo)
    assert found.result is not Result.NONE
    assert (found.reason + found.explanation + found.mechanism).isprintable()
