"""Metadata of mailboxes and of the server (RFC 5464 section 3): shared, or each account's own.

What is computed stands beside what is stored: a mailbox's special use (RFC 6154 section 4), and who runs the server.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction

from mailboxes.exceptions import AnnotationTooLarge, NotPermitted, TooManyAnnotations
from mailboxes.store.hierarchy import change_special_use
from mailboxes.store.locks import announce_names_on_commit, lock_usage, one
from mailboxes.store.rights import find
from mailboxes.store.values import MailboxEntry
from mailhost.net.announcements import EVERYBODY
from mailhost.net.database import cursor

SHARED = "/shared/"
SPECIAL_USE = "/private/specialuse"  # RFC 6154 section 4
ADMIN = "/shared/admin"  # RFC 5464 section 6.2.2
READ_OR_WRITE = frozenset("rswip")  # RFC 5464 section 3.3: any of these, beside the right l

READ = """
SELECT coalesce(mailbox_id, 0), entry, octet_length(value),
       CASE WHEN %(max)s::bigint IS NULL OR octet_length(value) <= %(max)s::bigint THEN value END
  FROM mailboxes_annotation
 WHERE (mailbox_id = ANY(%(mailboxes)s::bigint[]) OR (mailbox_id IS NULL AND 0 = ANY(%(mailboxes)s::bigint[])))
   AND (account_id IS NULL OR account_id = %(account)s)
   AND EXISTS (SELECT FROM unnest(%(entries)s::text[]) asked(name)
                WHERE entry = asked.name OR (%(depth)s > 0 AND starts_with(entry, asked.name || '/')))
 ORDER BY entry
"""
SET = """
INSERT INTO mailboxes_annotation (mailbox_id, account_id, entry, value) VALUES (%s, %s, %s, %s)
ON CONFLICT (mailbox_id, account_id, entry) DO UPDATE SET value = excluded.value
"""
REMOVE = """
DELETE FROM mailboxes_annotation
 WHERE mailbox_id IS NOT DISTINCT FROM %s AND account_id IS NOT DISTINCT FROM %s AND entry = %s
"""
COUNT = """
SELECT count(*) FROM mailboxes_annotation
 WHERE mailbox_id IS NOT DISTINCT FROM %s AND (account_id IS NULL OR account_id = %s)
"""
# What is its own anywhere, and what is shared in its mailboxes.
DIGESTS = """
SELECT coalesce(mailbox_id, 0), entry, md5(value) FROM mailboxes_annotation
 WHERE (mailbox_id = ANY(%s::bigint[]) OR mailbox_id IS NULL) AND (account_id IS NULL OR account_id = %s)
"""
OCTETS = """
SELECT coalesce(sum(octet_length(value) + length(entry)), 0)::bigint FROM mailboxes_annotation
 WHERE account_id = %s
    OR (account_id IS NULL AND mailbox_id IN (SELECT id FROM mailboxes_mailbox WHERE account_id = %s))
"""


@dataclass(frozen=True, slots=True)
class Annotations:
    """What was found of one mailbox, by entry, and the size of the longest value that was longer than asked for."""

    values: dict[str, bytes] = field(default_factory=dict)
    too_long: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Entries in lower case, and how far below them; values of at most so many octets."""

    entries: tuple[str, ...]
    depth: int = 0
    max_octets: int | None = None

    def covers(self, entry: str) -> bool:
        """Whether the entry is asked for."""
        return any(
            entry == name
            or (entry.startswith(name + "/") and entry.count("/") - name.count("/") <= self.depth)
            for name in self.entries
        )


def read_server(*, account_id: int, admin: str, wanted: Wanted) -> Annotations:
    """The server's entries."""
    return _read({0: {ADMIN: admin.encode()}}, account_id, wanted)[0]


def read_mailbox(*, account_id: int, name: str, wanted: Wanted) -> tuple[MailboxEntry, Annotations]:
    """The entries of the mailbox that the account calls so. Raises MailboxNotFound, NotPermitted."""
    entry = find(account_id=account_id, name=name)
    if not may_annotate(entry):
        raise NotPermitted
    return entry, read_mailboxes(account_id=account_id, entries=[entry], wanted=wanted)[entry.mailbox_id]


def may_annotate(entry: MailboxEntry) -> bool:
    """Section 3.3."""
    return "l" in entry.rights and not READ_OR_WRITE.isdisjoint(entry.rights)


def read_mailboxes(
    *, account_id: int, entries: Iterable[MailboxEntry], wanted: Wanted
) -> dict[int, Annotations]:
    """The entries of many mailboxes, by mailbox id: one statement."""
    computed = {
        each.mailbox_id: {SPECIAL_USE: each.special_use.encode()} if each.special_use else {}
        for each in entries
    }
    return _read(computed, account_id, wanted)


