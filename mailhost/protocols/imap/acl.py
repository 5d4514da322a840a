"""Access control lists (RFC 4314): SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS, and their responses.

Rights are a text of letters here, as they stand in section 2.1 and in its order.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from mailhost.protocols.imap.commands import Command
from mailhost.protocols.imap.cursor import Cursor
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.names import take_mailbox
from mailhost.protocols.imap.responses import astring
from mailhost.protocols.scram import CannotPrepare, saslprep

RIGHTS = "lrswipkxtea"
# Section 2.1.1, as the servers do that let RFC 2086's "c" control DELETE: "create" is k and x, "delete" is t and e.
VIRTUAL = {"c": "kx", "d": "te"}
# What MYRIGHTS and ACL tell, in the order of the examples of RFC 4314 and RFC 8440.
TOLD = "lrswipkxtecda"
MAX_IDENTIFIER = 1_000  # far above any login; bounds what a refusal carries


class RightsChange(Enum):
    """What SETACL does with the rights it names (section 3.1)."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"


_CHANGES = {"+": RightsChange.ADD, "-": RightsChange.REMOVE}


@dataclass(frozen=True, slots=True)
class SetAcl(Command):
    """Section 3.1; virtual rights are resolved."""

    extension = "ACL"

    name: str
    identifier: str
    change: RightsChange
    rights: str


@dataclass(frozen=True, slots=True)
class DeleteAcl(Command):
    """Section 3.2."""

    extension = "ACL"

    name: str
    identifier: str


@dataclass(frozen=True, slots=True)
class GetAcl(Command):
    """Section 3.3."""

    extension = "ACL"

    name: str


@dataclass(frozen=True, slots=True)
class ListRights(Command):
    """Section 3.4; the identifier as the client wrote it, which is how the response repeats it."""

    extension = "ACL"

    name: str
    identifier: str
    written: bytes


@dataclass(frozen=True, slots=True)
class MyRights(Command):
    """Section 3.5."""

    extension = "ACL"

    name: str


def take_rights(text: str) -> str:
    """rights = astring, of lower-case letters and digits; virtual ones become what they stand for.

    Section 3.1: a right that is not known is never passed over.
    """
    letters: set[str] = set()
    for letter in text:
        if letter.isascii() and letter.isupper():
            raise ImapSyntaxError("uppercase rights are not allowed")
        if letter not in RIGHTS and letter not in VIRTUAL:
            raise ImapSyntaxError(f"the {letter} right is not supported")
        letters.update(VIRTUAL.get(letter, letter))
    return "".join(letter for letter in RIGHTS if letter in letters)


def told_rights(rights: str) -> str:
    """Rights as MYRIGHTS and ACL tell them: section 2.1.1 wants the virtual right beside any of its members."""
    virtual = {letter for letter, members in VIRTUAL.items() if any(member in rights for member in members)}
    return "".join(letter for letter in TOLD if letter in rights or letter in virtual)


def _take_identifier(cursor: Cursor) -> tuple[str, bytes]:
    """identifier = astring, prepared as section 3 says, and as it was written."""
    cursor.space()
    written = cursor.astring_octets("an identifier")
    if len(written) > MAX_IDENTIFIER:
        raise ImapSyntaxError("the identifier is too long")
    try:
        prepared = saslprep(written.decode("utf-8"))
    except (UnicodeDecodeError, CannotPrepare):
        prepared = ""
    if not prepared:
        raise ImapSyntaxError("the identifier is not one (RFC 4314 section 3)")
    return prepared, written


def _take_name(cursor: Cursor) -> str:
    cursor.space()
    return take_mailbox(cursor)


def _set_acl(cursor: Cursor) -> SetAcl:
    """setacl = "SETACL" SP mailbox SP identifier SP mod-rights."""
    name = _take_name(cursor)
    identifier, _ = _take_identifier(cursor)
    cursor.space()
    text = cursor.astring("rights")
    change = _CHANGES.get(text[:1], RightsChange.REPLACE)
    rights = take_rights(text if change is RightsChange.REPLACE else text[1:])
    return SetAcl(name, identifier, change, rights)


def _delete_acl(cursor: Cursor) -> DeleteAcl:
    name = _take_name(cursor)
    return DeleteAcl(name, _take_identifier(cursor)[0])


def _list_rights(cursor: Cursor) -> ListRights:
    name = _take_name(cursor)
    return ListRights(name, *_take_identifier(cursor))


PARSERS: dict[str, Callable[[Cursor], Command]] = {
    "SETACL": _set_acl,
    "DELETEACL": _delete_acl,
    "GETACL": lambda cursor: GetAcl(_take_name(cursor)),
    "LISTRIGHTS": _list_rights,
    "MYRIGHTS": lambda cursor: MyRights(_take_name(cursor)),
}


def acl_response(name: bytes, grants: Iterable[tuple[str, str]]) -> bytes:
    """acl-data = "ACL" SP mailbox *(SP identifier SP rights); the name is in wire form."""
    pairs = b"".join(
        b" %b %b" % (astring(identifier.encode()), _rights(told_rights(rights)))
        for identifier, rights in grants
    )
    return b"* ACL %b%b\r\n" % (name, pairs)


def list_rights_response(name: bytes, written: bytes, *, required: str, optional: Iterable[str]) -> bytes:
    """listrights-data = "LISTRIGHTS" SP mailbox SP identifier SP rights *(SP rights)."""
    groups = b"".join(b" %b" % _rights(rights) for rights in (required, *optional))
    return b"* LISTRIGHTS %b %b%b\r\n" % (name, astring(written), groups)


def my_rights_response(name: bytes, rights: str) -> bytes:
    """myrights-data = "MYRIGHTS" SP mailbox SP rights."""
    return b"* MYRIGHTS %b %b\r\n" % (name, _rights(told_rights(rights)))


def _rights(letters: str) -> bytes:
    return letters.encode("ascii") or b'""'
