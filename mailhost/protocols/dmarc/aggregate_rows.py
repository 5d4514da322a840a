"""From what was found out about one message to the row that it counts in (RFC 9990, "Aggregate Reports")."""

from collections.abc import Iterable
from typing import Final

from mailhost.protocols import dkim
from mailhost.protocols.dmarc.aggregate_reports import (
    DkimOutcome,
    Override,
    PublishedPolicy,
    Row,
    SpfOutcome,
)
from mailhost.protocols.dmarc.record import DmarcRecord, Policy
from mailhost.protocols.dmarc.results import DmarcResult, Result
from mailhost.protocols.spf.results import SpfResult

# RFC 9990 ("DKIM Signatures in Aggregate Reports") allows a hundred; but each is a part of a row's key as well, and a
# sender makes up as many as it likes.
MAX_SIGNATURES: Final = 10
MAX_TEXT: Final = 255  # characters: what DNS has as a name, or a sentence


def published_policy(domain: str, record: DmarcRecord) -> PublishedPolicy:
    """The record as it was applied, with the defaults of what it does not say."""
    return PublishedPolicy(
        domain=domain,
        p=record.policy,
        sp=record.subdomain_policy or record.policy,
        np=record.nonexistent_policy or record.subdomain_policy or record.policy,
        adkim="s" if record.is_dkim_strict else "r",
        aspf="s" if record.is_spf_strict else "r",
        fo=":".join(sorted(record.failure_options)),
        testing="y" if record.is_testing else "n",
        discovery_method="treewalk",
    )


def row_of(
    *,
    source_ip: str,
    envelope_from: str,
    dmarc: DmarcResult,
    spf: SpfResult,
    signatures: Iterable[dkim.Verification],
    disposition: str,
    overrides: Iterable[Override] = (),
) -> Row:
    """A row that counts one message. Recipients do not stand in it: envelope_to is left out.

    envelope_from: the domain of MAIL FROM, "" for the null reverse-path. disposition: "none", "pass", "quarantine" or
    "reject", what DMARC came to in the end; where that is not what the domain asks for, overrides say why.
    """
    return Row(
        source_ip=source_ip,
        count=1,
        disposition=disposition,
        dkim="pass" if dmarc.aligned_dkim else "fail",
        spf="pass" if dmarc.is_spf_aligned else "fail",
        header_from=_text(dmarc.from_domain),
        envelope_from=_text(envelope_from),
        dkim_outcomes=_outcomes(signatures, dmarc),
        # RFC 9990: "mfrom" is the only scope that there is, also where HELO stands for the null reverse-path.
        spf_outcomes=(SpfOutcome(_text(spf.domain), spf.result, "mfrom"),),
        overrides=tuple(Override(each.type, _text(each.comment)) for each in overrides),
    )


def passed_disposition(result: DmarcResult) -> str:
    """Of a message that is authentic: "pass" where the domain asks for something else otherwise."""
    is_enforced = result.result is Result.PASS and result.policy is not Policy.NONE
    return "pass" if is_enforced else "none"


def _outcomes(signatures: Iterable[dkim.Verification], dmarc: DmarcResult) -> tuple[DkimOutcome, ...]:
    """The most telling ones (RFC 9990): those that pass first, and of these the ones nearest to From."""

    def rank(each: dkim.Verification) -> tuple[bool, bool, bool, str, str, str]:
        is_own, is_aligned = each.domain == dmarc.from_domain, each.domain in dmarc.aligned_dkim
        has_passed = each.result is dkim.Result.PASS
        return (not has_passed, not is_own, not is_aligned, each.domain, each.selector, each.result)

    telling = [each for each in signatures if each.domain and each.selector]
    found = (
        DkimOutcome(_text(each.domain), _text(each.selector), each.result)
        for each in sorted(telling, key=rank)
    )
    return tuple(dict.fromkeys(found))[:MAX_SIGNATURES]


def _text(text: str) -> str:
    """Other people's words: as much of them as is reported, without what no database takes."""
    return text.replace("\0", "")[:MAX_TEXT].encode("utf-8", "replace").decode()
