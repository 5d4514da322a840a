"""Sender rules, held messages and verdicts as JSON."""

from datetime import datetime

from pydantic import Field

from delivery.filters.correcting import Consequence
from delivery.filters.recording import as_verdict
from delivery.findings import Finding, Verdict
from delivery.models import RecordedVerdict
from delivery.quarantine import Held
from mailboxes.models import SenderRule
from mailhost.api.schemas import Change, Described, Page


class SenderRuleChange(Change):
    """A rule, as it is to be."""

    is_allowed: bool = Field(description="true: always let in; false: refused.")


class SenderRuleBody(Described):
    """A sender that an account always lets in, or refuses."""

    pattern: str = Field(
        description="An address, or `@domain` with its subdomains.", examples=["@example.org"]
    )
    is_allowed: bool = Field(description="true: always let in; false: refused.")
    created_at: datetime

    @classmethod
    def of(cls, rule: SenderRule) -> "SenderRuleBody":
        """From the row."""
        return cls(pattern=rule.pattern, is_allowed=rule.is_allowed, created_at=rule.created_at)


class FindingBody(Described):
    """What one check has found."""

    check: str = Field(examples=["spf"])
    result: str = Field(examples=["softfail"])
    score: float = Field(description="Points; above 0 for junk.")
    text: str = Field(description="For people: a sentence.")
    at_least: str | None = Field(description="What it demands whatever the points are, if anything.")

    @classmethod
    def of(cls, finding: Finding) -> "FindingBody":
        """From the value."""
        demand = finding.at_least.name.lower() if finding.at_least else None
        return cls(
            check=finding.check,
            result=finding.result,
            score=finding.score,
            text=finding.text,
            at_least=demand,
        )


class VerdictBody(Described):
    """What was done with a message for one account, and why."""

    content_id: int
    trace_id: str
    action: str = Field(description="`deliver`, `junk`, `quarantine` or `refuse`.", examples=["junk"])
    score: float = Field(description="All points together.")
    findings: list[FindingBody] = Field(description="What weighs most comes first.")
    peer: str = Field(description="The address of the client that brought it.", examples=["192.0.2.1"])
    reverse_path: str = Field(description="MAIL FROM; empty for the null one.")
    judged_at: datetime

    @classmethod
    def of(cls, row: RecordedVerdict) -> "VerdictBody":
        """From the row."""
        verdict = as_verdict(row)
        return cls(
            content_id=row.content_id,
            trace_id=row.trace_id,
            action=verdict.action.name.lower(),
            score=verdict.score,
            findings=[FindingBody.of(each) for each in verdict.findings],
            peer=row.peer,
            reverse_path=row.reverse_path,
            judged_at=row.judged_at,
        )


class LessonChange(Change):
    """What a message is, as the account says."""

    is_junk: bool = Field(description="true: junk; false: wanted mail.")


class ForecastBody(Described):
    """What would be done with a message."""

    action: str = Field(description="`deliver`, `junk`, `quarantine` or `refuse`.", examples=["junk"])
    score: float = Field(description="All points together.")
    findings: list[FindingBody] = Field(description="What weighs most comes first.")

    @classmethod
    def of(cls, verdict: Verdict | None) -> "ForecastBody | None":
        """From the value."""
        if verdict is None:
            return None
        findings = [FindingBody.of(each) for each in verdict.findings]
        return cls(action=verdict.action.name.lower(), score=verdict.score, findings=findings)


class LessonBody(Described):
    """What the account says of a message, and what that means for the next one like it."""

    content_id: int
    is_junk: bool
    is_learned: bool = Field(
        description="false: it is learned within seconds, and not counted in `after` yet."
    )
    before: ForecastBody | None = Field(
        description="What was done with it when it came; null where that is not kept any more."
    )
    after: ForecastBody | None = Field(
        description="What would be done with the next message like it; null where that cannot be said."
    )

    @classmethod
    def of(cls, content_id: int, is_junk: bool, found: Consequence | None) -> "LessonBody":
        """From the value."""
        return cls(
            content_id=content_id,
            is_junk=is_junk,
            is_learned=found is not None and found.is_learned,
            before=ForecastBody.of(found.before if found else None),
            after=ForecastBody.of(found.after if found else None),
        )


class HeldBody(Described):
    """A message that is held back for an account."""

    id: int = Field(description="What it is released and discarded by.")
    content_id: int = Field(description="What its verdict is found by.")
    author: str = Field(description="Who it says it is from: the name, or the address.")
    subject: str
    held_at: datetime
    expires_at: datetime
    score: float | None = Field(description="null where its verdict is not kept any more.")
    reason: str | None = Field(description="What weighs most against it, as a sentence.")

    @classmethod
    def of(cls, held: Held) -> "HeldBody":
        """From the value."""
        return cls(
            id=held.quarantined_id,
            content_id=held.content_id,
            author=held.sender,
            subject=held.subject,
            held_at=held.held_at,
            expires_at=held.expires_at,
            score=held.verdict.score if held.verdict else None,
            reason=held.reason or None,
        )


class SenderRulePage(Page):
    """Rules of one account by pattern."""

    items: list[SenderRuleBody]


class HeldPage(Page):
    """Held messages of one account, newest first."""

    items: list[HeldBody]


class VerdictPage(Page):
    """Verdicts of one account, newest first."""

    items: list[VerdictBody]
