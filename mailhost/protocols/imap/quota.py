"""GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208 section 7), and the QUOTA response."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mailhost.protocols.imap.commands import Command
from mailhost.protocols.imap.cursor import Cursor
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.names import take_mailbox
from mailhost.protocols.imap.responses import string

# number64 = 1*DIGIT, 0 <= n <= 9,223,372,036,854,775,807 (RFC 9051 section 9)
_NUMBER64 = re.compile(rb"[0-9]{1,19}(?![0-9])")
MAX_NUMBER64 = (1 << 63) - 1
MAX_ROOT_OCTETS = 1_000
MAX_RESOURCES = 20
STORAGE_UNIT = 1_024  # section 5.1


@dataclass(frozen=True, slots=True)
class GetQuota(Command):
    """Section 4.1.1."""

    extension = "QUOTA"

    root: bytes


@dataclass(frozen=True, slots=True)
class GetQuotaRoot(Command):
    """Section 4.1.2."""

    extension = "QUOTA"

    name: str


@dataclass(frozen=True, slots=True)
class SetQuota(Command):
    """Section 4.1.3."""

    extension = "QUOTA"

    root: bytes
    limits: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Resource:
    """What is used of a resource, and how much may be."""

    name: str
    usage: int
    limit: int


def storage(octets: int, quota_octets: int) -> Resource:
    """In units of 1,024 octets, both rounded up: what is not empty is not told as 0, and 0 would prohibit all."""
    return Resource("STORAGE", -(-octets // STORAGE_UNIT), -(-quota_octets // STORAGE_UNIT))


def quota_response(root: bytes, resources: Iterable[Resource]) -> bytes:
    """`* QUOTA root (name usage limit …)`; an empty list says that nothing is limited (section 4.2.1)."""
    told = " ".join(f"{each.name} {each.usage} {each.limit}" for each in resources)
    return b"* QUOTA %b (%b)\r\n" % (string(root), told.encode("ascii"))


def _take_root(cursor: Cursor) -> bytes:
    """quota-root-name = astring."""
    cursor.space()
    root = cursor.astring_octets("a quota root")
    if len(root) > MAX_ROOT_OCTETS:
        raise ImapSyntaxError("the quota root is too long")
    return root


def _take_name(cursor: Cursor) -> GetQuotaRoot:
    cursor.space()
    return GetQuotaRoot(take_mailbox(cursor))


def _take_limits(cursor: Cursor) -> SetQuota:
    """setquota = "SETQUOTA" SP quota-root-name SP "(" [setquota-resource *(SP setquota-resource)] ")"."""
    root = _take_root(cursor)
    cursor.space()
    limits = cursor.parenthesised(_take_limit, "a resource", may_be_empty=True)
    if len(limits) > MAX_RESOURCES:
        raise ImapSyntaxError("too many resources")
    return SetQuota(root, tuple(limits))


def _take_limit(cursor: Cursor) -> tuple[str, int]:
    """setquota-resource = resource-name SP resource-limit."""
    name = cursor.word("a resource")
    cursor.space()
    limit = int(cursor.take(_NUMBER64, "a limit"))
    if limit > MAX_NUMBER64:
        raise ImapSyntaxError("the limit is out of range")
    return name, limit


PARSERS: dict[str, Callable[[Cursor], Command]] = {
    "GETQUOTA": lambda cursor: GetQuota(_take_root(cursor)),
    "GETQUOTAROOT": _take_name,
    "SETQUOTA": _take_limits,
}
