"""What would be done with a message that is here already if it came once more: what people's corrections lead to.

DNS is not asked again and the message is not looked at again: what was found out when it came is what is known of its
sender. Only what the account itself says, by its rules and its lessons, is asked anew.
"""

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

from delivery.filters.examination import judge_for
from delivery.filters.incoming import Incoming
from delivery.filters.recording import as_verdict
from delivery.findings import Finding, Verdict
from delivery.models import RecordedVerdict
from mailboxes.models import Content

OWN_CHECKS: Final = frozenset({"sender-rule", "lessons"})  # what an account says of a message, by itself
UNKNOWN_PEER: Final = "0.0.0.0"


def judge_again(*, account_id: int, content_id: int) -> Verdict | None:
    """The verdict on the next message like this one; None where the content or the account is gone."""
    content = Content.objects.filter(pk=content_id).only("octets").first()
    if content is None:
        return None
    row = RecordedVerdict.objects.filter(account_id=account_id, content_id=content_id).first()
    findings = () if row is None else as_verdict(row).findings
    message = Incoming(
        peer=ip_address((row and row.peer) or UNKNOWN_PEER),
        helo="",
        reverse_path=row.reverse_path if row else "",
        domains=frozenset(),
        octets=bytes(content.octets),
    )
    facts = [finding for finding in findings if finding.check not in OWN_CHECKS]
    verdicts = judge_for(message, [account_id], facts, is_forged=was_forged(facts))
    return verdicts[account_id][0] if account_id in verdicts else None


def was_forged(findings: Iterable[Finding]) -> bool:
    """Whether the domain in From disowned the message (RFC 9989): see authenticity.is_forged."""
    return any(finding.check == "dmarc" and finding.result == "fail" for finding in findings)
