"""DMARC aggregate reports as values (RFC 9990; what only RFC 7489 has is read and dropped).

`aggregate_reading` makes them of an attachment, `aggregate_writing` an attachment of them.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PublishedPolicy:
    """The record as the reporter saw it, in the words of its tags; "" where it does not tell."""

    domain: str
    p: str
    sp: str = ""
    np: str = ""
    adkim: str = ""
    aspf: str = ""
    fo: str = ""
    testing: str = ""
    discovery_method: str = ""


@dataclass(frozen=True, slots=True)
class DkimOutcome:
    """What one signature came to, whether it is aligned or not."""

    domain: str
    selector: str
    result: str
    human_result: str = ""


@dataclass(frozen=True, slots=True)
class SpfOutcome:
    """What SPF came to, whether it is aligned or not."""

    domain: str
    result: str
    scope: str = ""
    human_result: str = ""


@dataclass(frozen=True, slots=True)
class Override:
    """Why something else was done than the policy says: type is one of RFC 9990's or RFC 7489's."""

    type: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Messages that agree in everything here. dkim and spf: "pass" where an aligned one passed, or "fail"."""

    source_ip: str
    count: int
    disposition: str
    dkim: str
    spf: str
    header_from: str
    envelope_from: str = ""
    envelope_to: str = ""
    dkim_outcomes: tuple[DkimOutcome, ...] = ()
    spf_outcomes: tuple[SpfOutcome, ...] = ()
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True)
class AggregateReport:
    """One report; begin and end are aware and whole seconds."""

    org_name: str
    email: str
    report_id: str
    begin: datetime
    end: datetime
    policy: PublishedPolicy
    rows: tuple[Row, ...]
    extra_contact_info: str = ""
    generator: str = ""
    errors: tuple[str, ...] = ()
