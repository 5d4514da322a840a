"""A page of a mailbox, newest first, by UID: the page after it stays the same whatever arrives meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailboxes.models import Message
from mailboxes.store.outbox import OUTBOX
from mailboxes.store.values import Flag, MailboxEntry

PAGE_LENGTH = 50
COLUMNS = (
    "uid",
    "flags",
    "internal_date",
    "content__subject",
    "content__from_display",
    "content__to_display",
    "content__preview",
    "content__has_attachments",
    "content__message_id",
)


@dataclass(frozen=True, slots=True)
class Mark:
    """What became of a message that was sent. kind: "failed", "waits" or "moves"; is_moving: more will be known."""

    kind: str
    text: str
    is_moving: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One message of the list."""

    uid: int
    flags: Flag
    who: str
    subject: str
    preview: str
    at: datetime
    has_attachments: bool
    message_id: str
    mark: Mark | None = None

    @property
    def is_seen(self) -> bool:
        """Has been read."""
        return Flag.SEEN in self.flags

    @property
    def is_flagged(self) -> bool:
        """Carries the owner's mark."""
        return Flag.FLAGGED in self.flags

    @property
    def is_draft(self) -> bool:
        """Is not finished."""
        return Flag.DRAFT in self.flags

    @property
    def is_deleted(self) -> bool:
        """A mail client has marked it for expunging."""
        return Flag.DELETED in self.flags


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, and the UIDs that the neighbouring pages are asked for with."""

    lines: list[Line]
    newer_than: int | None
    older_than: int | None

    @property
    def moving(self) -> list[int]:
        """UIDs of what is under way still."""
        return [line.uid for line in self.lines if line.mark is not None and line.mark.is_moving]


def read_page(entry: MailboxEntry, *, older_than: int | None = None, newer_than: int | None = None) -> Page:
    """The newest page, or the one below or above a UID. One statement, a second one off the first page."""
    rows = Message.objects.filter(mailbox_id=entry.mailbox_id)
    wanted: Sequence[dict[str, Any]]
    if newer_than is not None:
        wanted = rows.filter(uid__gt=newer_than).order_by("uid").values(*COLUMNS)[: PAGE_LENGTH + 1]
        lines = [_line(entry, row) for row in wanted]
        if len(lines) <= PAGE_LENGTH:
            return read_page(entry)
        return _page(lines[PAGE_LENGTH - 1 :: -1], has_newer=True, has_older=True)
    if older_than is not None:
        rows = rows.filter(uid__lt=older_than)
    wanted = rows.order_by("-uid").values(*COLUMNS)[: PAGE_LENGTH + 1]
    lines = [_line(entry, row) for row in wanted]
    has_newer = (
        older_than is not None
        and Message.objects.filter(mailbox_id=entry.mailbox_id, uid__gte=older_than).exists()
    )
    return _page(lines[:PAGE_LENGTH], has_newer=has_newer, has_older=len(lines) > PAGE_LENGTH)


def neighbours(entry: MailboxEntry, uid: int) -> tuple[int | None, int | None]:
    """The UIDs of the next newer and next older message."""
    rows = Message.objects.filter(mailbox_id=entry.mailbox_id).values_list("uid", flat=True)
    newer = rows.filter(uid__gt=uid).order_by("uid").first()
    return newer, rows.filter(uid__lt=uid).order_by("-uid").first()


def _page(lines: list[Line], *, has_newer: bool, has_older: bool) -> Page:
    return Page(
        lines,
        newer_than=lines[0].uid if lines and has_newer else None,
        older_than=lines[-1].uid if lines and has_older else None,
    )


def _line(entry: MailboxEntry, row: dict[str, Any]) -> Line:
    is_outgoing = entry.special_use in {"\\Sent", "\\Drafts"} or entry.name == OUTBOX
    return Line(
        uid=row["uid"],
        flags=Flag(row["flags"]),
        who=row["content__to_display" if is_outgoing else "content__from_display"],
        subject=row["content__subject"],
        preview=row["content__preview"],
        at=row["internal_date"],
        has_attachments=row["content__has_attachments"],
        message_id=row["content__message_id"],
    )
