"""A message in the place of another (RFC 8508): both or nothing."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from mailboxes.exceptions import MailboxNotFound, MessageExpunged
from mailboxes.store.append import append
from mailboxes.store.expunge import remove
from mailboxes.store.grants import require_on
from mailboxes.store.locks import lock_mailboxes, lock_usage
from mailboxes.store.values import NO_FLAGS, Appended, ExpungeOutcome, NewMessage


@dataclass(frozen=True, slots=True)
class Replaced:
    """What came, and what went."""

    appended: Appended
    expunged: ExpungeOutcome


@transaction.atomic
def replace(
    *,
    account_id: int,
    mailbox_id: int,
    owner_id: int,
    uid: int,
    to_mailbox_id: int,
    to_owner_id: int,
    message: NewMessage,
    now: datetime,
) -> Replaced:
    """Expunges the message and appends the other one. The account acts; the owners are those of the two mailboxes.

    What goes makes room for what comes. Raises MessageExpunged, MailboxNotFound, NotPermitted, QuotaExceeded,
    MessageTooLarge, DiskNearlyFull, TooManyKeywords, KeywordInvalid.
    """
    usages = lock_usage({owner_id, to_owner_id})
    locked = lock_mailboxes({mailbox_id, to_mailbox_id})
    source = locked[mailbox_id]
    if (source.account_id, locked[to_mailbox_id].account_id) != (owner_id, to_owner_id):
        raise MailboxNotFound(str(mailbox_id))
    require_on(source, account_id, "te")  # RFC 4314 section 4: those of STORE \\Deleted and EXPUNGE
    expunged = remove(source, usages[owner_id], uids=[uid], mask=NO_FLAGS, now=now)
    if not expunged.uids:
        raise MessageExpunged
    appended = append(
        account_id=to_owner_id, mailbox_id=to_mailbox_id, contents=[message], acting_id=account_id, now=now
    )
    return Replaced(appended, expunged)
