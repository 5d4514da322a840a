"""The octets of a queued message, ready to be sent."""

import re
from typing import Final

from mailhost.net.database import cursor
from mailhost.protocols.smtp.client import encode_data

READ: Final = b"SELECT octets FROM mailboxes_content WHERE id = %s"
# The content is shared with local copies. RFC 5321 section 4.4: what is sent on carries no Return-Path.
_RETURN_PATH = re.compile(rb"return-path:[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE)


def read_data(*, content_id: int) -> bytes | None:
    """What follows DATA's reply; None where the content is gone."""
    with cursor() as sql:
        row = sql.execute(READ, (content_id,)).fetchone()
    if row is None:
        return None
    octets: bytes = row[0]
    match = _RETURN_PATH.match(octets)
    return encode_data(octets[match.end() :] if match else octets)
