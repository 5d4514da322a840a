"""DMARC policy records (RFC 9989 sections 4.7 and 4.8)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

REMEMBERED_OCTETS: Final = 1_024  # larger records are read each time they come
_VERSION = re.compile(rb"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)", re.IGNORECASE)
_TAG = re.compile(r"[ \t]*([A-Za-z]+)[ \t]*=[ \t]*([ -:<-~]*?)[ \t]*")
# What RFC 3986 has for a URI; "," and "!" have to be encoded. A size behind "!" is RFC 7489's (section 6.3).
_URI = re.compile(
    r"[ \t]*([A-Za-z][A-Za-z0-9+.\-]*:[\"-+\--~]+)(?:!([0-9]{1,15})[0-9]*([kmgt]?))?[ \t]*", re.IGNORECASE
)
_UNITS: Final = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}  # RFC 7489 section 6.3: powers of two
MAX_URIS: Final = 20  # more is nobody's reporting, and each would be a message


class Policy(StrEnum):
    """What the domain asks for where a message fails, from mild to strict."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class ReportUri:
    """Where reports are wanted. max_octets: the largest one that is taken there, as it is sent; None: any."""

    uri: str
    max_octets: int | None = None


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """policy: p, "none" where it is missing. subdomain_policy, nonexistent_policy: sp and np, None where missing.

    is_usable is False where p, sp or np is wrong and there is no rua to tell of it (RFC 9989 section 4.10.1).
    psd: "y", "n" or "u". failure_options: of fo.
    """

    policy: Policy = Policy.NONE
    subdomain_policy: Policy | None = None
    nonexistent_policy: Policy | None = None
    is_dkim_strict: bool = False
    is_spf_strict: bool = False
    is_testing: bool = False
    psd: str = "u"
    failure_options: frozenset[str] = frozenset("0")
    aggregate_uris: tuple[ReportUri, ...] = ()
    failure_uris: tuple[ReportUri, ...] = ()
    is_usable: bool = True

    def policy_for(self, *, is_subdomain: bool, is_existing: bool) -> Policy:
        """Which of p, sp and np holds, and one level less where the domain is testing (section 4.7, tag t)."""
        policy = self.policy
        if is_subdomain:
            policy = self.subdomain_policy or policy
            if not is_existing:
                policy = self.nonexistent_policy or policy
        if self.is_testing:
            return Policy.QUARANTINE if policy is Policy.REJECT else Policy.NONE
        return policy


def find_record(records: Sequence[bytes]) -> DmarcRecord | None:
    """The one DMARC record among a name's TXT records; where there are several, none (section 4.10)."""
    found = [record for record in records if is_record(record)]
    return parse_record(found[0]) if len(found) == 1 else None


def is_record(octets: bytes) -> bool:
    """Whether it begins with v=DMARC1, which is in capitals (section 4.8)."""
    version = _VERSION.match(octets)
    return version is not None and b"DMARC1" in version[0]


def parse_record(octets: bytes) -> DmarcRecord:
    """The record; what is wrong in it is as if it were not there (section 4.7). Of a tag that comes twice the
    first counts."""
    return _parse_once(octets) if len(octets) <= REMEMBERED_OCTETS else _parse(octets)


def _parse(octets: bytes) -> DmarcRecord:
    tags: dict[str, str] = {}
    for text in octets.decode("ascii", errors="replace").split(";")[1:]:
        if tag := _TAG.fullmatch(text):
            tags.setdefault(tag[1].lower(), tag[2])
    aggregate_uris = _uris(tags.get("rua", ""))
    policies = {name: _policy(tags[name]) for name in ("p", "sp", "np") if name in tags}
    is_wrong = None in policies.values()
    if is_wrong:
        policies = {}
    return DmarcRecord(
        policy=policies.get("p") or Policy.NONE,
        subdomain_policy=policies.get("sp"),
        nonexistent_policy=policies.get("np"),
        is_dkim_strict=tags.get("adkim", "").lower() == "s",
        is_spf_strict=tags.get("aspf", "").lower() == "s",
        is_testing=tags.get("t", "").lower() == "y",
        psd=_psd(tags.get("psd", "").lower()),
        failure_options=frozenset(tags.get("fo", "").lower().split(":")) & frozenset("01ds")
        or frozenset("0"),
        aggregate_uris=aggregate_uris,
        failure_uris=_uris(tags.get("ruf", "")),
        is_usable=not is_wrong or bool(aggregate_uris),
    )


# Mail comes from the same domains again and again.
_parse_once = lru_cache(maxsize=2_000)(_parse)


def _policy(text: str) -> Policy | None:
    try:
        return Policy(text.lower())
    except ValueError:
        return None


def _psd(text: str) -> str:
    return text if text in {"y", "n"} else "u"


def _uris(text: str) -> tuple[ReportUri, ...]:
    """The well-formed ones."""
    found = (_URI.fullmatch(each) for each in text.split(","))
    return tuple(ReportUri(uri[1], _octets(uri[2], uri[3])) for uri in found if uri)[:MAX_URIS]


def _octets(digits: str | None, unit: str) -> int | None:
    return None if digits is None else int(digits) << _UNITS[unit.lower()]
