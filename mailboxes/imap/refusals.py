"""The store's facts in IMAP's words: one table (RFC 3501 section 7.1, RFC 5530, RFC 4315)."""

from collections.abc import Mapping

from mailboxes import exceptions as facts
from mailhost.net.store_threads import StoreUnavailable
from mailhost.protocols.imap.responses import Reply, no


class Refused(Exception):
    """A command is refused for a reason that only this door knows."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


# Response code by fact; the fact's own sentence is the text.
CODES: Mapping[type[Exception], str] = {
    facts.AccountNotFound: "NONEXISTENT",
    facts.AuthenticationFailed: "AUTHENTICATIONFAILED",
    facts.ActingForAnother: "AUTHORIZATIONFAILED",
    facts.TooManyFailures: "LIMIT",
    facts.MailboxNotFound: "NONEXISTENT",
    facts.MailboxExists: "ALREADYEXISTS",
    facts.MessageExpunged: "EXPUNGEISSUED",
    facts.MailboxNameInvalid: "CANNOT",
    facts.InboxIsPermanent: "CANNOT",
    facts.MailboxHasInferiors: "HASCHILDREN",
    facts.SpecialUseRefused: "USEATTR",  # RFC 6154 section 3
    facts.AnnotationTooLarge: "METADATA MAXSIZE",
    facts.TooManyAnnotations: "METADATA TOOMANY",  # RFC 5464 section 4.3
    facts.TooManyMailboxes: "LIMIT",
    facts.TooManyKeywords: "LIMIT",
    facts.NotPermitted: "NOPERM",
    facts.OwnerHasAllRights: "CANNOT",
    facts.TooManyGrants: "LIMIT",
    facts.MessageTooLarge: "TOOBIG",  # RFC 7889 section 4
    facts.QuotaExceeded: "OVERQUOTA",
    facts.DiskNearlyFull: "UNAVAILABLE",
    facts.MailboxFact: "CANNOT",  # a fact that is newer than this table
}
WORDED = (facts.MailboxFact, StoreUnavailable, Refused)


def word_refusal(error: Exception, *, is_copy_target: bool) -> Reply:
    """The NO for it. A missing target of APPEND, COPY or MOVE is TRYCREATE (RFC 3501 section 6.3.11)."""
    if isinstance(error, StoreUnavailable):
        return no("The mail store is away; try again in a moment.", "UNAVAILABLE")
    if isinstance(error, Refused):
        return no(str(error), error.code)
    if isinstance(error, facts.MailboxNotFound) and is_copy_target:
        return no(str(error), "TRYCREATE")
    code = next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)
    return no(
        str(error), f"{code} {error.max_octets}" if isinstance(error, facts.AnnotationTooLarge) else code
    )
