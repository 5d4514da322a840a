"""What this host reports to the domains that it sends to: TLS sessions with their MX hosts, day by day (RFC 8460)."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from delivery.models.feedback import Feedback, FeedbackCopy, FeedbackRow


class TlsFeedback(Feedback):
    """Sessions under the policies of one policy domain."""

    session_count = models.BigIntegerField(default=0)

    class Meta(Feedback.Meta):
        verbose_name = "own TLS report"
        constraints: ClassVar = [models.UniqueConstraint(fields=["day", "domain"], name="tls_feedback_once")]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(state="due"), name="tls_feedback_due")
        ]


class TlsFeedbackRow(FeedbackRow):
    """Sessions that agree: `row` has the fields of TlsSession, but for the policy domain."""

    feedback = models.ForeignKey(TlsFeedback, on_delete=models.CASCADE, related_name="rows", db_index=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["feedback", "digest"], name="tls_feedback_row_once")
        ]

    def __str__(self) -> str:
        return f"{self.count} of {self.feedback_id}"


class TlsFeedbackCopy(FeedbackCopy):
    """An address or an https URI that took the report."""

    feedback = models.ForeignKey(TlsFeedback, on_delete=models.CASCADE, related_name="copies")

    class Meta(FeedbackCopy.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["feedback", "address"], name="tls_feedback_copy_once")
        ]
