"""Accounts with messages in INBOX, put there by the store."""

from collections.abc import Sequence

from django.utils import timezone

from mailboxes.models import Account
from mailboxes.store.append import append, prepare
from mailboxes.store.hierarchy import find_mailbox
from mailboxes.store.values import MailboxEntry, NewMessage


def inbox(account: Account) -> MailboxEntry:
    """INBOX as it is now."""
    return find_mailbox(account_id=account.pk, name="INBOX")


def put(account: Account, messages: Sequence[bytes]) -> list[int]:
    """Appends the messages to INBOX; their UIDs."""
    return append(
        account_id=account.pk,
        mailbox_id=inbox(account).mailbox_id,
        contents=[NewMessage(prepare(octets)) for octets in messages],
        now=timezone.now(),
    ).uids
