"""How POP3 words the facts that the store and authentication state."""

from mailboxes.exceptions import (
    AccountNotFound,
    ActingForAnother,
    AuthenticationFailed,
    LoginTooSoon,
    MailboxNotFound,
    MaildropInUse,
    TooManyFailures,
)
from mailboxes.pop3.maildrop import MessageGone, NoSuchMessage
from mailhost.net.store_threads import StoreUnavailable
from mailhost.net.stream.interruptions import LineTooLong
from mailhost.protocols.pop3.commands import BadCommand
from mailhost.protocols.pop3.replies import ResponseCode, err
from mailhost.protocols.sasl import SaslCancelled, SaslSyntaxError

# What a client did wrong: counted, so that a session of nothing else ends.
MISTAKES = (BadCommand, LineTooLong, SaslCancelled, SaslSyntaxError)
FACTS = (
    StoreUnavailable,
    AuthenticationFailed,
    ActingForAnother,
    TooManyFailures,
    AccountNotFound,
    LoginTooSoon,
    MaildropInUse,
    MailboxNotFound,
    NoSuchMessage,
    MessageGone,
)


def refusal(fact: Exception) -> bytes:
    """The -ERR line for one of MISTAKES or FACTS."""
    match fact:
        case BadCommand() | SaslSyntaxError() | NoSuchMessage():
            return err(str(fact))
        case LineTooLong():
            return err("The line is too long.")
        case SaslCancelled():
            return err("Authentication cancelled.")
        case AuthenticationFailed() | ActingForAnother():
            return err(str(fact), ResponseCode.AUTH)
        case TooManyFailures():
            # Not AUTH: whether this password is right was not looked at, and a client should not ask for another.
            return err(str(fact), ResponseCode.SYS_TEMP)
        case MaildropInUse():
            return err(str(fact), ResponseCode.IN_USE)
        case LoginTooSoon():
            return err(str(fact), ResponseCode.LOGIN_DELAY)
        case StoreUnavailable():
            return err("The mail store is away. Try again in a moment.", ResponseCode.SYS_TEMP)
        case AccountNotFound() | MailboxNotFound():
            return err("This account has no mailbox.", ResponseCode.SYS_PERM)
        case MessageGone():
            return err("This message is gone: another session removed it.")
    raise fact
