"""The test suite of the OpenSPF project for RFC 7208 (rfc7208-tests.yml; its licence lies beside it)."""

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from mailhost.protocols.spf import Result, check_host, mail_from_identity
from tests.support.dns_zone import DnsZone, run

SUITE = Path(__file__).with_name("rfc7208-tests.yml")
KINDS = {"A", "AAAA", "MX", "PTR", "TXT"}


def zone_of(data: dict[str, list[Any]]) -> DnsZone:
    """The zone of a scenario. Records of type SPF stand for TXT ones where a name says nothing of TXT."""
    zone = DnsZone()
    for name, entries in data.items():
        answered: set[str] = set()
        says_txt = any("TXT" in entry for entry in entries if isinstance(entry, dict))
        for entry in entries:
            if entry == "TIMEOUT":
                zone.fall_silent(name, *(KINDS - answered))
                continue
            ((kind, value),) = entry.items()
            if kind == "SPF" and not says_txt:
                kind = "TXT"
            if value == "TIMEOUT":
                zone.fall_silent(name, kind)
            elif value != "NONE" and kind != "SPF":
                answered.add(kind)
                zone.say(name, kind, value_of(kind, value))
    return zone


def value_of(kind: str, value: Any) -> Any:
    if kind == "TXT":
        return "".join([value] if isinstance(value, str) else value).encode()
    if kind == "MX":
        return value[1]
    return value


def cases() -> Iterator[Any]:
    for scenario in yaml.safe_load_all(SUITE.read_text(encoding="utf-8")):
        for name, case in scenario["tests"].items():
            yield pytest.param(scenario["zonedata"], case, id=f"{scenario['description']}: {name}")


@pytest.mark.parametrize(("data", "case"), list(cases()))
def test_the_suite_passes(data: dict[str, list[Any]], case: dict[str, Any]) -> None:
    domain, sender = mail_from_identity(case["mailfrom"], helo=case["helo"])
    found = run(
        check_host(
            ip=ipaddress.ip_address(case["host"]),
            domain=domain,
            sender=sender,
            helo=case["helo"],
            resolver=zone_of(data),
            receiver="receiver.test",
            now=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        )
    )
    wanted = case["result"]
    assert found.result in ([wanted] if isinstance(wanted, str) else wanted), found
    assert found.reason.endswith(".")
    if "explanation" in case and case["explanation"] != "DEFAULT":
        assert found.explanation == case["explanation"]
    elif found.result is not Result.FAIL or "explanation" in case:
        assert found.explanation == ""


def test_the_suite_is_whole() -> None:
    assert len(list(cases())) == 203
