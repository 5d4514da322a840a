"""Rights on mailboxes (RFC 4314): what the letters allow, and the grants that give them to others than the owner.

A change of grants locks what every change of names and messages locks: a writer that reads rights under its own lock
reads the ones that hold.
"""

from collections.abc import Collection
from typing import Literal

from django.conf import settings
from django.db import transaction

from mailboxes.exceptions import (
    AccountNotFound,
    MailboxNotFound,
    NotPermitted,
    OwnerHasAllRights,
    TooManyGrants,
)
from mailboxes.logins import canonical_login
from mailboxes.models import Grant
from mailboxes.store.locks import (
    LockedMailbox,
    announce_names_on_commit,
    announce_on_commit,
    lock_mailboxes,
    lock_usage,
    one,
)
from mailboxes.store.values import ALL_RIGHTS, Flag, GrantEntry, MailboxEntry
from mailhost.net.announcements import EVERYBODY
from mailhost.net.database import cursor

Change = Literal["add", "remove", "replace"]

MAY_LOOK_UP = "l"
# Section 5.2: all flags are shared here, so any of these makes SELECT read-write.
WRITING = frozenset("iestw")
# Section 4, MYRIGHTS.
NOTICED = frozenset("lrikxa")
ANYONE = "anyone"

# Rights of an account on the mailbox of the row that a statement looks at: its own and everybody's together
# (section 2 leaves it to us). Parameters: the account, and whether "anyone" counts on this host.
RIGHTS = """coalesce((SELECT string_agg(rights, '') FROM mailboxes_grant given
            WHERE given.mailbox_id = mailboxes_mailbox.id
              AND (given.account_id = %s OR (given.account_id IS NULL AND %s))), '')"""
RIGHTS_OF_ONE = f"SELECT {RIGHTS} FROM mailboxes_mailbox WHERE id = %s"
BUMP = "UPDATE mailboxes_mailbox SET highest_modseq = highest_modseq + 1 WHERE id = %s"
GRANTS = """
SELECT login, %s::text, 0 FROM mailboxes_account WHERE id = %s
UNION ALL
SELECT account.login, given.rights, 1
  FROM mailboxes_grant given LEFT JOIN mailboxes_account account ON account.id = given.account_id
 WHERE given.mailbox_id = %s
 ORDER BY 3, 1 NULLS LAST
"""
INHERIT = """
INSERT INTO mailboxes_grant (mailbox_id, account_id, rights)
SELECT %s, given.account_id, given.rights
  FROM mailboxes_grant given JOIN mailboxes_mailbox parent ON parent.id = given.mailbox_id
 WHERE parent.account_id = %s AND parent.name = %s AND parent.deleted_at IS NULL
"""


def in_order(letters: Collection[str]) -> str:
    """Each right once, in the order of section 2.1."""
    return "".join(letter for letter in ALL_RIGHTS if letter in letters)


def require(rights: str, needed: str, *, name: str) -> None:
    """Raises NotPermitted where one is missing, or MailboxNotFound where the mailbox may not even be looked up.

    Section 6: who may not look a mailbox up is told the same as where there is none.
    """
    if all(letter in rights for letter in needed):
        return
    if MAY_LOOK_UP in rights:
        raise NotPermitted
    raise MailboxNotFound(name)


def changeable_flags(rights: str) -> Flag:
    """Which system flags these rights may set and clear (section 4). Keywords go with the right w."""
    allowed = Flag(0)
    if "s" in rights:
        allowed |= Flag.SEEN
    if "t" in rights:
        allowed |= Flag.DELETED
    if "w" in rights:
        allowed |= Flag.ANSWERED | Flag.FLAGGED | Flag.DRAFT
    return allowed


def rights_on(mailbox: LockedMailbox, acting_id: int | None) -> str:
    """The rights of an account on a locked mailbox; without `acting_id` it is its owner, or this host, that acts."""
    if acting_id is None or acting_id == mailbox.account_id:
        return ALL_RIGHTS
    row = one(RIGHTS_OF_ONE, (acting_id, settings.SHARE_WITH_ANYONE, mailbox.mailbox_id))
    return in_order(row[0]) if row is not None else ""


def require_on(mailbox: LockedMailbox, acting_id: int | None, needed: str) -> str:
    """As rights_on; raises NotPermitted where one is missing."""
    rights = rights_on(mailbox, acting_id)
    if any(letter not in rights for letter in needed):
        raise NotPermitted
    return rights


def list_grants(*, entry: MailboxEntry) -> list[GrantEntry]:
    """Who has rights: the owner, others by login, everybody last."""
    with cursor() as sql:
        sql.execute(GRANTS, (ALL_RIGHTS, entry.account_id, entry.mailbox_id))
        return [GrantEntry(login or ANYONE, rights) for login, rights, _ in sql]


def inherit_grants(*, account_id: int, mailbox_id: int, name: str) -> None:
    """Gives a new mailbox the grants of the one above it, in the caller's transaction (section 4, CREATE)."""
    superior = name.rpartition("/")[0]
    if superior:
        with cursor() as sql:
            sql.execute(INHERIT, (mailbox_id, account_id, superior))


@transaction.atomic
def change_grant(
    *, entry: MailboxEntry, acting_id: int, identifier: str, change: Change, rights: Collection[str]
) -> None:
    """Adds, removes or replaces the rights of a login or of "anyone" on a mailbox as its visitor found it.

    No rights are no grant. Raises MailboxNotFound, NotPermitted, AccountNotFound, OwnerHasAllRights, TooManyGrants.
    """
    lock_usage([entry.account_id])
    mailbox = lock_mailboxes([entry.mailbox_id])[entry.mailbox_id]
    require(rights_on(mailbox, acting_id), "a", name=entry.name)
    account_id = grantee(identifier)
    if account_id == mailbox.account_id:
        if (set(rights) == set(ALL_RIGHTS)) if change == "replace" else (change == "add" or not rights):
            return
        raise OwnerHasAllRights
    if account_id is None and not settings.SHARE_WITH_ANYONE and change != "remove":
        raise NotPermitted
    before = Grant.objects.filter(mailbox_id=entry.mailbox_id, account=account_id).first()
    old = set(before.rights if before is not None else "")
    new = {"add": old | set(rights), "remove": old - set(rights), "replace": set(rights)}[change]
    if new == old:
        return
    _write(entry.mailbox_id, account_id, in_order(new))
    with cursor() as sql:
        sql.execute(BUMP, (entry.mailbox_id,))  # so that who polls looks, as well as who hears
    announce_on_commit([entry.mailbox_id])
    announce_names_on_commit(EVERYBODY if account_id is None else account_id)


def _write(mailbox_id: int, account_id: int | None, rights: str) -> None:
    grants = Grant.objects.filter(mailbox_id=mailbox_id)
    one_of_them = grants.filter(account=account_id)
    if not rights:
        one_of_them.delete()
    elif not one_of_them.update(rights=rights):
        if grants.count() >= settings.MAX_GRANTS:
            raise TooManyGrants(f"A mailbox is shared with at most {settings.MAX_GRANTS} accounts.")
        Grant.objects.create(mailbox_id=mailbox_id, account_id=account_id, rights=rights)


def grantee(identifier: str) -> int | None:
    """The account of a login, None for everybody. Raises AccountNotFound."""
    if identifier.casefold() == ANYONE:
        return None
    row = one("SELECT id FROM mailboxes_account WHERE login = %s", (canonical_login(identifier),))
    if row is None:
        raise AccountNotFound(identifier)
    account_id: int = row[0]
    return account_id
