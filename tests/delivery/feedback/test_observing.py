"""What one message counts as: the disposition, and why it is not what the domain asks for."""

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from pytest_django import Settings

from delivery.feedback.observing import Observation, observe
from delivery.filters.authentication import Authentication
from delivery.findings import Action
from mailhost.protocols import arc, dkim, dmarc, spf
from mailhost.protocols.dmarc.public_suffixes import registrable_domain
from mailhost.protocols.iprev import iprev
from tests.support.dns_zone import DnsZone, run

NOW = datetime(2026, 11, 25, 23, 59, tzinfo=UTC)
IP = ip_address("192.0.2.1")


def found(
    record: bytes, *, spf_domain: str = "other.test", signed_by: str = "", peer: str = ""
) -> Authentication:
    """What is found out about a message from far.test, whose record this is; SPF passes for its own domain."""
    zone = DnsZone().say("_dmarc.far.test", "TXT", record)
    result = run(
        dmarc.evaluate(
            from_domain="far.test",
            spf_domain=spf_domain,
            spf_result="pass",
            dkim_domains=[signed_by] if signed_by else [],
            txt=zone.txt,
            registrable=registrable_domain,
        )
    )
    signatures = (dkim.Verification(dkim.Result.PASS, "", signed_by, "s1"),) if signed_by else ()
    return Authentication(
        reverse_path=f"bounce@{spf_domain}",
        helo="mx.far.test",
        ip=peer or str(IP),
        iprev=run(iprev(ip=IP, resolver=zone)),
        spf=spf.SpfResult(spf.Result.PASS, spf_domain, ""),
        dkim=signatures,
        arc=arc.ChainVerification(arc.ChainStatus.NONE, ""),
        dmarc=result,
    )


def told(
    authentication: Authentication, *actions: Action, is_refused: bool = False
) -> tuple[str, list[str]] | None:
    seen = observe(authentication, actions=actions, is_refused=is_refused, now=NOW)
    return None if seen is None else (seen.row.disposition, [each.type for each in seen.row.overrides])


RUA = b"; rua=mailto:d@far.test"
REJECT, QUARANTINE, NONE = (b"v=DMARC1; p=" + word + RUA for word in (b"reject", b"quarantine", b"none"))


@pytest.mark.parametrize(
    "record", [b"v=spf1 -all", b"v=DMARC1; p=reject", b"v=DMARC1; p=reject; rua=https://far.test/"]
)
def test_who_does_not_ask_for_mail_about_it_is_not_told(record: bytes) -> None:
    assert told(found(record)) is None


@pytest.mark.parametrize(("record", "disposition"), [(REJECT, "pass"), (NONE, "none")])
def test_an_authentic_message(record: bytes, disposition: str) -> None:
    assert told(found(record, spf_domain="far.test"), Action.REFUSE) == (disposition, [])


@pytest.mark.parametrize(
    ("record", "actions", "is_refused", "outcome"),
    [
        (REJECT, [Action.REFUSE], True, ("reject", [])),
        (REJECT, [Action.REFUSE], False, ("quarantine", ["local_policy"])),
        (REJECT, [], False, ("none", ["local_policy"])),
        (QUARANTINE, [Action.JUNK], False, ("quarantine", [])),
        (QUARANTINE, [], False, ("none", ["local_policy"])),
        (QUARANTINE, [Action.REFUSE], True, ("quarantine", [])),
        (NONE, [Action.DELIVER], False, ("none", [])),
        (NONE, [Action.REFUSE], True, ("none", [])),
        (REJECT + b"; t=y", [Action.JUNK], False, ("quarantine", ["policy_test_mode"])),
        (QUARANTINE + b"; t=y", [Action.DELIVER], False, ("none", ["policy_test_mode"])),
    ],
)
def test_a_message_that_nobody_vouches_for(
    record: bytes, actions: list[Action], is_refused: bool, outcome: tuple[str, list[str]]
) -> None:
    assert told(found(record), *actions, is_refused=is_refused) == outcome


def test_a_known_list_excuses_it_and_is_named(settings: Settings) -> None:
    settings.KNOWN_LISTS = ("list.test",)
    seen = observe(found(REJECT, signed_by="list.test"), actions=[Action.DELIVER], is_refused=False, now=NOW)
    assert seen is not None
    [override] = seen.row.overrides
    assert (seen.row.disposition, override.type) == ("none", "mailing_list")
    assert "list.test" in override.comment


def test_a_trusted_forwarder_excuses_it(settings: Settings) -> None:
    settings.TRUSTED_SEALERS = ("hop.test",)
    sealer = arc.Sealer(1, "hop.test", "s", b" hop.test; dmarc=pass header.from=far.test")
    chain = arc.ChainVerification(arc.ChainStatus.PASS, "", (sealer,))
    forwarded = replace(found(REJECT), arc=chain)
    assert told(forwarded, Action.DELIVER) == ("none", ["trusted_forwarder"])


def test_what_dns_left_open_is_no_failure_and_says_so() -> None:
    zone = DnsZone().say("_dmarc.far.test", "TXT", REJECT)
    result = run(
        dmarc.evaluate(
            from_domain="far.test",
            spf_domain="far.test",
            spf_result="temperror",
            dkim_domains=[],
            txt=zone.txt,
        )
    )
    undecided = replace(found(REJECT), dmarc=result)
    assert told(undecided, Action.DELIVER) == ("none", ["other"])


def seen_from(authentication: Authentication) -> Observation:
    seen = observe(authentication, actions=[], is_refused=False, now=NOW)
    assert seen is not None
    return seen


def test_the_day_is_utcs_and_the_null_reverse_path_is_empty() -> None:
    null = replace(found(NONE), reverse_path="")
    seen = seen_from(null)
    assert (seen.day.isoformat(), seen.row.envelope_from) == ("2026-11-25", "")
    assert seen_from(found(NONE)).row.envelope_from == "other.test"


def test_an_ipv4_client_of_an_ipv6_socket_is_an_ipv4_client() -> None:
    assert seen_from(found(NONE, peer="::ffff:192.0.2.9")).row.source_ip == "192.0.2.9"
