"""What an account's messages take, and may take (RFC 9208 section 5)."""

from dataclasses import dataclass

from mailboxes.exceptions import AccountNotFound
from mailboxes.store.locks import one

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


def read_quota(*, account_id: int) -> Quota:
    """As they are now. Raises AccountNotFound."""
    row = one(READ, (account_id,))
    if row is None:
        raise AccountNotFound(str(account_id))
    return Quota(*row)
