"""Feedback reports (ARF, RFC 5965): a complaint about a message, as providers pass it on to whoever sent that."""

from dataclasses import dataclass
from typing import Final

from mailhost.protocols.message.scanner import scan
from mailhost.protocols.report_fields import (
    LIMITS,
    MAX_OCTETS,
    Block,
    Quoted,
    bare_address,
    first,
    own_parts,
    quoted_message,
    read_blocks,
    text_of,
    typed_value,
)

FEEDBACK_TYPE: Final = b"message/feedback-report"
MAX_RECIPIENTS: Final = 100
# RFC 5965 section 7.3, and opt-out of the drafts before it, which is still sent: somebody did not want the message.
# not-spam (RFC 6430) is the contrary, auth-failure (RFC 6591), virus and other are about other things than a wish.
COMPLAINTS: Final = frozenset({"abuse", "fraud", "opt-out", "opt-out-list"})


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """One report. kind: Feedback-Type in lower case; addresses are bare, "" for the null one or where none is told."""

    kind: str
    mail_from: str
    rcpt_to: tuple[str, ...]
    quoted: Quoted
    envelope_id: str = ""
    source_ip: str = ""
    reporting_host: str = ""
    user_agent: str = ""

    @property
    def is_complaint(self) -> bool:
        """Its recipient did not want the message."""
        return self.kind in COMPLAINTS


def read_feedback(octets: bytes) -> FeedbackReport | None:
    """None where the message has no feedback report. Never raises; bounded, whatever the message."""
    octets = octets[:MAX_OCTETS]
    root = scan(octets, limits=LIMITS)
    for part in own_parts(root):
        if part.content_type.media_type == FEEDBACK_TYPE:
            blocks = read_blocks(text_of(octets, part))
            # Some hosts put blank lines between the fields.
            return _report(_merged(blocks), quoted_message(octets, root))
    return None


def _merged(blocks: list[Block]) -> Block:
    merged: Block = {}
    for block in blocks:
        for name, values in block.items():
            merged.setdefault(name, []).extend(values)
    return merged


def _report(fields: Block, quoted: Quoted) -> FeedbackReport | None:
    """Feedback-Type is the one field that is always there (RFC 5965 section 3.1)."""
    kind = first(fields, "feedback-type").partition(" ")[0].partition(";")[0].lower()
    if not kind:
        return None
    told = (bare_address(each) for each in fields.get("original-rcpt-to", [])[:MAX_RECIPIENTS])
    return FeedbackReport(
        kind=kind,
        mail_from=bare_address(first(fields, "original-mail-from")),
        rcpt_to=tuple(each for each in told if each),
        quoted=quoted,
        envelope_id=first(fields, "original-envelope-id"),
        source_ip=first(fields, "source-ip"),
        reporting_host=typed_value(first(fields, "reporting-mta")),
        user_agent=first(fields, "user-agent"),
    )
