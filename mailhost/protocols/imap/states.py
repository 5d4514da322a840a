"""The states of a connection and what is legal in each (RFC 3501 section 3), as data."""

from collections.abc import Mapping
from enum import Enum, auto

from mailhost.protocols.imap import commands as c


class State(Enum):
    NOT_AUTHENTICATED = auto()
    AUTHENTICATED = auto()
    SELECTED = auto()
    LOGOUT = auto()


ANY = frozenset({State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED})
BEFORE_LOGIN = frozenset({State.NOT_AUTHENTICATED})
AFTER_LOGIN = frozenset({State.AUTHENTICATED, State.SELECTED})
WITH_MAILBOX = frozenset({State.SELECTED})

ALLOWED_IN: Mapping[type[c.Command], frozenset[State]] = {
    c.Capability: ANY,
    c.Noop: ANY,
    c.Logout: ANY,
    c.Id: ANY,
    c.StartTls: BEFORE_LOGIN,
    c.Authenticate: BEFORE_LOGIN,
    c.Login: BEFORE_LOGIN,
    c.Namespace: AFTER_LOGIN,
    c.Select: AFTER_LOGIN,
    c.Create: AFTER_LOGIN,
    c.Delete: AFTER_LOGIN,
    c.Rename: AFTER_LOGIN,
    c.Subscribe: AFTER_LOGIN,
    c.List: AFTER_LOGIN,
    c.Lsub: AFTER_LOGIN,
    c.Status: AFTER_LOGIN,
    c.Append: AFTER_LOGIN,
    c.Idle: AFTER_LOGIN,
    c.Check: WITH_MAILBOX,
    c.Close: WITH_MAILBOX,
    c.Unselect: WITH_MAILBOX,
    c.Expunge: WITH_MAILBOX,
    c.Search: WITH_MAILBOX,
    c.Fetch: WITH_MAILBOX,
    c.Store: WITH_MAILBOX,
    c.Copy: WITH_MAILBOX,
    c.Move: WITH_MAILBOX,
}

# Section 7.4.1: no EXPUNGE response while one of these runs, because the client's sequence numbers must hold
# still. Their UID forms carry no sequence numbers and are "different commands".
HOLDS_SEQUENCE_NUMBERS = (c.Fetch, c.Store, c.Search)


def may_tell_expunges(command: c.Command) -> bool:
    """Whether the responses to `command` may hold EXPUNGE."""
    return not (isinstance(command, HOLDS_SEQUENCE_NUMBERS) and not command.by_uid)


# CAPABILITY (section 7.2.1). LOGINDISABLED or the mechanisms stand for what this connection may do right now.
_ALWAYS = ("IMAP4rev1", "LITERAL+", "ID", "SASL-IR")
_AFTER_LOGIN = (
    *("IDLE", "NAMESPACE", "UIDPLUS", "UNSELECT", "CHILDREN", "MOVE"),
    *("SPECIAL-USE", "LIST-EXTENDED", "LIST-STATUS"),
)


def capabilities(state: State, *, may_start_tls: bool, may_log_in: bool) -> str:
    """What is told before and after login; a client may cache neither across the other."""
    words = [*_ALWAYS]
    if state is State.NOT_AUTHENTICATED:
        words += ["IDLE"]
        words += ["STARTTLS"] if may_start_tls else []
        words += ["AUTH=PLAIN"] if may_log_in else ["LOGINDISABLED"]
    else:
        words += _AFTER_LOGIN
    return " ".join(words)
