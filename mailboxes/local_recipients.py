"""Accounts as delivery sees them: found by their addresses, or because somebody has to read what comes."""

from collections.abc import Sequence
from dataclasses import dataclass

from domains.models import Address
from mailhost.net.database import cursor


@dataclass(frozen=True, slots=True)
class LocalRecipient:
    """What delivery needs to know of an account. `room_octets` is None without quota, 0 where no message fits.

    `has_opinions`: there are rules of its own for senders, or lessons of its own to judge by. Scores as in Account, or
    its domain's: from how many points on what is done with a message; None: as the host has it, 0: never.
    """

    account_id: int
    login: str
    is_enabled: bool
    room_octets: int | None
    has_opinions: bool = True
    junk_score: int | None = None
    quarantine_score: int | None = None
    refuse_score: int | None = None
    junk_mailbox_id: int | None = None
    junk_mailbox_name: str | None = None


# The columns of LocalRecipient, for whoever finds accounts by something else.
LOCAL_RECIPIENT = """account.id, account.login, account.is_enabled,
       CASE WHEN account.quota_messages > 0 AND usage.messages >= account.quota_messages THEN 0
            WHEN account.quota_octets > 0 THEN account.quota_octets - usage.octets END,
       EXISTS (SELECT FROM mailboxes_senderrule rule WHERE rule.account_id = account.id)
       OR EXISTS (SELECT FROM mailboxes_junktotal total
                   WHERE total.scope = account.id AND least(total.junk, total.wanted) > 0),
       coalesce(account.junk_score, canonical.junk_score),
       coalesce(account.quarantine_score, canonical.quarantine_score),
       coalesce(account.refuse_score, canonical.refuse_score), junk.id, junk.name"""
# Of `account`, whose domain is `canonical`; all NULL or false where a LEFT JOIN has found no account.
LOCAL_RECIPIENT_JOINS = """
  LEFT JOIN mailboxes_accountusage usage ON usage.account_id = account.id
  LEFT JOIN LATERAL (
       SELECT id, name FROM mailboxes_mailbox mailbox
        WHERE mailbox.account_id = account.id AND mailbox.deleted_at IS NULL
          AND (mailbox.special_use = '\\Junk' OR mailbox.name = 'Junk')
        ORDER BY mailbox.special_use = '\\Junk' DESC LIMIT 1) junk ON true
"""
LOCAL_RECIPIENTS = f"""
SELECT {LOCAL_RECIPIENT}
  FROM mailboxes_account account
  LEFT JOIN domains_address address ON address.id = account.address_id
  LEFT JOIN domains_domain canonical ON canonical.id = address.domain_id
  {LOCAL_RECIPIENT_JOINS}
"""


def local_recipients(*, address_ids: Sequence[int]) -> list[LocalRecipient]:
    """The accounts that own these addresses: one statement."""
    with cursor() as sql:
        sql.execute(LOCAL_RECIPIENTS + "WHERE account.address_id = ANY(%s)", (list(address_ids),))
        return [LocalRecipient(*row) for row in sql]


def operators_with_a_mailbox() -> list[LocalRecipient]:
    """Who is told of what concerns the whole host."""
    with cursor() as sql:
        sql.execute(
            LOCAL_RECIPIENTS
            + "WHERE account.is_operator AND account.is_enabled AND account.address_id IS NOT NULL"
        )
        return [LocalRecipient(*row) for row in sql]


def postmasters(*, domain: str | None) -> list[LocalRecipient]:
    """Who reads postmaster@ where nobody has that address: operators, else the oldest account of the domain, or of the
    host (None). RFC 5321 section 4.5.1 wants a reader on every domain, and one of <postmaster>.
    """
    if operators := operators_with_a_mailbox():
        return operators
    owned = Address.objects.filter(account__is_enabled=True)
    oldest = (owned if domain is None else owned.filter(domain__name=domain)).order_by("account__id")
    return local_recipients(address_ids=list(oldest.values_list("pk", flat=True)[:1]))
