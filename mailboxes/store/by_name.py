"""Create, delete, rename and subscribe by the names that an account uses, its own and those of others' mailboxes.

What RFC 4314 section 4 asks for is looked at under the lock that every change of the owner's names and grants takes.
"""

from datetime import datetime

from django.db import transaction

from mailboxes.exceptions import InboxIsPermanent, MailboxNameInvalid, MailboxNotFound, NotPermitted
from mailboxes.store import hierarchy
from mailboxes.store.locks import announce_names_on_commit, lock_usage
from mailboxes.store.mailbox_names import INBOX
from mailboxes.store.rights import OthersName, Place, find, others_name, place_of, rights_above
from mailboxes.store.values import MailboxEntry
from mailhost.net.database import cursor

SUBSCRIBE = """
INSERT INTO mailboxes_subscription (account_id, mailbox_id) VALUES (%s, %s) ON CONFLICT DO NOTHING
"""
UNSUBSCRIBE = """
DELETE FROM mailboxes_subscription
 WHERE account_id = %s AND mailbox_id IN (SELECT id FROM mailboxes_mailbox WHERE account_id = %s AND name = %s)
"""


@transaction.atomic
def create(*, account_id: int, name: str, special_use: str = "", now: datetime) -> MailboxEntry:
    """As hierarchy.create_mailbox; in another's hierarchy with the right k on the nearest mailbox above.

    Raises also NotPermitted, for whatever name there: nobody learns what others have.
    """
    others = _others_name(name)
    if others is None:
        return hierarchy.create_mailbox(account_id=account_id, name=name, special_use=special_use, now=now)
    place = _lock(others, account_id)
    if place is None or "k" not in rights_above(place, account_id=account_id):
        raise NotPermitted
    hierarchy.create_mailbox(account_id=place.owner_id, name=place.name, now=now)
    return find(account_id=account_id, name=name, needed="")


@transaction.atomic
def delete(*, account_id: int, name: str, now: datetime) -> int:
    """As hierarchy.delete_mailbox; another's with the right x. Its id.

    Raises MailboxNotFound, MailboxHasInferiors, InboxIsPermanent, NotPermitted.
    """
    others = others_name(name)
    if others is None:
        return hierarchy.delete_mailbox(account_id=account_id, name=name, now=now)
    place = _lock(others, account_id)
    if place is None:
        raise MailboxNotFound(name)
    find(account_id=account_id, name=name, needed="x")
    return hierarchy.delete_mailbox(account_id=place.owner_id, name=place.name, now=now)


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
    place = _lock(others, account_id) if others is not None else None
    find(account_id=account_id, name=name, needed="x")
    to_place = place_of(others_to, account_id=account_id) if others_to is not None else None
    if place is None or to_place is None or place.owner_id != to_place.owner_id:
        raise MailboxNameInvalid("A mailbox cannot be given to another account.")
    if place.name == INBOX:
        raise InboxIsPermanent
    if "k" not in rights_above(to_place, account_id=account_id):
        raise NotPermitted
    hierarchy.rename_mailbox(account_id=place.owner_id, name=place.name, to=to_place.name, now=now)


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
        elif (place := place_of(others, account_id=account_id)) is not None:
            sql.execute(UNSUBSCRIBE, (account_id, place.owner_id, place.name))
    announce_names_on_commit(account_id)


def _others_name(name: str) -> OthersName | None:
    """As others_name, for a name that is to be made."""
    try:
        return others_name(name)
    except MailboxNotFound:
        raise NotPermitted from None


def _lock(others: OthersName, account_id: int) -> Place | None:
    """Whose place it is, with what changes of its owner's names and grants lock; None where it is nobody else's."""
    place = place_of(others, account_id=account_id)
    if place is not None:
        lock_usage([place.owner_id])
    return place
