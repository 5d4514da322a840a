"""Verdicts in the database, beside the message that they are about: why it is where it is, and what is held back."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from delivery.filters.policies import Place
from delivery.findings import Action, Finding, Verdict
from delivery.models import Quarantined, RecordedVerdict
from mailboxes.store.arrivals import Companion

MAX_TEXT = 1_000  # of one finding: sentences are far shorter


@dataclass(frozen=True, slots=True)
class Judged:
    """One account's verdict on a message, and how it came. place: where it goes, None for INBOX.

    An account that refuses what others take has its copy in quarantine: nobody can be told otherwise by then.
    """

    account_id: int
    verdict: Verdict
    trace_id: str
    peer: str
    reverse_path: str
    place: Place | None = None

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


# As record_verdicts, for the statement that places messages (mailboxes/store/arrivals.py).
INSERT = """
INSERT INTO delivery_recordedverdict (account_id, content_id, action, score, findings, trace_id, peer, reverse_path,
                                      judged_at)
SELECT account_id, content_id, action, score, findings, trace_id, peer, reverse_path, %(now)s
  FROM json_to_recordset(%(verdicts)s::json) AS (account_id bigint, content_id bigint, action smallint,
       score double precision, findings jsonb, trace_id text, peer text, reverse_path text)"""


def _verdicts(judged: Sequence[tuple[int, Judged]]) -> dict[str, bytes]:
    rows = [
        {
            "account_id": each.account_id,
            "content_id": content_id,
            "action": each.action,
            "score": each.verdict.score,
            "findings": [_storable(finding) for finding in each.verdict.findings],
            "trace_id": each.trace_id,
            "peer": each.peer,
            "reverse_path": each.reverse_path,
        }
        for content_id, each in judged
    ]
    return {"verdicts": json.dumps(rows, ensure_ascii=False).encode()}


VERDICTS_BESIDE = Companion(INSERT, _verdicts)


def _storable(finding: Finding) -> dict[str, object]:
    """As JSON that Postgres takes: without NUL and halves of surrogate pairs, whatever a check has quoted."""
    text = finding.text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return {
        "check": finding.check,
        "result": finding.result,
        "text": text[:MAX_TEXT],
        "score": finding.score,
        "at_least": finding.at_least,
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
