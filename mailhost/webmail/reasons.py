"""Why a message is where it is, in words for its reader, and what would become of the next one like it."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from delivery.filters.examination import judge_for
from delivery.filters.incoming import Incoming
from delivery.filters.recording import read_verdict
from delivery.findings import Action, Finding, Verdict
from delivery.models import RecordedVerdict
from mailboxes.sender_rules import patterns_for
from mailhost.webmail.reading import Letter

DONE = {
    Action.DELIVER: "It was delivered to your inbox.",
    Action.JUNK: "It was put into Junk.",
    Action.QUARANTINE: "It was held in quarantine.",
    Action.REFUSE: "It was refused.",
}
NEXT = {
    Action.DELIVER: "The next one like it would go to your inbox",
    Action.JUNK: "The next one like it would go to Junk",
    Action.QUARANTINE: "The next one like it would be held in quarantine",
    Action.REFUSE: "The next one like it would be refused",
}
OWN_CHECKS = {"sender-rule", "lessons"}  # what an account says itself, and may say otherwise by now


@dataclass(frozen=True, slots=True)
class Why:
    """done: one sentence; findings: what weighs most first. sender, domain: patterns for rules, "" where there is
    no sender."""

    done: str
    score: float
    findings: tuple[Finding, ...]
    sender: str = ""
    domain: str = ""


def why(letter: Letter, *, account_id: int) -> Why | None:
    """None where the filters have not looked at the message, or it was long ago. One statement."""
    verdict = read_verdict(account_id=account_id, content_id=letter.content_id)
    if verdict is None:
        return None
    sender, domain = _patterns(letter)
    return Why(DONE[verdict.action], verdict.score, verdict.findings, sender, domain)


def _patterns(letter: Letter) -> tuple[str, str]:
    """The patterns that mean the author's address, and its domain."""
    for person in letter.message.from_[:1]:
        patterns = patterns_for(person.address)
        if len(patterns) > 1:
            return patterns[0], patterns[1]
    return "", ""


def next_time(letter: Letter, *, account_id: int) -> str:
    """What would happen to the same message now, as a sentence; "" where nothing is known of this one."""
    row = RecordedVerdict.objects.filter(account_id=account_id, content_id=letter.content_id).first()
    verdict = read_verdict(account_id=account_id, content_id=letter.content_id)
    if row is None or verdict is None:
        return ""
    message = Incoming(ip_address(row.peer), "", row.reverse_path, frozenset(), letter.octets)
    again = _judged_again(message, verdict.findings, account_id)
    if again is None:
        return ""
    unproven = [
        each.text for each in again.findings if each.check == "sender-rule" and each.result == "unproven"
    ]
    return " ".join([f"{NEXT[again.action]} ({again.score:g} points).", *unproven])


def _judged_again(message: Incoming, findings: Iterable[Finding], account_id: int) -> Verdict | None:
    kept = [finding for finding in findings if finding.check not in OWN_CHECKS]
    is_forged = any(finding.check == "dmarc" and finding.result == "fail" for finding in kept)
    found = judge_for(message, [account_id], kept, is_forged=is_forged).get(account_id)
    return found[0] if found else None
