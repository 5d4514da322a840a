"""What comes and goes: verdicts on what came in, what accounts may send, the queue."""

from delivery.models.feedback import (
    DmarcFeedback,
    DmarcFeedbackCopy,
    DmarcFeedbackRow,
    FeedbackState,
)
from delivery.models.queue import (
    DUE_STATES,
    LED_ON,
    LOCAL,
    Attempt,
    Destination,
    Holder,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
    ReportDue,
)
from delivery.models.queue_orders import OrderState, QueueOrder
from delivery.models.queue_survey import QueueFlow, QueueSurvey
from delivery.models.reports import DmarcReport, DmarcReportRow, ReportReading, TlsReport
from delivery.models.returned import ReturnedKind, ReturnedMail, ReturnReading
from delivery.models.routes import OutboundRoute, RouteChange, RouteTls, SignInPause
from delivery.models.submission import HandedInOnce, KnownRecipient, SendingHold, SubmissionLimits
from delivery.models.suppression import Suppression, SuppressionSource
from delivery.models.tls import KeptStsPolicy
from delivery.models.tls_feedback import TlsFeedback, TlsFeedbackCopy, TlsFeedbackRow
from delivery.models.trace import InboundTrace
from delivery.models.verdict import Quarantined, RecordedVerdict

__all__ = [
    "DUE_STATES",
    "LED_ON",
    "LOCAL",
    "Attempt",
    "Destination",
    "DmarcFeedback",
    "DmarcFeedbackCopy",
    "DmarcFeedbackRow",
    "DmarcReport",
    "DmarcReportRow",
    "FeedbackState",
    "HandedInOnce",
    "Holder",
    "InboundTrace",
    "KeptStsPolicy",
    "KnownRecipient",
    "OrderState",
    "OutboundRoute",
    "Quarantined",
    "QueueFlow",
    "QueueOrder",
    "QueueSurvey",
    "QueuedMessage",
    "QueuedRecipient",
    "RecipientState",
    "RecordedVerdict",
    "ReportDue",
    "ReportReading",
    "ReturnReading",
    "ReturnedKind",
    "ReturnedMail",
    "RouteChange",
    "RouteTls",
    "SendingHold",
    "SignInPause",
    "SubmissionLimits",
    "Suppression",
    "SuppressionSource",
    "TlsFeedback",
    "TlsFeedbackCopy",
    "TlsFeedbackRow",
    "TlsReport",
]
