"""Which mailbox a name means for an account, and with which rights (RFC 4314, RFC 2342).

An account's own mailboxes have plain names and all rights. Those of others that it has rights on stand under
`Other Users/<login>/`: everything below a door asks here, so that none of them decides for itself.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from mailboxes.exceptions import MailboxNameInvalid, MailboxNotFound
from mailboxes.logins import canonical_login
from mailboxes.store.grants import MAY_LOOK_UP, NOTICED, RIGHTS, in_order, require
from mailboxes.store.hierarchy import ENTRY_COLUMNS, find_mailbox, list_mailboxes
from mailboxes.store.locks import one
from mailboxes.store.mailbox_names import OTHER_USERS, SEPARATOR, canonical_name
from mailboxes.store.values import MailboxEntry
from mailhost.net.database import cursor

PREFIX = OTHER_USERS + SEPARATOR
# A login ends with a domain, which holds no separator; its local part may hold some, and an "@" (RFC 5321).
LOGIN_END = re.compile(r"@[^/@]+(?=/)")
MAX_LOGIN_CHARACTERS = 400

# Of a row of mailboxes_mailbox that is somebody else's: whose it is, what the reader may do, whether it is subscribed.
SEEN_BY_READER = f"""(SELECT login FROM mailboxes_account owner WHERE owner.id = mailboxes_mailbox.account_id),
       {RIGHTS},
       EXISTS (SELECT FROM mailboxes_subscription subscription
                WHERE subscription.mailbox_id = mailboxes_mailbox.id AND subscription.account_id = %s)"""
# The shortest login that there is: nobody can take another's name by a local part that looks like an address.
OWNER = """
SELECT account.id, given.name
  FROM unnest(%s::text[], %s::text[]) given(login, name) JOIN mailboxes_account account USING (login)
 ORDER BY length(given.login) LIMIT 1
"""
FIND = f"""
SELECT {SEEN_BY_READER}, {ENTRY_COLUMNS}
  FROM mailboxes_mailbox
 WHERE (account_id, name) = ({OWNER}) AND account_id <> %s AND deleted_at IS NULL
"""
LIST = f"""
SELECT {SEEN_BY_READER}, {ENTRY_COLUMNS}
  FROM mailboxes_mailbox
 WHERE id IN (SELECT mailbox_id FROM mailboxes_grant WHERE account_id = %s OR (account_id IS NULL AND %s))
   AND account_id <> %s AND deleted_at IS NULL
"""
NEAREST = f"""
SELECT {RIGHTS} FROM mailboxes_mailbox
 WHERE account_id = %s AND name = ANY(%s) AND deleted_at IS NULL
 ORDER BY length(name) DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class OthersName:
    """A name in the namespace of others: the logins it may begin with, and what the mailbox is then called.

    Which of them exist is not said. Mostly it is one; the local part of a login may look like levels of a name.
    """

    logins: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def told(self) -> str:
        """The whole name in the spelling in which it is told."""
        return f"{PREFIX}{self.logins[0]}{SEPARATOR}{self.names[0]}"


@dataclass(frozen=True, slots=True)
class Place:
    """Whose mailbox, or mailbox to be, another's name means, and what its owner calls it."""

    owner_id: int
    name: str


def others_name(name: str) -> OthersName | None:
    """The name's parts; None for a name of the account's own. Raises MailboxNotFound where it can be no mailbox."""
    name = unicodedata.normalize("NFC", name)
    if name != OTHER_USERS and not name.startswith(PREFIX):
        return None
    found: dict[str, str] = {}
    for match in LOGIN_END.finditer(name, len(PREFIX), len(PREFIX) + MAX_LOGIN_CHARACTERS):
        login, rest = name[len(PREFIX) : match.end()], name[match.end() + 1 :]
        try:
            canonical_name(login)  # what no name may hold, no login holds
            found[canonical_login(login)] = canonical_name(rest)
        except MailboxNameInvalid:
            continue
    if not found:
        raise MailboxNotFound(name)
    return OthersName(tuple(found), tuple(found.values()))


def place_of(others: OthersName, *, account_id: int) -> Place | None:
    """Whose it is; None where there is no such account, or where it is the one that asks."""
    row = one(OWNER, (list(others.logins), list(others.names)))
    return Place(*row) if row is not None and row[0] != account_id else None


def find(*, account_id: int, name: str, needed: str = MAY_LOOK_UP) -> MailboxEntry:
    """The mailbox of this name for this account, with its rights: one statement.

    Raises MailboxNotFound; NotPermitted where one of the needed rights is missing and the mailbox may be looked up.
    """
    entry = _find(account_id, name)
    require(entry.rights, needed, name=name)
    return entry


def find_noticed(*, account_id: int, name: str) -> MailboxEntry:
    """As find, for whoever has any right by which a mailbox is noticed (RFC 4314 section 4, MYRIGHTS)."""
    entry = _find(account_id, name)
    if NOTICED.isdisjoint(entry.rights):
        raise MailboxNotFound(name)
    return entry


def _find(account_id: int, name: str) -> MailboxEntry:
    others = others_name(name)
    if others is None:
        return find_mailbox(account_id=account_id, name=name)
    anyone = settings.SHARE_WITH_ANYONE
    logins, names = list(others.logins), list(others.names)
    row = one(FIND, (account_id, anyone, account_id, logins, names, account_id))
    if row is None:
        raise MailboxNotFound(name)
    return seen(row)


def list_all(*, account_id: int) -> list[MailboxEntry]:
    """The account's own mailboxes as in list_mailboxes, and those of others that it may look up."""
    with cursor() as sql:
        anyone = settings.SHARE_WITH_ANYONE
        sql.execute(LIST, (account_id, anyone, account_id, account_id, anyone, account_id))
        shared = [entry for entry in map(seen, sql) if MAY_LOOK_UP in entry.rights]
    return [*list_mailboxes(account_id=account_id), *shared]


def rights_above(place: Place, *, account_id: int) -> str:
    """The account's rights on the nearest existing mailbox above another's name; none where there is none."""
    levels = place.name.split(SEPARATOR)
    above = [SEPARATOR.join(levels[:depth]) for depth in range(1, len(levels))]
    row = one(NEAREST, (account_id, settings.SHARE_WITH_ANYONE, place.owner_id, above))
    return in_order(row[0]) if row is not None else ""


def seen(row: tuple[Any, ...]) -> MailboxEntry:
    """A row as the reader sees it. Special use is the owner's: two Sent mailboxes would mislead clients."""
    login, rights, is_subscribed, *columns = row
    entry = MailboxEntry(*columns)
    return replace(
        entry,
        name=f"{PREFIX}{login}{SEPARATOR}{entry.name}",
        rights=in_order(rights),
        is_subscribed=is_subscribed,
        special_use="",
    )
