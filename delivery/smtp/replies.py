"""One table from facts to replies (RFC 5321 section 4.2, RFC 3463), and the replies that several commands share."""

from typing import Final

from delivery.routing import AccountDisabled
from domains.exceptions import AddressNotFound, DomainNotFound, TooManyTargets
from mailboxes.exceptions import (
    ActingForAnother,
    AuthenticationFailed,
    DiskNearlyFull,
    MailboxNotFound,
    MessageTooLarge,
    QuotaExceeded,
    TooManyFailures,
)
from mailhost.net.store_threads import StoreUnavailable
from mailhost.protocols.smtp.replies import CommandRefused, Reply

OK: Final = Reply(250, "2.0.0", "Ok")
CLOSING_TOO_MANY_ERRORS: Final = Reply(421, "4.7.0", "Too many errors, closing the connection")
CLOSING_IDLE: Final = Reply(421, "4.4.2", "Nothing came for too long, closing the connection")
CLOSING_SHUTDOWN: Final = Reply(421, "4.3.2", "The server is shutting down, try again soon")
CLOSING_TOO_MANY_CONNECTIONS: Final = Reply(421, "4.7.0", "Too many connections, try again later")
CLOSING_FAILED: Final = Reply(421, "4.3.0", "Something went wrong here, try again later")
NOT_FOR_YOU: Final = Reply(554, "", "No service for this address")  # a greeting: RFC 5321 section 3.1
LINE_TOO_LONG: Final = Reply(500, "5.5.2", "The command line is too long")
AUTHENTICATION_REQUIRED: Final = Reply(530, "5.7.0", "Authentication required")
STARTTLS_REQUIRED: Final = Reply(530, "5.7.0", "Must issue a STARTTLS command first")
# RFC 8689 section 3: it is offered, and may be used, on a TLS-protected session alone.
REQUIRETLS_NEEDS_TLS: Final = Reply(
    530, "5.7.10", "REQUIRETLS is for sessions under TLS, begin with STARTTLS"
)
NOT_YOUR_ADDRESS: Final = Reply(553, "5.7.1", "The sender address is not one of this account's")
TOO_MANY_RECIPIENTS: Final = Reply(
    452, "4.5.3", "Too many recipients, send the others in a transaction of their own"
)
MESSAGE_TOO_BIG: Final = Reply(552, "5.3.4", "The message is larger than this server takes")
BUSY: Final = Reply(452, "4.3.1", "Too much mail is under way, try again later")
DISK_NEARLY_FULL: Final = Reply(452, "4.3.1", "Not enough storage, try again later")

_REPLIES: Final[dict[type[Exception], Reply]] = {
    DomainNotFound: Reply(550, "5.7.1", "Mail for this domain is not relayed here"),
    AddressNotFound: Reply(550, "5.1.1", "There is no such address here"),
    TooManyTargets: Reply(550, "5.4.6", "The address leads to too many others"),
    AccountDisabled: Reply(550, "5.2.1", "The mailbox is disabled"),
    QuotaExceeded: Reply(452, "4.2.2", "The mailbox is full, try again later"),
    MailboxNotFound: Reply(451, "4.2.1", "A recipient has gone meanwhile, try again"),
    DiskNearlyFull: DISK_NEARLY_FULL,
    MessageTooLarge: MESSAGE_TOO_BIG,
    StoreUnavailable: Reply(451, "4.3.0", "The mail store is away for the moment, try again later"),
    AuthenticationFailed: Reply(535, "5.7.8", "Login or password is wrong"),
    ActingForAnother: Reply(535, "5.7.8", "Acting as another account is not possible here"),
    TooManyFailures: Reply(454, "4.7.0", "Too many failed logins, try again later"),
}
FACTS: Final[tuple[type[Exception], ...]] = (CommandRefused, *_REPLIES)


def reply_to(fact: Exception) -> Reply:
    """The reply that words this fact; only for FACTS."""
    if isinstance(fact, CommandRefused):
        return fact.reply
    return next(_REPLIES[kind] for kind in type(fact).__mro__ if kind in _REPLIES)
