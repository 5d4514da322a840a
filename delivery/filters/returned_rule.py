"""Which messages may say that mail of ours came back: noted as a finding without points, for a worker to read.

By the media types of RFC 3464, RFC 6533 and RFC 5965, or because a mail system writes with the null reverse-path.
"""

import re
from collections.abc import Iterator
from typing import Final

from delivery.filters.incoming import Incoming
from delivery.findings import Finding
from mailhost.protocols.arf import FEEDBACK_TYPE
from mailhost.protocols.dsn_reading import STATUS_TYPES
from mailhost.protocols.message.leaves import leaves

CHECK: Final = "returned"
NOTICE, COMPLAINT = "notice", "complaint"
MAX_LEAVES: Final = 20
_MAIL_SYSTEM: Final = re.compile(
    rb"mailer-daemon|postmaster|mail delivery|mail system|system administrator", re.IGNORECASE
)


def returned_findings(message: Incoming) -> Iterator[Finding]:
    """One finding at the most."""
    if kind := _kind(message):
        text = "It tells of a complaint." if kind == COMPLAINT else "It tells what became of a message."
        yield Finding(CHECK, kind, text)


def _kind(message: Incoming) -> str:
    for number, part in enumerate(leaves(message.root)):
        if number >= MAX_LEAVES:
            break
        if part.content_type.media_type == FEEDBACK_TYPE:
            return COMPLAINT
        if part.content_type.media_type in STATUS_TYPES:
            return NOTICE
    is_from_system = any(_MAIL_SYSTEM.search(value) for value in message.list_values(b"from"))
    return NOTICE if message.reverse_path == "" and is_from_system else ""
