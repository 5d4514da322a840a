"""What one SMTP session knows, and what it needs of the process around it."""

import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

from django.conf import settings

from delivery.acceptance import Acceptance, Accepted
from delivery.envelope import Envelope
from delivery.feedback.observing import Observation
from delivery.filters.checkers.checking import Checkers
from delivery.guard.guarding import Guard, Visit
from delivery.routing import Route
from delivery.smtp.connection import SmtpConnection
from delivery.smtp.incoming import Chunks
from delivery.smtp.patient import Patient
from delivery.submission.admission import Admitted
from delivery.suppressing_senders import SuppressingSenders
from delivery.trace import Noted
from mailboxes.authentication import Principal
from mailboxes.junk.site_counts import SiteCounts
from mailboxes.known_logins import SignIn
from mailhost.net.resolver import Resolver


class Door(Enum):
    """Inbound (25): anybody, for addresses here. Submission (465, 587): our accounts, to anywhere (RFC 6409). LMTP
    (RFC 2033): another front of the operator's, for addresses here, with a reply for each recipient."""

    INBOUND = auto()
    SUBMISSION = auto()
    LMTP = auto()


class State(Enum):
    """Where a session stands (RFC 5321 section 4.1.4)."""

    CONNECTED = auto()  # no EHLO yet
    GREETED = auto()
    MAIL = auto()  # a transaction without recipients
    RECIPIENTS = auto()
    CHUNKS = auto()  # BDAT has brought some of the message


ADDED_OCTETS = 4_096  # room for Return-Path and Received, which count against what the store takes


def max_message_octets() -> int:
    """The SIZE of RFC 1870."""
    return int(settings.MAX_MESSAGE_OCTETS) - ADDED_OCTETS


class SessionEnded(Exception):
    """The last reply was sent; the connection is to be closed."""


@dataclass(slots=True)
class Host:
    """The process around the sessions. `clock` and `new_trace_id` are given, so that tests know what they say."""

    name: str
    tls: ssl.SSLContext | None
    accept: Callable[[Acceptance], Awaitable[Accepted]]
    route: Callable[..., Awaitable[Route]]
    may_send_as: Callable[..., Awaitable[bool]]
    admit: Callable[..., Awaitable[Admitted]]
    sign_in: SignIn
    clock: Callable[[], datetime]
    new_trace_id: Callable[[], str]
    resolver: Resolver | None = None
    """None: nobody is asked who a message is from."""
    trace: Callable[[Sequence[Noted]], None] = lambda noted: None
    junk: SiteCounts | None = None
    """What all accounts have taught of junk; None: it is not asked."""
    observe: Callable[[Observation], None] | None = None
    """None: nobody is reported to."""
    guard: Guard | None = None
    """None: everybody may do everything."""
    checkers: Checkers | None = None
    """None: no program outside is asked about mail that comes in."""
    suppressing: SuppressingSenders | None = None
    """None: nobody is asked whether mail has come back from there before."""
    held_octets: int = 0  # of messages under way, all sessions together
    patient: Patient = field(default_factory=Patient)


@dataclass(slots=True)
class Session:
    """One connection's state."""

    connection: SmtpConnection
    door: Door
    host: Host
    helo: str = ""
    is_extended: bool = False
    principal: Principal | None = None
    envelope: Envelope | None = None
    chunks: Chunks | None = None
    visit: Visit | None = None
    own_addresses: set[tuple[str, str]] = field(
        default_factory=set
    )  # found to be the account's, this transaction
    bad_commands: int = 0
    idle_commands: int = 0
    refused_recipients: int = 0
    login_failures: int = 0
    refusals: int = 0
    id: str = ""
    named: str = ""  # the forward-path of the RCPT that is being looked at
    is_noted: bool = False  # the reply that is next stands in the trace already

    @property
    def state(self) -> State:
        """Follows from what is known."""
        if not self.helo:
            return State.CONNECTED
        if self.envelope is None:
            return State.GREETED
        if self.chunks is not None:
            return State.CHUNKS
        return State.RECIPIENTS if self.envelope.forward_paths else State.MAIL

    def reset(self) -> None:
        """Ends the transaction, if there is one (RFC 5321 section 4.1.1.5)."""
        self.envelope = None
        if self.chunks is not None:
            self.chunks.release()
            self.chunks = None
        self.own_addresses.clear()

    def forget_plaintext(self) -> None:
        """TLS began: what the client said before may have been another's words (RFC 3207 section 4.2)."""
        self.reset()
        self.helo = ""
        self.is_extended = False
        self.principal = None
