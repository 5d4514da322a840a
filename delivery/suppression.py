"""The suppression list, asked for what is on it (suppression_lists.py: put on it, taken off it).

Sending on to addresses that are gone, or whose owners have complained, is what providers judge a host by. So an
account, or a domain, sends there no more until the entry expires or somebody lifts it. What comes in is no matter of
this list, nor what this host has to say itself (DSNs), nor any postmaster, who must be reachable (RFC 5321 section
4.5.1).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from delivery.models import SuppressionSource
from mailhost.net.database import cursor
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.bounce_causes import Cause
from mailhost.protocols.cause_words import WORDS

MAX_EVIDENCE: Final = 500  # characters
POSTMASTER: Final = "postmaster@"
# RFC 3463 section 3.8, X.7.1: delivery not authorized. Not 5.1.1, which would say of an address that it does not exist,
# and not 5.2.1: it is no fact about the mailbox, but this host that sends nothing there until somebody lifts it.
STATUS: Final = "5.7.1"

# Of `suppression`; an account's own, and those of the domain that it has its address in.
ACTIVE: Final = (
    "suppression.since IS NOT NULL AND (suppression.expires_at IS NULL OR suppression.expires_at > %(now)s)"
)
COLUMNS: Final = """suppression.address, suppression.source, suppression.cause, suppression.evidence,
       suppression.last_at, suppression.count, suppression.domain_id IS NOT NULL, suppression.expires_at"""
AMONG: Final = f"""
SELECT {COLUMNS}
  FROM delivery_suppression suppression
 WHERE address = ANY(%(addresses)s::text[]) AND {ACTIVE}
   AND (account_id = %(account_id)s
        OR domain_id = (SELECT address.domain_id FROM mailboxes_account account
                          JOIN domains_address address ON address.id = account.address_id
                         WHERE account.id = %(account_id)s))
 ORDER BY domain_id IS NOT NULL
"""
OF_DOMAIN: Final = f"""
SELECT {COLUMNS}
  FROM delivery_suppression suppression
 WHERE address = %(address)s AND {ACTIVE}
   AND domain_id = (SELECT coalesce(alias_of_id, id) FROM domains_domain WHERE name = %(domain)s)
"""


class RecipientsSuppressed(Exception):
    """Nothing is sent to some of these recipients; the text has a sentence or two for each."""

    def __init__(self, found: Sequence["Suppressed"]) -> None:
        self.sentences = [each.in_full for each in found]
        super().__init__(" ".join(self.sentences))


@dataclass(frozen=True, slots=True)
class Suppressed:
    """An address that this account sends nothing to. is_domains: nobody of its domain does."""

    address: str
    source: SuppressionSource
    cause: str
    evidence: str
    last_at: datetime
    count: int
    is_domains: bool
    expires_at: datetime | None

    @classmethod
    def of(cls, row: Sequence[Any]) -> "Suppressed":
        """From a row of COLUMNS."""
        return cls(row[0], SuppressionSource(row[1]), *row[2:])

    @property
    def why(self) -> str:
        """A sentence without its full stop."""
        day = f"{self.last_at:%Y-%m-%d}"
        match self.source:
            case SuppressionSource.BOUNCE:
                return f"Mail to {self.address} came back on {day}: {meaning(self.cause)}"
            case SuppressionSource.COMPLAINT:
                return f"{self.address} complained about mail on {day}"
            case SuppressionSource.HAND:
                because = f": {self.evidence}" if self.evidence else ""
                return f"{self.address} was put on the suppression list on {day}{because}"

    @property
    def who_lifts(self) -> str:
        """A sentence."""
        if self.is_domains:
            return "An administrator of your domain can lift it."
        return "You can lift it in webmail, under Your account, Suppressed addresses."

    @property
    def in_full(self) -> str:
        """Why, and who lifts it."""
        return f"{self.why.rstrip('.')}. {self.who_lifts}"

    @property
    def reply(self) -> str:
        """What SMTP says of it: one line of printable ASCII (RFC 5321 section 4.5.3.1.5 bounds it)."""
        return "".join(each if " " <= each <= "~" else "?" for each in self.in_full)[:400]


def meaning(cause: str) -> str:
    """What a stored cause means, as the end of a sentence."""
    words = WORDS[Cause(cause)][0] if cause in set(Cause) else WORDS[Cause.OTHER][0]
    return words[0].lower() + words[1:].rstrip(".")


def key_of(address: EmailAddress) -> str:
    """As the list has it."""
    return "@".join(address.key)


def key_of_path(forward_path: str) -> str:
    """The same of a forward-path of the queue."""
    try:
        return key_of(EmailAddress.parse(forward_path, is_lenient=True))
    except AddressSyntaxError:
        return forward_path.lower()


def suppressed_among(*, account_id: int, addresses: Sequence[str], now: datetime) -> dict[str, Suppressed]:
    """Those of these addresses (as key_of has them) that the account sends nothing to; one statement.

    Where both the account and its domain say so, what the domain says is told.
    """
    asked = [each for each in addresses if not each.startswith(POSTMASTER)]
    if not asked:
        return {}
    with cursor() as sql:
        rows = sql.execute(
            AMONG.encode(), {"addresses": asked, "account_id": account_id, "now": now}
        ).fetchall()
    return {row[0]: Suppressed.of(row) for row in rows}


def suppressed_for(*, domain: str, address: str, now: datetime) -> Suppressed | None:
    """The address (as key_of has it), where nobody of this domain sends there."""
    if address.startswith(POSTMASTER):
        return None
    with cursor() as sql:
        asked = {"domain": domain, "address": address, "now": now}
        row = sql.execute(OF_DOMAIN.encode(), asked).fetchone()
    return Suppressed.of(row) if row else None


def require_unsuppressed(*, account_id: int, addresses: Iterable[EmailAddress], now: datetime) -> None:
    """For doors where a message is handed in whole. Raises RecipientsSuppressed."""
    keys = [key_of(each) for each in addresses]
    found = suppressed_among(account_id=account_id, addresses=keys, now=now)
    if found:
        raise RecipientsSuppressed(list(found.values()))
