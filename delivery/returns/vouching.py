"""Who says that mail came back: whether that is somebody who may know, where no bounce address proves it.

What a notice has to quote is no secret: everybody who got the message knows it, and of a mailing list's the archive
tells it to the world. So what is not proven is noted, but an address is suppressed for it only where DMARC passed for
the domain that takes that recipient's mail.
"""

from dataclasses import dataclass
from typing import Final

from delivery.returns.addresses import MAIL_SYSTEMS
from mailhost.net.database import cursor
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.dmarc.public_suffixes import registrable_domain
from mailhost.protocols.message.header import read_fields
from mailhost.protocols.report_fields import MAX_PART_OCTETS
from mailhost.protocols.smtp.header import header_end
from mailhost.protocols.smtp.originators import parse_originators

MAX_FIELDS: Final = 1_000

TAKEN_BY: Final = b"""
SELECT forward_path, last_host,
       (SELECT count(*) FROM (SELECT FROM delivery_queuedrecipient other
                               WHERE other.message_id = recipient.message_id LIMIT 2) each)
  FROM delivery_queuedrecipient recipient WHERE id = %s
"""


@dataclass(frozen=True, slots=True)
class Author:
    """Who has written a report, as far as DMARC passed for that; None: nobody who is known."""

    address: EmailAddress | None = None

    def vouches_for_bounce(self, recipient_id: int) -> bool:
        """A mail system of whoever takes the recipient's mail: its users have no such names."""
        if self.address is None or self.address.key[0] not in MAIL_SYSTEMS:
            return False
        return self._takes_mail_of(recipient_id) is not None

    def vouches_for_complaint(self, recipient_id: int) -> bool:
        """Somebody at whoever takes the recipient's mail. Reports of complaints come under any name, and a provider's
        users have its domain, too: so only of a message that no other of them has got from the queue."""
        return self._takes_mail_of(recipient_id) == 1

    def _takes_mail_of(self, recipient_id: int) -> int | None:
        """To how many the message went (2: or more), where the author's domain is the recipient's or its host's."""
        if self.address is None:
            return None
        with cursor() as sql:
            row = sql.execute(TAKEN_BY, (recipient_id,)).fetchone()
        own = _organization(self.address.domain)
        if row is None or own not in {_organization(row[0].rpartition("@")[2]), _organization(row[1])}:
            return None
        number: int = row[2]
        return number


NOBODY: Final = Author()


def author_of(octets: bytes) -> Author:
    """Of a message that has passed DMARC: the one address of its one From field."""
    octets = octets[:MAX_PART_OCTETS]
    values = read_fields(octets, 0, header_end(octets), max_fields=MAX_FIELDS).get(b"from", [])
    try:
        found = parse_originators(values[0]) if len(values) == 1 else []
    except AddressSyntaxError:
        return NOBODY
    return Author(found[0]) if len(found) == 1 else NOBODY


def _organization(domain: str) -> str:
    domain = domain.rstrip(".").lower()
    return registrable_domain(domain) or domain
