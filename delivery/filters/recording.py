"""Verdicts in the database, beside the message that they are about: why it is where it is, and what is held back."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.conf import settings

from delivery.findings import Action, Finding, Verdict
from delivery.models import Quarantined, RecordedVerdict

MAX_TEXT = 1_000  # of one finding: sentences are far shorter


@dataclass(frozen=True, slots=True)
class Judged:
    """One account's verdict on a message, and how it came. mailbox_id: where it goes, None for INBOX.

    An account that refuses what others take has its copy in quarantine: nobody can be told otherwise by then.
    """

    account_id: int
    verdict: Verdict
    trace_id: str
    peer: str
    reverse_path: str
    mailbox_id: int | None = None

    @property
    def action(self) -> Action:
        """What is done with this account's copy."""
        return min(self.verdict.action, Action.QUARANTINE)


def record_verdicts(judged: Sequence[tuple[Judged, int]], *, now: datetime) -> None:
    """Writes (verdict, content id) pairs, in the caller's transaction."""
    if not judged:
        return
    RecordedVerdict.objects.bulk_create(
        [
            RecordedVerdict(
                account_id=each.account_id,
                content_id=content_id,
                action=each.action,
                score=each.verdict.score,
                findings=[_storable(finding) for finding in each.verdict.findings],
                trace_id=each.trace_id,
                peer=each.peer,
                reverse_path=each.reverse_path,
                judged_at=now,
            )
            for each, content_id in judged
        ]
    )
    Quarantined.objects.bulk_create(
        [
            Quarantined(
                account_id=each.account_id,
                content_id=content_id,
                held_at=now,
                expires_at=now + timedelta(days=settings.QUARANTINE_DAYS),
            )
            for each, content_id in judged
            if each.action is Action.QUARANTINE
        ]
    )


def _storable(finding: Finding) -> dict[str, object]:
    """As JSON that Postgres takes: without NUL and halves of surrogate pairs, whatever a check has quoted."""
    text = finding.text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return {name: value for name, value in asdict(finding).items() if name != "reply"} | {
        "text": text[:MAX_TEXT]
    }


def read_verdict(*, account_id: int, content_id: int) -> Verdict | None:
    """Why the account has this message where it is; None where it was not judged, or long ago."""
    row = RecordedVerdict.objects.filter(account_id=account_id, content_id=content_id).first()
    if row is None:
        return None
    return as_verdict(row)


def as_verdict(row: RecordedVerdict) -> Verdict:
    """What stands in the row."""
    findings = [Finding(**{**each, "at_least": Action(each["at_least"])}) for each in row.findings]
    return Verdict(Action(row.action), row.score, tuple(findings))


def read_verdicts(*, account_id: int, content_ids: Collection[int]) -> dict[int, Verdict]:
    """Those of the account, by content, for a list: one statement."""
    rows = RecordedVerdict.objects.filter(account_id=account_id, content_id__in=content_ids)
    return {row.content_id: as_verdict(row) for row in rows}
