"""The grammar of MTA-STS: the TXT record, the policy, and which MX hosts it allows (RFC 8461 sections 3 and 4.1)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailhost.protocols.dns_names import can_be_looked_up

MAX_POLICY_OCTETS: Final = 64 * 1024  # RFC 8461 section 3.3 suggests this much
MAX_AGE_SECONDS: Final = 31_557_600  # RFC 8461 section 3.2: about a year; more is taken as this
MAX_RECORD_OCTETS: Final = 4_096  # the grammar sets no bound; records in use are below 100
MAX_PATTERNS: Final = 1_000  # of MX hosts: nobody has as many, and each is compared with each host

# RFC 8461 section 3.1: sts-version, sts-id and sts-extension are case-sensitive.
_RECORD_START: Final = re.compile(rb"v=STSv1[ \t]*;")
_RECORD_ID: Final = re.compile(r"[A-Za-z0-9]{1,32}")
_RECORD_FIELD: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31})=([!-:<>-~]+)")
# RFC 8461 section 3.2: sts-policy-max-age is 1*10(DIGIT).
_SECONDS: Final = re.compile(r"[0-9]{1,10}")
_FIELD_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_HOST: Final = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


class NoRecord(Exception):
    """The domain has no MTA-STS record. The text is a sentence."""


class RecordInvalid(NoRecord):
    """There is one that means the same as none (RFC 8461 section 3.1)."""


class PolicyInvalid(ValueError):
    """What was fetched is no policy. The text is a sentence."""


class Mode(Enum):
    """What to do with a host that fails (RFC 8461 section 5)."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class StsPolicy:
    """patterns: lower case, as `mx.example.org` or `*.example.org`; none only where mode is NONE."""

    mode: Mode
    max_age_seconds: int
    patterns: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """As in its file: parse_policy reads them back, and TLS reports quote them (RFC 8460 section 4.4)."""
        hosts = [f"mx: {each}" for each in self.patterns]
        return (
            "version: STSv1",
            f"mode: {self.mode.value}",
            *hosts,
            f"max_age: {self.max_age_seconds}",
        )

    def allows(self, host: str) -> bool:
        """Whether mail may go to this MX host; `*.` stands for one label (RFC 8461 section 4.1)."""
        host = host.lower().removesuffix(".")
        _, _, parent = host.partition(".")
        return host in self.patterns or (parent != "" and f"*.{parent}" in self.patterns)


def record_id(texts: Sequence[bytes]) -> str:
    """The id in the TXT records of `_mta-sts.DOMAIN`, that changes as the policy does.

    Raises NoRecord, and RecordInvalid where there is none that counts (RFC 8461 section 3.1).
    """
    found = [text for text in texts if _RECORD_START.match(text)]
    if not found:
        raise NoRecord("The domain has no MTA-STS record.")
    if len(found) > 1:
        raise RecordInvalid("The domain has more than one MTA-STS record, so that none counts.")
    if len(found[0]) > MAX_RECORD_OCTETS or not found[0].isascii():
        raise RecordInvalid("The MTA-STS record is too long, or not ASCII.")
    fields = [field.strip(" \t") for field in found[0].decode("ascii").split(";")[1:]]
    if not fields[-1]:
        fields.pop()
    ids = []
    for field in fields:
        match = _RECORD_FIELD.fullmatch(field)
        if match is None:
            raise RecordInvalid("The MTA-STS record has a part that is no field.")
        if match[1] == "id":
            ids.append(match[2])
    if len(ids) != 1 or not _RECORD_ID.fullmatch(ids[0]):
        raise RecordInvalid("The MTA-STS record has no id of 1 to 32 letters and digits.")
    return ids[0]


def parse_policy(octets: bytes) -> StsPolicy:
    """The policy in a file as it was fetched (RFC 8461 section 3.2). Raises PolicyInvalid."""
    fields, patterns = _fields(octets)
    if fields.get("version") != "STSv1":
        raise PolicyInvalid("The policy is not of version STSv1.")
    try:
        mode = Mode(fields.get("mode"))
    except ValueError as error:
        raise PolicyInvalid("The policy has no mode that is known.") from error
    seconds = fields.get("max_age", "")
    if not _SECONDS.fullmatch(seconds):
        raise PolicyInvalid("The policy does not say in seconds how long it holds.")
    if not patterns and mode is not Mode.NONE:
        raise PolicyInvalid("The policy names no MX host.")
    return StsPolicy(mode, min(int(seconds), MAX_AGE_SECONDS), patterns)


def _fields(octets: bytes) -> tuple[dict[str, str], tuple[str, ...]]:
    """Every field but mx, of which the first one counts (RFC 8461 section 3.2), and the patterns."""
    if len(octets) > MAX_POLICY_OCTETS:
        raise PolicyInvalid("The policy is longer than 64 KB.")
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PolicyInvalid("The policy is not UTF-8.") from error
    fields: dict[str, str] = {}
    patterns: dict[str, None] = {}
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    for line in lines:
        name, colon, value = line.removesuffix("\r").partition(":")
        value = value.strip(" \t")
        if not colon or not _FIELD_NAME.fullmatch(name):
            raise PolicyInvalid("The policy has a line that is no field.")
        if name == "mx":
            patterns[_pattern(value)] = None
        else:
            fields.setdefault(name, value)
    if len(patterns) > MAX_PATTERNS:
        raise PolicyInvalid(f"The policy names more than {MAX_PATTERNS} MX hosts.")
    return fields, tuple(patterns)


def _pattern(value: str) -> str:
    pattern = value.lower()
    if not _HOST.fullmatch(pattern) or not can_be_looked_up(pattern):
        raise PolicyInvalid("The policy has an MX host that is no name.")
    return pattern
