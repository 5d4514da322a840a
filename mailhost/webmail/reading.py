"""One message as its page shows it."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from delivery.quarantine import Held, find_held
from mailboxes.models import Content, Message
from mailboxes.store import structure
from mailboxes.store.fetch import fetch_octets
from mailboxes.store.flags import store_flags
from mailboxes.store.values import NO_FLAGS, Flag, MailboxEntry
from mailhost.protocols.message.reading import (
    AttachedOctets,
    ReadableMessage,
    read_attachment,
    read_message,
)

# Images that stand inside the HTML are put into it, as the sandboxed frame has no cookie to fetch them with.
INLINE_TYPES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
MAX_INLINE_IMAGES = 40
MAX_INLINE_OCTETS = 10 << 20  # of all of them; what is beyond is among the attachments' downloads


class MessageNotFound(Exception):
    """The mailbox has no such message (any longer)."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message of a mailbox, read; uid 0: one that is held back."""

    uid: int
    flags: Flag
    at: datetime
    content_id: int
    octets: bytes
    message: ReadableMessage

    @property
    def is_flagged(self) -> bool:
        """Carries the owner's mark."""
        return Flag.FLAGGED in self.flags

    @property
    def is_draft(self) -> bool:
        """Is not finished: its page offers to go on writing."""
        return Flag.DRAFT in self.flags


def read_octets(entry: MailboxEntry, uid: int) -> bytes:
    """The message as it came in. Raises MessageNotFound."""
    rows = fetch_octets(mailbox_id=entry.mailbox_id, uids=[uid])
    # The store also finds what is expunged and kept; here a message that has gone is gone.
    if not rows or not Message.objects.filter(mailbox_id=entry.mailbox_id, uid=uid).exists():
        raise MessageNotFound
    return rows[0][1]


def read_letter(entry: MailboxEntry, uid: int) -> Letter:
    """Reads the message, and marks nothing. Raises MessageNotFound."""
    row = (
        Message.objects.filter(mailbox_id=entry.mailbox_id, uid=uid)
        .values("flags", "internal_date", "content_id")
        .first()
    )
    if row is None:
        raise MessageNotFound
    return _read(uid, Flag(row["flags"]), row["internal_date"], row["content_id"], read_octets(entry, uid))


def read_held_letter(*, account_id: int, held_id: int) -> tuple[Held, Letter]:
    """A message that is held back for the account. Raises MessageNotFound."""
    held = find_held(account_id=account_id, held_id=held_id)
    if held is None:
        raise MessageNotFound
    content = Content.objects.filter(pk=held.content_id).only("octets").first()
    if content is None:
        raise MessageNotFound
    return held, _read(0, NO_FLAGS, held.held_at, held.content_id, bytes(content.octets))


def _read(uid: int, flags: Flag, at: datetime, content_id: int, octets: bytes) -> Letter:
    return Letter(uid, flags, at, content_id, octets, read_message(octets, limits=structure.limits()))


def content_ids(entry: MailboxEntry, uids: Sequence[int]) -> list[int]:
    """What those of them that are there consist of, each once."""
    rows = Message.objects.filter(mailbox_id=entry.mailbox_id, uid__in=uids)
    return list(dict.fromkeys(rows.order_by("uid").values_list("content_id", flat=True)))


def mark_seen(entry: MailboxEntry, letter: Letter, *, acting_id: int, now: datetime) -> None:
    """Somebody has read it. In a mailbox of others that is told where the reader has the right to."""
    if Flag.SEEN in letter.flags or "s" not in entry.rights:
        return
    store_flags(
        mailbox_id=entry.mailbox_id,
        uids=[letter.uid],
        mode="add",
        flags=Flag.SEEN,
        acting_id=acting_id,
        now=now,
    )


def attached(octets: bytes, section: str) -> AttachedOctets:
    """One attachment, decoded. Raises MessageNotFound where the message has no such part."""
    part = read_attachment(octets, section, limits=structure.limits())
    if part is None:
        raise MessageNotFound
    return part


def inline_images(letter: Letter) -> dict[str, str]:
    """data: URLs of the message's own images by Content-ID, as far as they are small and of a harmless type."""
    urls: dict[str, str] = {}
    room = MAX_INLINE_OCTETS
    for content_id, part in list(letter.message.inline.items())[:MAX_INLINE_IMAGES]:
        if part.content_type not in INLINE_TYPES or part.size_octets > room:
            continue
        octets = attached(letter.octets, part.section).octets
        room -= len(octets)
        urls[content_id] = f"data:{part.content_type};base64,{base64.b64encode(octets).decode()}"
    return urls
