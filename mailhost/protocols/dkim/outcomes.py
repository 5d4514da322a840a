"""What came of a signature: the results of RFC 8601 section 2.7.1 with their reasons."""

import enum
from dataclasses import dataclass


class Result(enum.StrEnum):
    """By their words. "none", for a message without signatures, is an empty list of verifications."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"  # header or body are not what was signed
    NEUTRAL = "neutral"  # not to be read, not to be processed, or a domain that is only trying
    TEMPERROR = "temperror"  # no answer from DNS; later it may be different
    PERMERROR = "permerror"  # no usable key, out of its time, no From
    POLICY = "policy"  # what we refuse to rely on: weak algorithms and keys


@dataclass(frozen=True, slots=True)
class Verification:
    """One signature's outcome. What could not be read is empty.

    domain, selector: A-labels in lower case. identity: i=, decoded. algorithm: as in a=. signature_start: the first
    eight characters of b=, which tell signatures of one domain apart (RFC 6008). covers_whole_body: no l= leaves
    octets at the end unsigned. is_testing: the key says t=y.
    """

    result: Result
    reason: str
    domain: str = ""
    selector: str = ""
    identity: str = ""
    algorithm: str = ""
    signature_start: str = ""
    key_bits: int = 0
    covers_whole_body: bool = True
    is_testing: bool = False


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why something does not pass, before it is told with the rest of a signature."""

    result: Result
    reason: str
