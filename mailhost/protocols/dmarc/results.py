"""What DMARC comes to for a message (RFC 9989 section 5.3, in the words of RFC 7489 section 11.2)."""

from dataclasses import dataclass
from enum import StrEnum

from mailhost.protocols.dmarc.record import DmarcRecord, Policy


class Result(StrEnum):
    """none: no record holds for the domain. permerror: the one that does cannot be used."""

    NONE = "none"
    PASS = "pass"  # noqa: S105  no password
    FAIL = "fail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True)
class DmarcResult:
    """policy: what the domain asks for where the result is fail; none wherever it may not be applied.

    domain: where the record was found, "" where none was. aligned_dkim: domains whose signatures count,
    is_spf_aligned: whether SPF's pass does. reason: a sentence for people.
    """

    result: Result
    from_domain: str
    reason: str
    policy: Policy = Policy.NONE
    domain: str = ""
    organizational_domain: str = ""
    record: DmarcRecord | None = None
    aligned_dkim: tuple[str, ...] = ()
    is_spf_aligned: bool = False
