"""The addresses that an account chooses from when it writes: its own, its aliases, and those of accounts that lend it
their names.

What it may write as is more (sub-addresses, aliases that lead on by a sub-address): delivery.routing.may_send_as
decides, and is asked for what was chosen.
"""

from dataclasses import dataclass
from typing import Final

from domains.lookup import MAX_ROUNDS
from domains.models import CATCH_ALL
from mailboxes.store.sending_as import lenders
from mailhost.net.database import cursor
from mailhost.protocols.addresses import EmailAddress

MAX_OFFERED: Final = 100  # a list to choose from; who has more types them in a mail client

# From each account's address backwards through the aliases that lead to it, under the names of domain aliases too.
REACHING = """
WITH RECURSIVE reaching(account_id, local_part, domain_id, round) AS (
    SELECT account.id, address.local_part, address.domain_id, 0
      FROM mailboxes_account account JOIN domains_address address ON address.id = account.address_id
     WHERE account.id = ANY(%(accounts)s::bigint[])
  UNION
    SELECT reaching.account_id, address.local_part, address.domain_id, reaching.round + 1
      FROM reaching
      JOIN domains_domain named ON named.id = reaching.domain_id OR named.alias_of_id = reaching.domain_id
      JOIN domains_aliastarget target ON target.email = reaching.local_part || '@' || named.name
      JOIN domains_alias alias ON alias.id = target.alias_id AND alias.is_enabled
      JOIN domains_address address ON address.id = alias.address_id AND address.local_part <> %(catch_all)s
     WHERE named.is_enabled AND reaching.round < %(rounds)s
)
SELECT reaching.account_id, account.display_name, reaching.local_part, named.name
  FROM reaching
  JOIN mailboxes_account account ON account.id = reaching.account_id AND account.is_enabled
  JOIN domains_domain canonical ON canonical.id = reaching.domain_id AND canonical.is_enabled
  JOIN domains_domain named
    ON (named.id = canonical.id OR named.alias_of_id = canonical.id) AND named.is_enabled
 GROUP BY reaching.account_id, account.display_name, reaching.local_part, named.name, canonical.id, named.id
 ORDER BY array_position(%(accounts)s::bigint[], reaching.account_id::bigint), min(reaching.round),
          named.id <> canonical.id, named.name, reaching.local_part
 LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class SenderAddress:
    """An address to write as, the account that it stands for, and the name beside it."""

    address: EmailAddress
    owner_id: int
    display_name: str


def sender_addresses(*, account_id: int) -> list[SenderAddress]:
    """Each address once, the account's own first, then its aliases, then those of each lender: two statements."""
    accounts = [account_id, *lenders(account_id=account_id)]
    asked = {"accounts": accounts, "catch_all": CATCH_ALL, "rounds": MAX_ROUNDS, "most": MAX_OFFERED}
    found: dict[tuple[str, str], SenderAddress] = {}
    with cursor() as sql:
        for owner_id, display_name, local_part, domain in sql.execute(REACHING.encode(), asked):
            address = EmailAddress(local_part, domain)
            found.setdefault(address.key, SenderAddress(address, owner_id, display_name))
    return list(found.values())
