"""Every command as a frozen value (RFC 3501 section 6 and the extensions that each class names).

Mailbox names are Unicode text here, the wire's modified UTF-7 is behind us; INBOX is still in the client's case.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from mailhost.protocols.imap.fetch_items import FetchItem
from mailhost.protocols.imap.search_keys import SearchKey
from mailhost.protocols.imap.sequence_sets import SequenceSet


@dataclass(frozen=True, slots=True)
class Capability:
    """Section 6.1.1."""


@dataclass(frozen=True, slots=True)
class Noop:
    """Section 6.1.2."""


@dataclass(frozen=True, slots=True)
class Logout:
    """Section 6.1.3."""


@dataclass(frozen=True, slots=True)
class Id:
    """RFC 2971."""

    fields: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class StartTls:
    """Section 6.2.1."""


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Section 6.2.2, with the initial response of RFC 4959 (still in base64)."""

    mechanism: str
    initial_response: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Login:
    """Section 6.2.3; octets, because a password need not be UTF-8."""

    login: bytes
    password: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Namespace:
    """RFC 2342."""


@dataclass(frozen=True, slots=True)
class Select:
    """SELECT and EXAMINE (sections 6.3.1 and 6.3.2)."""

    name: str
    is_read_only: bool = False


@dataclass(frozen=True, slots=True)
class Create:
    """Section 6.3.3."""

    name: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Section 6.3.4."""

    name: str


@dataclass(frozen=True, slots=True)
class Rename:
    """Section 6.3.5."""

    name: str
    to: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    """SUBSCRIBE and UNSUBSCRIBE (sections 6.3.6 and 6.3.7)."""

    name: str
    is_subscribed: bool = True


@dataclass(frozen=True, slots=True)
class List:
    """Section 6.3.8, RFC 5258 (selection and return options), RFC 5819 (STATUS), RFC 6154 (SPECIAL-USE)."""

    reference: str
    patterns: tuple[str, ...]
    selection: frozenset[str] = frozenset()
    returns: frozenset[str] = frozenset()
    status_items: tuple[str, ...] = ()
    is_extended: bool = False


@dataclass(frozen=True, slots=True)
class Lsub:
    """Section 6.3.9."""

    reference: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Status:
    """Section 6.3.10."""

    name: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Append:
    """Section 6.3.11."""

    name: str
    flags: tuple[str, ...]
    internal_date: datetime | None
    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Idle:
    """RFC 2177."""


@dataclass(frozen=True, slots=True)
class Check:
    """Section 6.4.1."""


@dataclass(frozen=True, slots=True)
class Close:
    """Section 6.4.2."""


@dataclass(frozen=True, slots=True)
class Unselect:
    """RFC 3691."""


@dataclass(frozen=True, slots=True)
class Expunge:
    """Section 6.4.3, and UID EXPUNGE of RFC 4315."""

    uids: SequenceSet | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """Section 6.4.4."""

    key: SearchKey
    by_uid: bool = False


@dataclass(frozen=True, slots=True)
class Fetch:
    """Section 6.4.5."""

    messages: SequenceSet
    items: tuple[FetchItem, ...]
    by_uid: bool = False


class StoreMode(Enum):
    """What STORE does with the flags it names."""

    REPLACE = "replace"
    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Store:
    """Section 6.4.6."""

    messages: SequenceSet
    mode: StoreMode
    flags: tuple[str, ...]
    is_silent: bool = False
    by_uid: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    """Section 6.4.7."""

    messages: SequenceSet
    name: str
    by_uid: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """RFC 6851."""

    messages: SequenceSet
    name: str
    by_uid: bool = False


Command = (
    Capability
    | Noop
    | Logout
    | Id
    | StartTls
    | Authenticate
    | Login
    | Namespace
    | Select
    | Create
    | Delete
    | Rename
    | Subscribe
    | List
    | Lsub
    | Status
    | Append
    | Idle
    | Check
    | Close
    | Unselect
    | Expunge
    | Search
    | Fetch
    | Store
    | Copy
    | Move
)


@dataclass(frozen=True, slots=True)
class Tagged:
    """A command with its tag, and its name as the completion repeats it (`UID FETCH`)."""

    tag: str
    name: str
    command: Command
