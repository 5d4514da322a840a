"""Why a message is where it is, in words for its reader, and what would become of the next one like it."""

from dataclasses import dataclass

from delivery.filters.recording import read_verdict
from delivery.findings import Action, Finding
from delivery.quarantine import Held
from mailboxes.sender_rules import patterns_for
from mailhost.webmail.reading import Letter

DONE = {
    Action.DELIVER: "It was delivered to your inbox.",
    Action.JUNK: "It was put into Junk.",
    Action.QUARANTINE: "It was held in quarantine.",
    Action.REFUSE: "It was refused.",
}
NEXT = {
    Action.DELIVER: "go to your inbox",
    Action.JUNK: "go to Junk",
    Action.QUARANTINE: "be held in quarantine",
    Action.REFUSE: "be refused",
}


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


def of_held(held: Held, letter: Letter) -> Why | None:
    """The same of a message in quarantine."""
    if held.verdict is None:
        return None
    return Why(DONE[Action.QUARANTINE], held.verdict.score, held.verdict.findings, *_patterns(letter))


def _patterns(letter: Letter) -> tuple[str, str]:
    """The patterns that mean the author's address, and its domain."""
    for person in letter.message.from_[:1]:
        patterns = patterns_for(person.address)
        if len(patterns) > 1:
            return patterns[0], patterns[1]
    return "", ""
