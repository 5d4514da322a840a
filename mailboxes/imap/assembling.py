"""The octets of a message that a client brings: sent, or put together of what is here (CATENATE, RFC 4469)."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from django.conf import settings

from mailboxes.exceptions import MailboxFact
from mailboxes.imap.flags import split_flags
from mailboxes.imap.refusals import Refused
from mailboxes.imap.sections import clip, filter_fields, is_filtered, span
from mailboxes.imap.session import Session
from mailboxes.store import values
from mailboxes.store.append import SLOW_OCTETS, prepare
from mailboxes.store.parts import find_parts, read_span
from mailboxes.store.rights import find
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.appending import NewMessage, Piece, Url
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.fetch_items import Section
from mailhost.protocols.imap.urls import BadUrl, MessagePart, parse_url

# url-resp-text = 1*(any TEXT-CHAR but "]"), which holds the bare URL (RFC 4469 section 5, erratum 4046)
_NOT_IN_CODE = re.compile(r"[^!-\\^-~]")
MAX_URL_TOLD = 1_000


@dataclass(frozen=True, slots=True)
class Span:
    """octets[start:end] of a content that is stored, or the fields that a section picks of them."""

    url: str
    content_id: int
    start: int
    end: int
    section: Section


@dataclass(frozen=True, slots=True)
class Draft:
    """A message whose pieces are known to be there."""

    message: NewMessage
    pieces: Sequence[bytes | Span]

    @property
    def is_small(self) -> bool:
        """Whether nothing has to be read, and little to be worked out."""
        return (
            len(self.pieces) == 1 and isinstance(self.pieces[0], bytes) and len(self.pieces[0]) < SLOW_OCTETS
        )

    def prepared(self) -> values.NewMessage:
        """With all that is worked out of it. Raises Refused. To be called in a store thread unless it is small."""
        octets = self._octets()
        if not octets:
            raise Refused("An empty message cannot be appended.", "CANNOT")
        flags, keywords = split_flags(self.message.flags)
        return values.NewMessage(prepare(octets), flags, keywords, self.message.internal_date)

    def _octets(self) -> bytes:
        if len(self.pieces) == 1 and isinstance(self.pieces[0], bytes):
            return self.pieces[0]
        whole = io.BytesIO()
        for piece in self.pieces:
            whole.write(piece if isinstance(piece, bytes) else _read(piece))
        return whole.getvalue()


async def assemble(
    session: Session, messages: Sequence[NewMessage], extensions: frozenset[str]
) -> list[Draft]:
    """The messages with their URLs resolved, and room held for what is put together.

    Raises ImapSyntaxError for a form that is switched off, Refused (BADURL, TOOBIG, LIMIT).
    """
    if not extensions.isdisjoint(session.switched_off):
        raise ImapSyntaxError("expected the message as a literal")
    if "UTF8=ACCEPT" in extensions and "UTF8=ACCEPT" not in session.enabled:
        raise ImapSyntaxError("UTF8 is for who has enabled UTF8=ACCEPT (RFC 6855 section 4)")
    drafts = []
    for message in messages:
        pieces: list[bytes | Span] = [piece for piece in message.pieces if isinstance(piece, bytes)]
        if len(pieces) != len(message.pieces):
            pieces = await _locate_all(session, message.pieces)
        if len(pieces) > 1 or isinstance(pieces[0], Span):
            await _hold(session, pieces)
        drafts.append(Draft(message, pieces))
    return drafts


async def _locate_all(session: Session, pieces: Sequence[Piece]) -> list[bytes | Span]:
    parts: dict[Url, MessagePart] = {}
    selected = session.selected
    assert session.principal is not None
    ours = {settings.HOSTNAME.lower(), session.connection.local}
    for piece in pieces:
        if isinstance(piece, Url):
            try:
                part = parts[piece] = parse_url(piece.url)
            except BadUrl:
                raise _bad(piece.url) from None
            is_ours = part.host in {*ours, ""} and part.user.lower() in {"", session.principal.login.lower()}
            if not is_ours or (part.mailbox is None and selected is None):
                raise _bad(piece.url)
    place = (selected.mailbox_id, selected.uid_validity) if selected is not None else (0, 0)
    found = await in_store(_locate, session.account_id, parts, place)
    return [piece if isinstance(piece, bytes) else found[piece] for piece in pieces]


def _locate(account_id: int, parts: dict[Url, MessagePart], selected: tuple[int, int]) -> dict[Url, Span]:
    """Where each of them lies. Raises Refused."""
    found = {}
    for url, part in parts.items():
        mailbox_id, uid_validity = selected
        if part.mailbox is not None:
            try:
                entry = find(account_id=account_id, name=part.mailbox, needed="r")
            except MailboxFact:
                raise _bad(url.url) from None
            mailbox_id, uid_validity = entry.mailbox_id, entry.uid_validity
        if part.uid_validity not in (None, uid_validity):
            raise _bad(url.url)
        there = find_parts(mailbox_id=mailbox_id, uid=part.uid)
        lies = span(part.section, there.packed) if there is not None else None
        if there is None or lies is None:
            raise _bad(url.url)
        if not is_filtered(part.section):
            lies = clip(*lies, part.section.partial)
        found[url] = Span(url.url, there.content_id, *lies, part.section)
    return found


async def _hold(session: Session, pieces: Sequence[bytes | Span]) -> None:
    octets = sum(len(piece) if isinstance(piece, bytes) else piece.end - piece.start for piece in pieces)
    if octets > settings.MAX_MESSAGE_OCTETS:
        raise Refused(f"A message has at most {settings.MAX_MESSAGE_OCTETS} octets.", "TOOBIG")
    if not await session.hold(octets):
        raise Refused("Too much mail is on its way in; try again in a moment.", "LIMIT")


def _read(piece: Span) -> bytes:
    octets = read_span(content_id=piece.content_id, start=piece.start, end=piece.end)
    if octets is None:
        raise _bad(piece.url)
    return filter_fields(piece.section, octets) if is_filtered(piece.section) else octets


def _bad(url: str) -> Refused:
    told = _NOT_IN_CODE.sub(lambda match: quote(match[0], safe=""), url)[:MAX_URL_TOLD]
    return Refused("A URL names nothing that can be read.", f"BADURL {told}" if told else "BADURL %00")
