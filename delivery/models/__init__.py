"""What comes and goes: verdicts on what came in, what accounts may send, the queue."""

from delivery.models.feedback import (
    DmarcFeedback,
    DmarcFeedbackCopy,
    DmarcFeedbackRow,
    FeedbackState,
)
from delivery.models.queue import (
    DUE_STATES,
    LOCAL,
    Attempt,
    Destination,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
    ReportDue,
)
from delivery.models.reports import DmarcReport, DmarcReportRow, ReportReading, TlsReport
from delivery.models.submission import KnownRecipient, SendingHold, SubmissionLimits
from delivery.models.tls import KeptStsPolicy
from delivery.models.trace import InboundTrace
from delivery.models.verdict import Quarantined, RecordedVerdict

__all__ = [
    "DUE_STATES",
    "LOCAL",
    "Attempt",
    "Destination",
    "DmarcFeedback",
    "DmarcFeedbackCopy",
    "DmarcFeedbackRow",
    "DmarcReport",
    "DmarcReportRow",
    "FeedbackState",
    "InboundTrace",
    "KeptStsPolicy",
    "KnownRecipient",
    "Quarantined",
    "QueuedMessage",
    "QueuedRecipient",
    "RecipientState",
    "RecordedVerdict",
    "ReportDue",
    "ReportReading",
    "SendingHold",
    "SubmissionLimits",
    "TlsReport",
]
