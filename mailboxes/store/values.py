"""What the store takes and gives: plain values, without Django's models."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntFlag

from mailhost.protocols.message.working_out import WorkedOut


class Flag(IntFlag):
    """System flags (RFC 9051 section 2.3.2) as the bits that are stored. \\Recent is a session's, not a message's."""

    SEEN = 1
    ANSWERED = 2
    FLAGGED = 4
    DELETED = 8
    DRAFT = 16


NO_FLAGS = Flag(0)
ALL_RIGHTS = "lrswipkxtea"  # what the owner of a mailbox has (RFC 4314 section 2.1)


@dataclass(frozen=True, slots=True)
class MailboxEntry:
    """A mailbox's row. `exists` is False for a name that was deleted and is still subscribed."""

    mailbox_id: int
    account_id: int
    name: str
    uid_validity: int
    uid_next: int
    highest_modseq: int
    flags_modseq: int
    first_recent_uid: int
    special_use: str
    is_subscribed: bool
    exists: bool
    message_count: int
    unseen_count: int
    deleted_count: int
    size_octets: int
    rights: str = field(default=ALL_RIGHTS, kw_only=True)
    """Of the account that asked. Where the mailbox is another's, `name` is the one that this account uses for it."""


@dataclass(frozen=True, slots=True)
class GrantEntry:
    """Rights that somebody has beside the owner: a login, or "anyone"."""

    identifier: str
    rights: str


@dataclass(frozen=True, slots=True)
class Selected:
    """A mailbox as SELECT finds it. Messages with uid >= first_recent_uid are \\Recent for this session."""

    entry: MailboxEntry
    first_recent_uid: int


@dataclass(frozen=True, slots=True)
class View:
    """All messages of a mailbox at one moment, in UID order; the arrays are of one length. Not to be changed."""

    highest_modseq: int
    uid_next: int
    uids: "array[int]"
    flags: "array[int]"
    modseqs: "array[int]"
    keywords: dict[int, tuple[str, ...]]  # by UID, of those that have any


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A message's flags as they are now."""

    uid: int
    modseq: int
    flags: int
    keywords: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChangedRows:
    """Messages' flags as they are now, in UID order; the arrays are of one length. Not to be changed.

    Columns, because STORE changes 10,000 at once: as an object each they would cost more than the change.
    """

    uids: "array[int]" = field(default_factory=lambda: array("q"))
    modseqs: "array[int]" = field(default_factory=lambda: array("q"))
    flags: "array[int]" = field(default_factory=lambda: array("h"))
    keywords: dict[int, tuple[str, ...]] = field(default_factory=dict)  # by UID, of those that have any

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, int, Sequence[str] | None]]) -> "ChangedRows":
        """From (uid, modseq, flags, keywords if there are any), in UID order."""
        return cls(
            array("q", [row[0] for row in rows]),
            array("q", [row[1] for row in rows]),
            array("h", [row[2] for row in rows]),
            {row[0]: tuple(row[3]) for row in rows if row[3]},
        )

    def __len__(self) -> int:
        return len(self.uids)

    def __iter__(self) -> Iterator[ChangedRow]:
        for uid, modseq, flags in zip(self.uids, self.modseqs, self.flags, strict=True):
            yield ChangedRow(uid, modseq, flags, self.keywords.get(uid, ()))


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened in a mailbox after a moment. Rows with uid >= the uid_next asked about are arrivals."""

    highest_modseq: int
    uid_next: int
    changed: ChangedRows = field(default_factory=ChangedRows)
    vanished: list[int] = field(default_factory=list)
    is_deleted: bool = False
    rights: str = ALL_RIGHTS  # of the account that asked, now


@dataclass(frozen=True, slots=True)
class NewContent:
    """Octets that are about to be stored, with what was worked out of them."""

    octets: bytes
    digest: bytes
    worked_out: WorkedOut


@dataclass(frozen=True, slots=True)
class NewMessage:
    """One message of an APPEND. Without internal_date it is the moment of the append."""

    content: NewContent
    flags: Flag = NO_FLAGS
    keywords: tuple[str, ...] = ()
    internal_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """The UIDs that an APPEND gave, in its order."""

    uid_validity: int
    uids: list[int]


@dataclass(frozen=True, slots=True)
class Stored:
    """What STORE changed: rows that were changed already so are not among them.

    A conditional STORE also says which messages it left alone because they are newer, and which are gone.
    """

    modseq: int
    changed: ChangedRows
    newer: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Copied:
    """source_uids[i] was copied to uids[i] of the target mailbox."""

    uid_validity: int
    source_uids: list[int]
    uids: list[int]


@dataclass(frozen=True, slots=True)
class Moved:
    """As Copied; `modseq` is the source mailbox's, at which source_uids vanished."""

    uid_validity: int
    source_uids: list[int]
    uids: list[int]
    modseq: int


@dataclass(frozen=True, slots=True)
class ExpungeOutcome:
    """The UIDs that went, in ascending order, and the mailbox's modseq after that."""

    uids: list[int]
    modseq: int
