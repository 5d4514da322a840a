"""Create, delete, rename and subscribe by the names that an account uses, its own and those of others' mailboxes.

What RFC 4314 section 4 asks for is looked at under the lock that every change of the owner's names and grants takes.
"""

from datetime import datetime

from django.db import transaction

from mailboxes.exceptions import InboxIsPermanent, MailboxNameInvalid, MailboxNotFound, NotPermitted
from mailboxes.store import hierarchy
from mailboxes.store.hierarchy import INBOX
from mailboxes.store.locks import lock_usage, one
from mailboxes.store.rights import OthersName, find, others_name, rights_above
from mailboxes.store.values import MailboxEntry
from mailhost.net.database import cursor

SUBSCRIBE = """
INSERT INTO mailboxes_subscription (account_id, mailbox_id) VALUES (%s, %s) ON CONFLICT DO NOTHING
"""
UNSUBSCRIBE = """
DELETE FROM mailboxes_subscription
 WHERE account_id = %s
   AND mailbox_id IN (SELECT mailbox.id FROM mailboxes_mailbox mailbox
                        JOIN mailboxes_account owner ON owner.id = mailbox.account_id
                       WHERE owner.login = %s AND mailbox.name = %s)
"""


@transaction.atomic
def create(*, account_id: int, name: str, special_use: str = "", now: datetime) -> MailboxEntry:
    """As hierarchy.create_mailbox; in another's hierarchy with the right k on the nearest mailbox above.

    Raises also NotPermitted, for whatever name there: nobody learns what others have.
    """
    others = _others_name(name)
    if others is None:
        return hierarchy.create_mailbox(account_id=account_id, name=name, special_use=special_use, now=now)
    owner_id = _lock_owner(others, account_id)
    if owner_id is None or "k" not in rights_above(
        owner_id=owner_id, account_id=account_id, name=others.name
    ):
        raise NotPermitted
    hierarchy.create_mailbox(account_id=owner_id, name=others.name, now=now)
    return find(account_id=account_id, name=name, needed="")


@transaction.atomic
def delete(*, account_id: int, name: str, now: datetime) -> int:
    """As hierarchy.delete_mailbox; another's with the right x. Its id.

    Raises MailboxNotFound, MailboxHasInferiors, InboxIsPermanent, NotPermitted.
    """
    others = others_name(name)
    if others is None:
        return hierarchy.delete_mailbox(account_id=account_id, name=name, now=now)
    owner_id = _lock_owner(others, account_id)
    if owner_id is None:
        raise MailboxNotFound(name)
    find(account_id=account_id, name=name, needed="x")
    return hierarchy.delete_mailbox(account_id=owner_id, name=others.name, now=now)


@transaction.atomic
def rename(*, account_id: int, name: str, to: str, now: datetime) -> None:
    """As hierarchy.rename_mailbox; another's with the right x on it and k on the nearest mailbox above the new name.

    What is below goes along, with the grants it has. Raises MailboxNotFound, InboxIsPermanent, NotPermitted,
    MailboxExists, MailboxNameInvalid, TooManyMailboxes.
    """
    others, others_to = others_name(name), _others_name(to)
    if others is None and others_to is None:
        hierarchy.rename_mailbox(account_id=account_id, name=name, to=to, now=now)
        return
    if others is not None and _lock_owner(others, account_id) is None:
        raise MailboxNotFound(name)
    entry = find(account_id=account_id, name=name, needed="x")
    if others is None or others_to is None or others.login != others_to.login:
        raise MailboxNameInvalid("A mailbox cannot be given to another account.")
    if others.name == INBOX:
        raise InboxIsPermanent
    above = rights_above(owner_id=entry.account_id, account_id=account_id, name=others_to.name)
    if "k" not in above:
        raise NotPermitted
    hierarchy.rename_mailbox(account_id=entry.account_id, name=others.name, to=others_to.name, now=now)


@transaction.atomic
def subscribe(*, account_id: int, name: str, is_subscribed: bool) -> None:
    """As hierarchy.set_subscribed; to another's mailbox with the right l.

    Taking a subscription back needs no right and always succeeds there: it says nothing about the mailbox.
    """
    others = others_name(name)
    if others is None:
        hierarchy.set_subscribed(account_id=account_id, name=name, is_subscribed=is_subscribed)
        return
    with cursor() as sql:
        if is_subscribed:
            sql.execute(SUBSCRIBE, (account_id, find(account_id=account_id, name=name).mailbox_id))
        else:
            sql.execute(UNSUBSCRIBE, (account_id, others.login, others.name))


def _others_name(name: str) -> OthersName | None:
    """As others_name, for a name that is to be made."""
    try:
        return others_name(name)
    except MailboxNotFound:
        raise NotPermitted from None


def _lock_owner(others: OthersName, account_id: int) -> int | None:
    """Locks what changes of the owner's names and grants lock; the owner's id, None where there is no such other."""
    row = one("SELECT id FROM mailboxes_account WHERE login = %s AND id <> %s", (others.login, account_id))
    if row is None:
        return None
    owner_id: int = row[0]
    lock_usage([owner_id])
    return owner_id
