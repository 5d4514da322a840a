"""What follows from who a message is from: points for what is doubtful, and what DMARC's domain owner asks for."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from delivery.filters.authentication import Authentication
from delivery.findings import Action, Finding
from mailhost.protocols import arc, dkim, dmarc, iprev, spf

IPREV_SCORES: Final = {iprev.Result.PERMERROR: 1.0, iprev.Result.FAIL: 0.5}
SPF_SCORES: Final = {
    spf.Result.FAIL: 2.5,
    spf.Result.SOFTFAIL: 1.0,
    spf.Result.PERMERROR: 0.5,
}
# A signature that does not hold any more is what mailing lists leave of it (RFC 6376 section 6.1).
BROKEN_SIGNATURE_SCORE: Final = 0.2
DMARC_PASS_SCORE: Final = -0.5
DMARC_FAIL_SCORE: Final = 1.5
NO_AUTHOR_SCORE: Final = 1.5  # From is absent, more than one, or written so that readers differ
_DEMANDS: Final = {
    dmarc.Policy.NONE: Action.DELIVER,
    dmarc.Policy.QUARANTINE: Action.JUNK,
    dmarc.Policy.REJECT: Action.REFUSE,
}


@dataclass(frozen=True, slots=True)
class Excuse:
    """override: its type in reports (RFC 9990). text: a sentence for people."""

    override: str
    text: str


def authenticity_findings(
    found: Authentication, *, trusted_sealers: Collection[str], known_lists: Collection[str]
) -> Iterator[Finding]:
    """One finding for each method that says something, in plain words."""
    yield Finding("iprev", found.iprev.result, found.iprev.reason, IPREV_SCORES.get(found.iprev.result, 0.0))
    yield Finding("spf", found.spf.result, found.spf.reason, SPF_SCORES.get(found.spf.result, 0.0))
    yield from _of_signatures(found.dkim)
    if found.arc.status != arc.ChainStatus.NONE:
        yield Finding("arc", found.arc.status, found.arc.reason)
    yield from _of_dmarc(found, trusted_sealers, known_lists)


def _of_signatures(signatures: Collection[dkim.Verification]) -> Iterator[Finding]:
    if not signatures:
        yield Finding("dkim", "none", "The message is not signed.")
    has_passed = any(each.result == dkim.Result.PASS for each in signatures)
    for each in signatures:
        whose = f"The signature of {each.domain}" if each.domain else "A signature"
        if each.result == dkim.Result.PASS:
            yield Finding("dkim", "pass", f"{whose} holds.")
        else:
            is_broken = each.result == dkim.Result.FAIL and not has_passed
            score = BROKEN_SIGNATURE_SCORE if is_broken else 0.0
            yield Finding("dkim", each.result, f"{whose} does not count: {each.reason}", score)


def _of_dmarc(
    found: Authentication, trusted_sealers: Collection[str], known_lists: Collection[str]
) -> Iterator[Finding]:
    result = found.dmarc
    if result.result == dmarc.Result.PASS:
        yield Finding("dmarc", "pass", result.reason, DMARC_PASS_SCORE)
    elif result.result != dmarc.Result.FAIL:
        yield Finding("dmarc", result.result, result.reason, 0.0 if result.from_domain else NO_AUTHOR_SCORE)
    elif excuse := excuse_of(found, trusted_sealers=trusted_sealers, known_lists=known_lists):
        yield Finding("dmarc", "fail", f"{result.reason} {excuse.text}")
    else:
        wish = {
            dmarc.Policy.NONE: "asks for nothing then",
            dmarc.Policy.QUARANTINE: "asks to keep such mail out of inboxes",
            dmarc.Policy.REJECT: "asks to refuse such mail",
        }[result.policy]
        text = f"{result.reason} {result.domain} {wish}."
        yield Finding("dmarc", "fail", text, DMARC_FAIL_SCORE, at_least=_DEMANDS[result.policy])


def excuse_of(
    found: Authentication, *, trusted_sealers: Collection[str], known_lists: Collection[str]
) -> Excuse | None:
    """Why a failure of DMARC is not the sender's doing; None where nobody vouches for it."""
    if found.arc.status == arc.ChainStatus.PASS:
        for sealer in found.arc.sealers:
            if sealer.domain not in trusted_sealers:
                break  # what is sealed below an unknown hand may have been made up by it
            if _says_dmarc_passed(sealer.authentication_results):
                text = f"It was forwarded, and {sealer.domain}, which is trusted, found it authentic before."
                return Excuse("trusted_forwarder", text)
    for domain in found.signing_domains:
        if domain in known_lists:
            return Excuse("mailing_list", f"It came through the mailing list of {domain}, which signed it.")
    return None


def _says_dmarc_passed(field: bytes) -> bool:
    """Whether one of the results is dmarc=pass (RFC 8601 section 2.2)."""
    return any(piece.strip().lower().startswith(b"dmarc=pass") for piece in field.split(b";"))


def is_forged(found: Authentication) -> bool:
    """Whether the domain in From disowns the message."""
    return found.dmarc.result == dmarc.Result.FAIL