def digests(*, account_id: int, entries: Iterable[MailboxEntry]) -> dict[tuple[int, str], str]:
    """Of the entries of these mailboxes, and of the server (0), what is another where the value is another."""
    entries = [entry for entry in entries if may_annotate(entry)]
    with cursor() as sql:
        sql.execute(DIGESTS, ([entry.mailbox_id for entry in entries], account_id))
        found = {(mailbox_id, name): digest for mailbox_id, name, digest in sql}
    computed = {(each.mailbox_id, SPECIAL_USE): each.special_use for each in entries if each.special_use}
    return found | computed


def _read(
    computed: Mapping[int, Mapping[str, bytes]], account_id: int, wanted: Wanted
) -> dict[int, Annotations]:
    found = {number: Annotations() for number in computed}
    rows = [
        (number, entry, len(value), value)
        for number, each in computed.items()
        for entry, value in each.items()
    ]
    parameters = {
        "mailboxes": list(computed),
        "account": account_id,
        "entries": list(wanted.entries),
        "depth": wanted.depth,
        "max": wanted.max_octets,
    }
    with cursor() as sql:
        rows += sql.execute(READ, parameters).fetchall()
    for number, entry, size, value in rows:
        if not wanted.covers(entry):
            continue
        if value is None or (wanted.max_octets is not None and size > wanted.max_octets):
            found[number].too_long[entry] = size
        else:
            found[number].values[entry] = value
    return found


@transaction.atomic
def set_server(*, account_id: int, is_operator: bool, values: Mapping[str, bytes | None]) -> None:
    """Sets or removes the server's entries, all or none. What is shared is the operators' to set.

    Raises NotPermitted, AnnotationTooLarge, TooManyAnnotations.
    """
    lock_usage([account_id])
    if ADMIN in values or (not is_operator and any(entry.startswith(SHARED) for entry in values)):
        raise NotPermitted
    _set(None, account_id, account_id, values)
    announce_names_on_commit(EVERYBODY if any(entry.startswith(SHARED) for entry in values) else account_id)


@transaction.atomic
def set_mailbox(*, account_id: int, name: str, values: Mapping[str, bytes | None]) -> None:
    """Sets or removes entries of the mailbox that the account calls so, all or none.

    What is shared in another's mailbox takes the right w as well, which section 3.3 leaves to us.
    Raises MailboxNotFound, NotPermitted, AnnotationTooLarge, TooManyAnnotations, SpecialUseRefused.
    """
    owner_id = find(account_id=account_id, name=name).account_id
    lock_usage({account_id, owner_id})
    entry = find(account_id=account_id, name=name)  # as it is under the lock
    if not may_annotate(entry):
        raise NotPermitted
    if "w" not in entry.rights and any(each.startswith(SHARED) for each in values):
        raise NotPermitted
    values = dict(values)
    if SPECIAL_USE in values:
        if entry.account_id != account_id:
            raise NotPermitted
        change_special_use(entry, (values.pop(SPECIAL_USE) or b"").decode("ascii", "replace"))
    _set(entry.mailbox_id, account_id, owner_id, values)
    announce_names_on_commit(owner_id, [entry.mailbox_id])


def _set(mailbox_id: int | None, account_id: int, owner_id: int, values: Mapping[str, bytes | None]) -> None:
    limit = settings.IMAP_MAX_ANNOTATION_OCTETS
    if any(value is not None and len(value) > limit for value in values.values()):
        raise AnnotationTooLarge(limit)
    with cursor() as sql:
        for entry, value in values.items():
            whose = None if entry.startswith(SHARED) else account_id
            if value is None:
                sql.execute(REMOVE, (mailbox_id, whose, entry))
            else:
                sql.execute(SET, (mailbox_id, whose, entry, value))
    if any(value is not None for value in values.values()):
        _refuse_too_many(mailbox_id, {account_id, owner_id}, account_id)


def _refuse_too_many(mailbox_id: int | None, charged: Collection[int], account_id: int) -> None:
    (count,) = one(COUNT, (mailbox_id, account_id)) or (0,)
    if count > settings.IMAP_MAX_ANNOTATIONS:
        raise TooManyAnnotations("There can be no more entries.")
    for each in charged:
        (octets,) = one(OCTETS, (each, each)) or (0,)
        if octets > settings.IMAP_MAX_ANNOTATIONS_OCTETS:
            raise TooManyAnnotations("There is no room for more entries.")
