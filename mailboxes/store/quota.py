"""What an account's messages take, and may take (RFC 9208 section 5), and whether a mailbox would take one more."""

from dataclasses import dataclass

from mailboxes.exceptions import AccountNotFound, DiskNearlyFull, QuotaExceeded
from mailboxes.store.locks import one
from mailboxes.store.rights import find
from mailhost.net.disk import has_room

READ = """
SELECT usage.octets, account.quota_octets, usage.messages, account.quota_messages
  FROM mailboxes_accountusage usage JOIN mailboxes_account account ON account.id = usage.account_id
 WHERE usage.account_id = %s
"""


@dataclass(frozen=True, slots=True)
class Quota:
    """Usage and limits; a limit of 0 is none."""

    octets: int
    quota_octets: int
    messages: int
    quota_messages: int

    def has_room_for(self, octets: int) -> bool:
        """For one more message of so many octets."""
        return (not self.quota_octets or self.octets + octets <= self.quota_octets) and (
            not self.quota_messages or self.messages < self.quota_messages
        )


def read_quota(*, account_id: int) -> Quota:
    """As they are now. Raises AccountNotFound."""
    row = one(READ, (account_id,))
    if row is None:
        raise AccountNotFound(str(account_id))
    return Quota(*row)


def refuse_early(*, account_id: int, name: str, octets: int | None) -> None:
    """What is known to stand in the way of an APPEND before the message has come; append() looks at all of it again.

    Without `octets` the quota is not looked at: what comes may take the place of something that goes.
    Raises MailboxNotFound, NotPermitted, QuotaExceeded, DiskNearlyFull.
    """
    entry = find(account_id=account_id, name=name, needed="i")
    if octets is not None and not read_quota(account_id=entry.account_id).has_room_for(octets):
        raise QuotaExceeded([entry.account_id])
    if not has_room():
        raise DiskNearlyFull
