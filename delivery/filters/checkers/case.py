"""What a checker is told of a message, and what it may have to say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from delivery.findings import Finding
from mailhost.protocols.milter.answers import HeaderChange
from mailhost.protocols.smtp.replies import Reply

AWAY: Final = "away"


@dataclass(frozen=True, slots=True)
class Case:
    """A message, complete, and how it came. octets: without results fields that pose as this host's.

    peer: the client's address; client_name: its name, "" where none leads back to the address; reverse_path: "" for
    the null one; forward_paths: each once; tls: version and cipher, "" without.
    """

    octets: bytes
    peer: str
    helo: str
    reverse_path: str
    forward_paths: tuple[str, ...]
    trace_id: str
    host_name: str
    client_name: str = ""
    tls: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one or several checkers say.

    findings: about the message. refused: forward-paths that a milter refuses, by why. changes: of the header, in
    order. deferral: the message is to be brought again.
    """

    findings: tuple[Finding, ...] = ()
    refused: Mapping[str, Finding] = field(default_factory=dict)
    changes: tuple[HeaderChange, ...] = ()
    deferral: Reply | None = None


class WhenAway(StrEnum):
    """What follows where a checker does not answer, or cannot look at the message."""

    ACCEPT = "accept"
    DEFER = "defer"


def without(what: str, *, check: str, why: str, policy: WhenAway) -> Opinion:
    """The opinion where there is none. what: the checker, as people know it; why: a sentence."""
    finding = Finding(check, AWAY, f"{what} was not heard: {why}")
    if policy is WhenAway.ACCEPT:
        return Opinion((finding,))
    return Opinion((finding,), deferral=Reply(451, "4.3.0", "A check of this host is away, try again later"))


def together(opinions: Sequence[Opinion]) -> Opinion:
    """All of them as one; the first deferral is told."""
    refused: dict[str, Finding] = {}
    for opinion in opinions:
        for path, finding in opinion.refused.items():
            refused.setdefault(path, finding)
    return Opinion(
        tuple(finding for opinion in opinions for finding in opinion.findings),
        refused,
        tuple(change for opinion in opinions for change in opinion.changes),
        next((opinion.deferral for opinion in opinions if opinion.deferral), None),
    )
