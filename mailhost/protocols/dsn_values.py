"""What a delivery status notification is made of: a report about one message, with what became of each recipient."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Action(StrEnum):
    """RFC 3464 section 2.3.3."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """What became of one recipient: `forward_path`, as it was when the message was accepted; `led_to`: the address
    elsewhere that this is an alias for, "" where it is none. `original_recipient` is ORCPT as it came ("rfc822;…" in
    xtext) or "".

    `taken_by`: the host that had taken the message, where it came back later; "" otherwise. `is_given_up`: somebody
    here has given it up, and `reply` is what he says.
    """

    forward_path: str
    action: Action
    status: str
    original_recipient: str = ""
    remote_host: str = ""
    reply: str = ""  # the other server's own words; "" where none was reached
    last_attempt_at: datetime | None = None
    will_retry_until: datetime | None = None
    taken_by: str = ""
    led_to: str = ""
    is_given_up: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """One notification about one message, to its reverse-path. `subject` is the message's, decoded.

    `future_release`: what was asked, as FutureRelease.request. `original`: the whole message, where it is to be given
    back (RET=FULL); it is where it can be carried. `nobody_told`: a sentence why this goes to a postmaster instead of
    the reverse-path; "" where it goes there. `received_from`: the host that brought it, what it called itself ("" where
    that was no name) and its address; None where that is nobody's business.
    """

    reporting_host: str
    to: str
    message_id: str
    boundary: str
    at: datetime
    arrived_at: datetime
    recipients: Sequence[RecipientReport]
    original_header: bytes
    subject: str = ""
    envid: str = ""
    original: bytes = b""
    future_release: str = ""
    deliver_by: datetime | None = None
    nobody_told: str = ""
    received_from: tuple[str, str] | None = None

    @property
    def is_utf8(self) -> bool:
        """Whoever has a reverse-path beyond ASCII reads UTF-8, and the report goes by SMTPUTF8 in any case."""
        return not self.to.isascii()

    @property
    def action(self) -> Action:
        """The gravest of the recipients' actions: it names the report."""
        actions = {each.action for each in self.recipients}
        return next(action for action in Action if action in actions)
