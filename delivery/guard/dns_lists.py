"""Asking DNS lists about a client, once for its connection: all at once, in one short time (RFC 5782)."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

import structlog

from delivery.findings import Finding
from mailhost.net.resolver import LookUpFailed, NoAnswer, NoSuchDomain, Resolver
from mailhost.protocols.dns_lists import ListAnswer, canary_name, query_name, read_answer

log = structlog.get_logger(__name__)

IpAddress = IPv4Address | IPv6Address

CHECK: Final = "dns-list"
ALLOWED: Final = "allowed"
REFUSE: Final = "refuse"
DEFAULT_SCORE: Final = 3.0
# LIST, LIST=POINTS or LIST=refuse
_WORD = re.compile(
    r"(?P<zone>(?:[a-z0-9_-]{1,63}\.)+[a-z0-9-]{1,63})\.?(?:=(?P<weight>refuse|\d{1,2}(?:\.\d{1,2})?))?"
)


class DnsListInvalid(Exception):
    """A word of the setting cannot be read; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class DnsList:
    """score: points for who is on it, below 0 on an allow list. refuses: who is on it delivers nothing at all."""

    zone: str
    score: float
    refuses: bool = False

    @property
    def is_allow_list(self) -> bool:
        """Whether it vouches for who is on it."""
        return self.score < 0


@dataclass(frozen=True, slots=True)
class Listings:
    """What the lists say of a client. refusal: why it is not served, "" where it is."""

    findings: tuple[Finding, ...] = ()
    refusal: str = ""

    @property
    def is_allowed(self) -> bool:
        """Whether an allow list vouches for it."""
        return any(each.result == ALLOWED for each in self.findings)


def parse_dns_lists(words: Sequence[str], *, is_allow_list: bool = False) -> list[DnsList]:
    """The lists that a setting names, in order. Raises DnsListInvalid."""
    found = []
    for word in words:
        match = _WORD.fullmatch(word.lower())
        if match is None or (is_allow_list and match["weight"] == REFUSE):
            raise DnsListInvalid(f"{word!r} names no DNS list: write its domain, or DOMAIN=POINTS.")
        refuses = match["weight"] == REFUSE
        score = float(match["weight"] or DEFAULT_SCORE) if not refuses else DEFAULT_SCORE
        found.append(DnsList(match["zone"], -score if is_allow_list else score, refuses))
    return found


async def ask_dns_lists(
    peer: IpAddress, *, lists: Sequence[DnsList], resolver: Resolver, seconds: float
) -> Listings:
    """Asks all of them at once. A list that has not answered by then says nothing; never raises for what DNS says."""
    tasks = [asyncio.ensure_future(_ask(peer, each, resolver)) for each in lists]
    try:
        done, _ = await asyncio.wait(tasks, timeout=seconds)
    finally:
        for task in tasks:
            task.cancel()
    found = [
        (each, answer.codes)
        for each, task in zip(lists, tasks, strict=True)
        if task in done and (answer := task.result()) is not None
    ]
    findings = tuple(_finding(peer, each, codes) for each, codes in found)
    allowed = any(each.is_allow_list for each, _ in found)
    refusing = next((each.zone for each, _ in found if each.refuses), "")
    refusal = f"Mail from {peer} is not accepted: it is on the list {refusing}"
    return Listings(findings, refusal if refusing and not allowed else "")


async def _ask(peer: IpAddress, dns_list: DnsList, resolver: Resolver) -> ListAnswer | None:
    """None where the client is not on the list, or the list cannot be believed."""
    answer = await _look_up(query_name(peer, dns_list.zone), resolver)
    if not answer.is_listed:
        if answer.complaints or answer.strange:
            codes = [str(each) for each in (*answer.complaints, *answer.strange)]
            log.warning("a DNS list does not serve us", list=dns_list.zone, codes=codes)
        return None
    if (await _look_up(canary_name(peer, dns_list.zone), resolver)).codes:
        log.warning("a DNS list has everybody on it", list=dns_list.zone)
        return None
    return answer


async def _look_up(name: str, resolver: Resolver) -> ListAnswer:
    try:
        return read_answer(await resolver.ipv4(name))
    except (NoSuchDomain, NoAnswer):
        return ListAnswer()
    except LookUpFailed as error:
        log.info("a DNS list does not answer", reason=str(error))
        return ListAnswer()


def _finding(peer: IpAddress, dns_list: DnsList, codes: Sequence[IPv4Address]) -> Finding:
    shown = ", ".join(map(str, codes[:4]))
    if dns_list.is_allow_list:
        text = f"{peer} is on the allow list {dns_list.zone} ({shown})."
        return Finding(CHECK, ALLOWED, text, dns_list.score)
    return Finding(CHECK, "listed", f"{peer} is on the block list {dns_list.zone} ({shown}).", dns_list.score)
