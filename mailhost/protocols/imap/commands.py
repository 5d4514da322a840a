"""Every command as a frozen value (RFC 3501 section 6 and the extensions that each class names).

Mailbox names are Unicode text here, the wire's modified UTF-7 is behind us; INBOX is still in the client's case.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

from mailhost.protocols.imap.fetch_items import FetchItem
from mailhost.protocols.imap.resync import ChangedSince, Resync
from mailhost.protocols.imap.search_keys import SearchKey
from mailhost.protocols.imap.search_options import PartialRange, ReturnOptions
from mailhost.protocols.imap.sequence_sets import SequenceSet
from mailhost.protocols.imap.states import AFTER_LOGIN, ANY, BEFORE_LOGIN, WITH_MAILBOX, State


class Command:
    """What all commands say of themselves. A topic with a grammar module of its own keeps its commands there."""

    __slots__ = ()

    allowed_in: ClassVar[frozenset[State]] = AFTER_LOGIN
    extension: ClassVar[str] = ""
    """The capability that it comes with, where that can be switched off."""
    holds_sequence_numbers: ClassVar[bool] = False
    """Section 7.4.1: no EXPUNGE response while it runs, because the client's sequence numbers must hold still."""

    @property
    def may_tell_expunges(self) -> bool:
        """Whether its responses may hold EXPUNGE. UID forms carry no sequence numbers and are "different commands"."""
        return not self.holds_sequence_numbers or bool(getattr(self, "by_uid", False))


@dataclass(frozen=True, slots=True)
class Capability(Command):
    """Section 6.1.1."""

    allowed_in = ANY


@dataclass(frozen=True, slots=True)
class Noop(Command):
    """Section 6.1.2."""

    allowed_in = ANY


@dataclass(frozen=True, slots=True)
class Logout(Command):
    """Section 6.1.3."""

    allowed_in = ANY


@dataclass(frozen=True, slots=True)
class Id(Command):
    """RFC 2971."""

    allowed_in = ANY
    extension = "ID"

    fields: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class StartTls(Command):
    """Section 6.2.1."""

    allowed_in = BEFORE_LOGIN


@dataclass(frozen=True, slots=True)
class Authenticate(Command):
    """Section 6.2.2, with the initial response of RFC 4959 (still in base64)."""

    allowed_in = BEFORE_LOGIN

    mechanism: str
    initial_response: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Login(Command):
    """Section 6.2.3; octets, because a password need not be UTF-8."""

    allowed_in = BEFORE_LOGIN

    login: bytes
    password: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Namespace(Command):
    """RFC 2342."""

    extension = "NAMESPACE"


@dataclass(frozen=True, slots=True)
class Select(Command):
    """SELECT and EXAMINE (sections 6.3.1 and 6.3.2), with the parameters of RFC 7162."""

    name: str
    is_read_only: bool = False
    is_condstore: bool = False
    resync: Resync | None = None


@dataclass(frozen=True, slots=True)
class Create(Command):
    """Section 6.3.3, with the special uses of RFC 6154 section 3 where the client names any."""

    name: str
    special_uses: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Delete(Command):
    """Section 6.3.4."""

    name: str


@dataclass(frozen=True, slots=True)
class Rename(Command):
    """Section 6.3.5."""

    name: str
    to: str


@dataclass(frozen=True, slots=True)
class Subscribe(Command):
    """SUBSCRIBE and UNSUBSCRIBE (sections 6.3.6 and 6.3.7)."""

    name: str
    is_subscribed: bool = True


@dataclass(frozen=True, slots=True)
class List(Command):
    """Section 6.3.8, RFC 5258 (selection and return options), RFC 5819 (STATUS), RFC 6154 (SPECIAL-USE), RFC 9590."""

    reference: str
    patterns: tuple[str, ...]
    selection: frozenset[str] = frozenset()
    returns: frozenset[str] = frozenset()
    status_items: tuple[str, ...] = ()
    is_extended: bool = False
    metadata_entries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lsub(Command):
    """Section 6.3.9."""

    reference: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Status(Command):
    """Section 6.3.10."""

    name: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Idle(Command):
    """RFC 2177."""

    extension = "IDLE"


@dataclass(frozen=True, slots=True)
class Check(Command):
    """Section 6.4.1."""

    allowed_in = WITH_MAILBOX


@dataclass(frozen=True, slots=True)
class Close(Command):
    """Section 6.4.2."""

    allowed_in = WITH_MAILBOX


@dataclass(frozen=True, slots=True)
class Unselect(Command):
    """RFC 3691."""

    allowed_in = WITH_MAILBOX
    extension = "UNSELECT"


@dataclass(frozen=True, slots=True)
class Expunge(Command):
    """Section 6.4.3, and UID EXPUNGE of RFC 4315."""

    allowed_in = WITH_MAILBOX

    uids: SequenceSet | None = None


@dataclass(frozen=True, slots=True)
class Search(Command):
    """Section 6.4.4, with what RETURN asks for (RFC 4731)."""

    allowed_in = WITH_MAILBOX
    holds_sequence_numbers = True

    key: SearchKey
    by_uid: bool = False
    returns: ReturnOptions | None = None


@dataclass(frozen=True, slots=True)
class Fetch(Command):
    """Section 6.4.5."""

    allowed_in = WITH_MAILBOX
    holds_sequence_numbers = True

    messages: SequenceSet
    items: tuple[FetchItem, ...]
    by_uid: bool = False
    changed_since: ChangedSince | None = None  # RFC 7162 section 3.1.4.1
    partial: PartialRange | None = None  # RFC 9394 section 3.3


class StoreMode(Enum):
    """What STORE does with the flags it names."""

    REPLACE = "replace"
    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Store(Command):
    """Section 6.4.6."""

    allowed_in = WITH_MAILBOX
    holds_sequence_numbers = True

    messages: SequenceSet
    mode: StoreMode
    flags: tuple[str, ...]
    is_silent: bool = False
    by_uid: bool = False
    unchanged_since: int | None = None  # RFC 7162 section 3.1.3


@dataclass(frozen=True, slots=True)
class Copy(Command):
    """Section 6.4.7."""

    allowed_in = WITH_MAILBOX

    messages: SequenceSet
    name: str
    by_uid: bool = False


@dataclass(frozen=True, slots=True)
class Move(Command):
    """RFC 6851."""

    allowed_in = WITH_MAILBOX
    extension = "MOVE"

    messages: SequenceSet
    name: str
    by_uid: bool = False


@dataclass(frozen=True, slots=True)
class Tagged:
    """A command with its tag, and its name as the completion repeats it (`UID FETCH`)."""

    tag: str
    name: str
    command: Command
