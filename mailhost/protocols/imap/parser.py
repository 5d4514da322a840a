"""From one command's octets to its value (RFC 3501 section 9, command). Raises ImapSyntaxError or UnknownCharset."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from mailhost.protocols.imap import commands as c
from mailhost.protocols.imap.acl import PARSERS as ACL
from mailhost.protocols.imap.appending import PARSERS as APPENDING
from mailhost.protocols.imap.appending import UID_PARSERS as UID_APPENDING
from mailhost.protocols.imap.compressing import PARSERS as COMPRESSING
from mailhost.protocols.imap.contexts import PARSERS as CONTEXTS
from mailhost.protocols.imap.create_parser import take_create
from mailhost.protocols.imap.cursor import TAG, Cursor
from mailhost.protocols.imap.enabling import PARSERS as ENABLING
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.fetch_items import FetchItem, take_fetch_items
from mailhost.protocols.imap.fetch_modifiers import take_fetch_modifiers
from mailhost.protocols.imap.flags import take_flags
from mailhost.protocols.imap.framing import CommandText
from mailhost.protocols.imap.list_parser import take_list, take_lsub, take_status_items
from mailhost.protocols.imap.metadata import PARSERS as METADATA
from mailhost.protocols.imap.multisearch import PARSERS as MULTISEARCH
from mailhost.protocols.imap.names import take_mailbox
from mailhost.protocols.imap.notify import PARSERS as NOTIFY
from mailhost.protocols.imap.quota import PARSERS as QUOTA
from mailhost.protocols.imap.resync import ChangedSince, take_select_parameters, take_unchanged_since
from mailhost.protocols.imap.search_options import PartialRange
from mailhost.protocols.imap.search_parser import take_search
from mailhost.protocols.imap.sequence_sets import take_sequence_set
from mailhost.protocols.imap.sorting import PARSERS as SORTING
from mailhost.protocols.imap.sorting import UID_PARSERS as UID_SORTING

_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9-]{0,31}")
# store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP …
_STORE = re.compile(rb"([+-]?)FLAGS(\.SILENT)?(?= )", re.IGNORECASE)
_MODES = {b"": c.StoreMode.REPLACE, b"+": c.StoreMode.ADD, b"-": c.StoreMode.REMOVE}
# initial-resp = base64 / "=" (RFC 4959)
_INITIAL_RESPONSE = re.compile(rb"=|[A-Za-z0-9+/]+={0,2}")
MAX_ID_FIELDS = 30  # RFC 2971 section 3.3
REMEMBERED_OCTETS = 512  # of what FETCH asks for


class _Wanted(NamedTuple):
    """What FETCH asks for of each message, and how many octets said so."""

    items: tuple[FetchItem, ...]
    changed_since: ChangedSince | None
    partial: PartialRange | None
    octets: int


def parse_tag(command: CommandText) -> str:
    """The tag alone, for the BAD of a command that cannot be read; `*` where there is none."""
    match = TAG.match(command.octets)
    return match[0].decode("ascii") if match else "*"


def parse(command: CommandText, *, has_utf8_names: bool = False, knows_charsets: bool = True) -> c.Tagged:
    """command = tag SP (command-any / …) CRLF."""
    cursor = Cursor(command, has_utf8_names=has_utf8_names, knows_charsets=knows_charsets)
    tag = cursor.take(TAG, "a tag").decode("ascii")
    cursor.space()
    name = cursor.take(_NAME, "a command").decode("ascii").upper()
    parsers = _PARSERS
    if name == "UID":
        cursor.space()
        verb = cursor.take(_NAME, "a command").decode("ascii").upper()
        name, parsers = f"UID {verb}", _UID_PARSERS
    take = parsers.get(name)
    if take is None:
        raise ImapSyntaxError(f"unknown command {name}")
    value = take(cursor)
    cursor.end()
    return c.Tagged(tag, name, value)


def _spaced_mailbox(cursor: Cursor) -> str:
    cursor.space()
    return take_mailbox(cursor)


def _id(cursor: Cursor) -> c.Id:
    """id_params_list = "(" *(string SP nstring) ")" / nil."""
    cursor.space()
    if not cursor.comes(b"("):
        if cursor.nstring_octets("a list or NIL") is not None:
            raise ImapSyntaxError("expected a list or NIL")
        return c.Id()
    fields = cursor.parenthesised(_id_field, "a field", may_be_empty=True)
    if len(fields) > MAX_ID_FIELDS:
        raise ImapSyntaxError("too many ID fields")
    return c.Id(tuple(fields))


def _id_field(cursor: Cursor) -> tuple[str, str | None]:
    field = cursor.string_octets("a field")
    cursor.space()
    value = cursor.nstring_octets("a value")
    # RFC 2971 section 3.3: fields of up to 30, values of up to 1,024 octets. They are for logs alone.
    return (
        field[:30].decode("utf-8", "replace"),
        None if value is None else value[:1024].decode("utf-8", "replace"),
    )


def _authenticate(cursor: Cursor) -> c.Authenticate:
    cursor.space()
    mechanism = cursor.word("a mechanism")
    if cursor.is_at_end:
        return c.Authenticate(mechanism)
    cursor.space()
    return c.Authenticate(mechanism, cursor.take(_INITIAL_RESPONSE, "base64"))


def _login(cursor: Cursor) -> c.Login:
    cursor.space()
    login = cursor.astring_octets("a login name")
    cursor.space()
    return c.Login(login, cursor.astring_octets("a password"))


def _select(*, is_read_only: bool) -> Callable[[Cursor], c.Select]:
    def take(cursor: Cursor) -> c.Select:
        name = _spaced_mailbox(cursor)
        found = take_select_parameters(cursor)
        return c.Select(name, is_read_only, found.is_condstore, found.resync)

    return take


def _rename(cursor: Cursor) -> c.Rename:
    return c.Rename(_spaced_mailbox(cursor), _spaced_mailbox(cursor))


def _status(cursor: Cursor) -> c.Status:
    name = _spaced_mailbox(cursor)
    cursor.space()
    return c.Status(name, take_status_items(cursor))


def _uid_expunge(cursor: Cursor) -> c.Expunge:
    cursor.space()
    return c.Expunge(take_sequence_set(cursor))


def _fetch(*, by_uid: bool) -> Callable[[Cursor], c.Fetch]:
    def take(cursor: Cursor) -> c.Fetch:
        cursor.space()
        messages = take_sequence_set(cursor)
        cursor.space()
        wanted = _take_wanted(cursor, by_uid=by_uid)
        return c.Fetch(messages, wanted.items, by_uid, wanted.changed_since, wanted.partial)

    return take


def _take_wanted(cursor: Cursor, *, by_uid: bool) -> _Wanted:
    if cursor.has_literals or len(cursor.octets) - cursor.at > REMEMBERED_OCTETS:
        return _take_wanted_here(cursor, by_uid=by_uid)
    wanted = _remembered(cursor.octets[cursor.at :], by_uid=by_uid)
    cursor.at += wanted.octets
    return wanted


@lru_cache(maxsize=512)
def _remembered(octets: bytes, *, by_uid: bool) -> _Wanted:
    """Clients ask for the same of message after message: what that is, is read once."""
    return _take_wanted_here(Cursor(CommandText(octets)), by_uid=by_uid)


def _take_wanted_here(cursor: Cursor, *, by_uid: bool) -> _Wanted:
    start = cursor.at
    items = take_fetch_items(cursor)
    modifiers = take_fetch_modifiers(cursor, by_uid=by_uid)
    return _Wanted(items, modifiers.changed_since, modifiers.partial, cursor.at - start)


def _store(*, by_uid: bool) -> Callable[[Cursor], c.Store]:
    def take(cursor: Cursor) -> c.Store:
        cursor.space()
        messages = take_sequence_set(cursor)
        cursor.space()
        unchanged_since = take_unchanged_since(cursor)
        match = _STORE.match(cursor.octets, cursor.at)
        if match is None:
            raise ImapSyntaxError("expected FLAGS, +FLAGS or -FLAGS")
        cursor.at = match.end()
        cursor.space()
        return c.Store(
            messages, _MODES[match[1]], take_flags(cursor), match[2] is not None, by_uid, unchanged_since
        )

    return take


def _copy(kind: type[c.Copy] | type[c.Move], *, by_uid: bool) -> Callable[[Cursor], c.Copy | c.Move]:
    def take(cursor: Cursor) -> c.Copy | c.Move:
        cursor.space()
        messages = take_sequence_set(cursor)
        return kind(messages, _spaced_mailbox(cursor), by_uid)

    return take


def _search(*, by_uid: bool) -> Callable[[Cursor], c.Search]:
    return lambda cursor: take_search(cursor, by_uid=by_uid)


def _without_arguments(command: c.Command) -> Callable[[Cursor], c.Command]:
    return lambda cursor: command


_PARSERS: dict[str, Callable[[Cursor], c.Command]] = {
    "CAPABILITY": _without_arguments(c.Capability()),
    "NOOP": _without_arguments(c.Noop()),
    "LOGOUT": _without_arguments(c.Logout()),
    "ID": _id,
    "STARTTLS": _without_arguments(c.StartTls()),
    "AUTHENTICATE": _authenticate,
    "LOGIN": _login,
    "NAMESPACE": _without_arguments(c.Namespace()),
    "SELECT": _select(is_read_only=False),
    "EXAMINE": _select(is_read_only=True),
    "CREATE": take_create,
    "DELETE": lambda cursor: c.Delete(_spaced_mailbox(cursor)),
    "RENAME": _rename,
    "SUBSCRIBE": lambda cursor: c.Subscribe(_spaced_mailbox(cursor)),
    "UNSUBSCRIBE": lambda cursor: c.Subscribe(_spaced_mailbox(cursor), is_subscribed=False),
    "LIST": take_list,
    "LSUB": take_lsub,
    "STATUS": _status,
    **APPENDING,
    "IDLE": _without_arguments(c.Idle()),
    "CHECK": _without_arguments(c.Check()),
    "CLOSE": _without_arguments(c.Close()),
    "UNSELECT": _without_arguments(c.Unselect()),
    "EXPUNGE": _without_arguments(c.Expunge()),
    "SEARCH": _search(by_uid=False),
    "FETCH": _fetch(by_uid=False),
    "STORE": _store(by_uid=False),
    "COPY": _copy(c.Copy, by_uid=False),
    "MOVE": _copy(c.Move, by_uid=False),
    **ACL,
    **METADATA,
    **NOTIFY,
    **QUOTA,
    **ENABLING,
    **COMPRESSING,
    **SORTING,
    **CONTEXTS,
    **MULTISEARCH,
}
_UID_PARSERS: dict[str, Callable[[Cursor], c.Command]] = {
    "UID EXPUNGE": _uid_expunge,
    **UID_APPENDING,
    "UID SEARCH": _search(by_uid=True),
    "UID FETCH": _fetch(by_uid=True),
    "UID STORE": _store(by_uid=True),
    "UID COPY": _copy(c.Copy, by_uid=True),
    "UID MOVE": _copy(c.Move, by_uid=True),
    **UID_SORTING,
}
