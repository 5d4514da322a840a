"""Signing what goes out, when it is loaded: DKIM on mail of ours (RFC 6376), ARC on what is passed on (RFC 8617).

Mail of ours is what accounts submit and what this host itself writes. It is signed with the active keys of the hosted
domain that From is in: that domain itself, or the nearest one above it within the same organization, which is
aligned by DMARC's relaxed rule (RFC 9989 section 4.10.2). Loaded means: in a store thread, as the octets will leave.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from threading import Lock
from typing import Final

import structlog
from django.db import DatabaseError, InterfaceError

from delivery.queue.contents import in_form, read_octets
from delivery.relay.forms import Form, Octets
from delivery.relay.parcel import OutgoingMessage
from delivery.sealing import seal_forwarded
from delivery.signing_keys import ActiveKey, Signed, active_keys
from mailhost.net.secrets_at_rest import CannotDecrypt
from mailhost.protocols.dkim import CannotBeSigned, SignedMessage, read_signed_message, sign_read
from mailhost.protocols.dmarc.author_domain import NoAuthorDomain, author_domain
from mailhost.protocols.lines import CRLF
from mailhost.protocols.message.without_binary import CannotConvert
from mailhost.protocols.smtp.client import encode_data

log = structlog.get_logger(__name__)

MAX_REMEMBERED: Final = (
    2_000  # messages whose fields are kept, 2 KB each: for the further destinations of each
)

Keys = Callable[[str], tuple[str, list[ActiveKey]]]


@dataclass(frozen=True, slots=True)
class Loaded:
    """octets: what follows DATA's reply, or where it goes by BDAT the message itself. note: what was signed with which
    keys, or why nothing was.
    """

    octets: bytes
    note: str


@dataclass(slots=True)
class _Remembered:
    """By message, the newest last: a message to many destinations is signed once in a process."""

    made: OrderedDict[tuple[int, Octets], Signed] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def get(self, key: tuple[int, Octets], make: Callable[[], Signed]) -> Signed:
        """What is made for this key, kept where it was signed."""
        with self.lock:
            if key in self.made:
                self.made.move_to_end(key)
                return self.made[key]
        signed = make()
        if not signed.fields:
            return signed  # when it is tried again there may be a key
        with self.lock:
            self.made[key] = signed
            while len(self.made) > MAX_REMEMBERED:
                self.made.popitem(last=False)
        return signed


_remembered = _Remembered()


def load_signed(
    *, messages: Sequence[OutgoingMessage], form: Form, now: datetime
) -> dict[int, Loaded | CannotConvert]:
    """By message_id, without those whose content is gone. What cannot be signed goes unsigned.

    A fault in any but the first leaves that one out: it is to come up when it is asked for by itself.
    """
    kept = read_octets(content_ids=[each.content_id for each in messages])
    keys = cache(active_keys)
    loaded: dict[int, Loaded | CannotConvert] = {}
    for number, each in enumerate(messages):
        if each.content_id in kept:
            try:
                loaded[each.message_id] = _load(each, kept[each.content_id], form, keys, now=now)
            except Exception as fault:
                if number == 0 or isinstance(fault, DatabaseError | InterfaceError):
                    raise
    return loaded


def _load(
    message: OutgoingMessage, kept: bytes, form: Form, keys: Keys, *, now: datetime
) -> Loaded | CannotConvert:
    try:
        octets, in_octets = in_form(kept, form.octets, is_binary=message.body == "BINARYMIME")
    except CannotConvert as fact:
        return fact
    signed = _remembered.get((message.message_id, in_octets), lambda: _sign(message, octets, keys, now=now))
    leaving = signed.fields + octets
    if not form.is_chunked:
        return Loaded(encode_data(leaving), signed.note)
    # Lines all have an end, as they would after DATA.
    is_whole = form.octets is Octets.AS_THEY_ARE or leaving.endswith(CRLF)
    return Loaded(leaving if is_whole else leaving + CRLF, signed.note)


def sign_own(octets: bytes, *, now: datetime, keys: Keys = active_keys) -> Signed:
    """DKIM signatures of the domain in From, RSA's first. octets: as they leave."""
    message = read_signed_message(octets)
    try:
        author = author_domain([each.value for each in message.named(b"from")])
    except NoAuthorDomain as fact:
        return Signed(b"", f"Not signed: {fact}")
    domain, active = keys(author)
    if not domain:
        return Signed(b"", f"Not signed: {author} is not hosted here.")
    if not active:
        return Signed(b"", f"Not signed: {domain} has no active DKIM key.")
    return _sign_with(message, active, now=now)


def _sign(message: OutgoingMessage, octets: bytes, keys: Keys, *, now: datetime) -> Signed:
    if message.forwarded_by:
        return seal_forwarded(octets, domain=message.forwarded_by, now=now)
    signed = sign_own(octets, now=now, keys=keys)
    if not signed.fields:
        log.warning("sent unsigned", message_id=message.message_id, reason=signed.note)
    return signed


def _sign_with(message: SignedMessage, keys: list[ActiveKey], *, now: datetime) -> Signed:
    made, notes = [], []
    for key in keys:
        try:
            made.append(sign_read(message, domain=key.domain, selector=key.selector, key=key.load(), now=now))
            notes.append(f"DKIM by {key.selector}._domainkey.{key.domain}.")
        except (CannotBeSigned, CannotDecrypt) as fact:
            log.error("a DKIM key does not sign", selector=key.selector, domain=key.domain, reason=str(fact))
            notes.append(f"Not signed by {key.selector}._domainkey.{key.domain}: {fact}")
    return Signed(b"".join(made), " ".join(notes))
