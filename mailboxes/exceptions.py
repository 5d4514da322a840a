"""Facts about accounts, mailboxes and messages. Each door words them in its own way (STYLE: rule 3)."""

from collections.abc import Iterable


class MailboxFact(Exception):
    """Something about accounts or mailboxes stands in the way; the text is a sentence for people."""


class AccountNotFound(MailboxFact):
    """There is no such account."""

    def __init__(self, login: str) -> None:
        super().__init__(f"There is no account {login}.")
        self.login = login


class LoginTaken(MailboxFact):
    """Another account signs in under this name."""

    def __init__(self, login: str) -> None:
        super().__init__(f"Somebody signs in as {login} already.")
        self.login = login


class LoginInvalid(MailboxFact):
    """A text that nobody can sign in as; the message says why."""


class NotAnAdministrator(MailboxFact):
    """The account does not administer the domain; the text says so."""


class TooManyAdministrators(MailboxFact):
    """The domain has as many administrators as one may have."""


class PasswordRefused(MailboxFact):
    """A password that nobody should have; the text says why."""


class AccessInvalid(MailboxFact):
    """A protocol or a capability that is to be closed to an account, and that there is not; the text names it."""


class UndoSecondsInvalid(MailboxFact):
    """A time in which sent mail can be taken back that is not offered."""

    def __init__(self, most: int) -> None:
        super().__init__(f"Sent mail can be taken back for 0 to {most} seconds.")


class AuthenticationFailed(MailboxFact):
    """Login or password is wrong, or the account may not sign in: never said which. Answer after `wait_seconds`."""

    def __init__(self, wait_seconds: float = 0.0) -> None:
        super().__init__("The login or the password is wrong.")
        self.wait_seconds = wait_seconds


class ActingForAnother(MailboxFact):
    """An account signs in to act as another one, which nobody may."""

    def __init__(self) -> None:
        super().__init__("You may act as yourself alone.")


class TooManyFailures(MailboxFact):
    """So many wrong passwords came for this account or from this address that none is looked at for a while."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("Too many wrong passwords. Try again later.")
        self.retry_after_seconds = retry_after_seconds


class MaildropInUse(MailboxFact):
    """Another POP3 session has the maildrop (RFC 1939 section 4)."""

    def __init__(self) -> None:
        super().__init__("Another session is reading this maildrop.")


class LoginTooSoon(MailboxFact):
    """The account signed in so lately that it is to wait (RFC 2449 section 6.5)."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Sign in once in {seconds} seconds at most.")


class MessageNotFound(MailboxFact):
    """The account has no such message (any longer); the text says which."""


class MailboxNotFound(MailboxFact):
    """The account has no mailbox of this name (or it went meanwhile)."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no mailbox {name}.")
        self.name = name


class MessageExpunged(MailboxFact):
    """The message is there no more: another session has expunged it."""

    def __init__(self) -> None:
        super().__init__("The message is gone.")


class MailboxExists(MailboxFact):
    """The account has a mailbox of this name already."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a mailbox {name} already.")
        self.name = name


class MailboxNameInvalid(MailboxFact):
    """A mailbox cannot be called so; the text says why."""


class InboxIsPermanent(MailboxFact):
    """INBOX cannot be deleted (RFC 9051 section 6.3.5)."""

    def __init__(self) -> None:
        super().__init__("INBOX cannot be deleted.")


class MailboxHasInferiors(MailboxFact):
    """There is no mailbox of this name, only inferior ones: nothing that could be deleted (RFC 3501 section 6.3.4)."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There are only mailboxes below {name}.")
        self.name = name


class SpecialUseRefused(MailboxFact):
    """A mailbox cannot have this special use (RFC 6154 section 3); the text says why."""


class AnnotationTooLarge(MailboxFact):
    """A value has more octets than one may have (RFC 5464 section 4.3)."""

    max_octets = 0

    def __init__(self, max_octets: int) -> None:
        super().__init__(f"A value has at most {max_octets} octets.")
        self.max_octets = max_octets


class TooManyAnnotations(MailboxFact):
    """A mailbox, the server or an account has as many entries as it may have; the text says which."""


class TooManyMailboxes(MailboxFact):
    """The account has as many mailboxes as one may have."""


class NotPermitted(MailboxFact):
    """The mailbox is somebody else's, who has not given the right that this needs (RFC 4314)."""

    def __init__(self) -> None:
        super().__init__("You do not have the right to do this.")


class OwnerHasAllRights(MailboxFact):
    """Rights can be taken from everybody but the owner of the mailbox."""

    def __init__(self) -> None:
        super().__init__("The owner of a mailbox always has all rights.")


class TooManyGrants(MailboxFact):
    """The mailbox is shared with as many accounts as one may be."""


class TooManyKeywords(MailboxFact):
    """More or longer keywords than a message may have."""


class KeywordInvalid(MailboxFact):
    """A text that cannot be a keyword; the message says why."""


class MessageTooLarge(MailboxFact):
    """The message has more octets than any door takes."""


class MailboxBusy(MailboxFact):
    """Another transaction is at work in the mailbox, and the caller asked not to wait for it."""


class QuotaExceeded(MailboxFact):
    """These accounts have no room for the message."""

    def __init__(self, account_ids: Iterable[int]) -> None:
        super().__init__("The mailbox is full.")
        self.account_ids = tuple(account_ids)


class DiskNearlyFull(MailboxFact):
    """The disk has so little room left that nothing more is taken in for now."""
