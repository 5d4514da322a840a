"""Whose name an account may send in besides its own: of those who gave it the right "p" on their INBOX.

RFC 4314 section 2.1 has "p" for mail to the address of a mailbox and leaves it to the server what comes of it. Here
INBOX stands for the account's address, and who may post for it may write in its name. What everybody has ("anyone")
does not count: a name is lent to somebody.
"""

from collections.abc import Sequence

from mailboxes.store.mailbox_names import INBOX
from mailhost.net.database import cursor

# Owner and borrower are both asked: a disabled account neither lends nor borrows, and neither does a disabled domain's.
LENDERS = b"""
SELECT owner.id
  FROM mailboxes_grant given
  JOIN mailboxes_mailbox mailbox ON mailbox.id = given.mailbox_id
  JOIN mailboxes_account owner ON owner.id = mailbox.account_id AND owner.is_enabled
  JOIN domains_address owned ON owned.id = owner.address_id
  JOIN domains_domain owned_domain ON owned_domain.id = owned.domain_id AND owned_domain.is_enabled
  JOIN mailboxes_account borrower ON borrower.id = given.account_id AND borrower.is_enabled
  LEFT JOIN domains_address address ON address.id = borrower.address_id
  LEFT JOIN domains_domain domain ON domain.id = address.domain_id
 WHERE given.account_id = %s AND strpos(given.rights, 'p') > 0
   AND mailbox.name = %s AND mailbox.deleted_at IS NULL AND coalesce(domain.is_enabled, true)
"""
AMONG = LENDERS + b"AND owner.id = ANY(%s::bigint[]) LIMIT 1"
ALL = LENDERS + b"ORDER BY owner.login"


def may_send_for(*, account_id: int, owner_ids: Sequence[int]) -> bool:
    """Whether any of these accounts has lent this one its name: one statement."""
    if not owner_ids:
        return False
    with cursor() as sql:
        return sql.execute(AMONG, (account_id, INBOX, list(owner_ids))).fetchone() is not None


def lenders(*, account_id: int) -> list[int]:
    """The accounts that have lent this one their name, by login: one statement."""
    with cursor() as sql:
        return [owner_id for (owner_id,) in sql.execute(ALL, (account_id, INBOX))]
