"""IMAP URLs (RFC 5092) as CATENATE takes them: parts of messages that this server has (RFC 4469 section 3).

The base of a relative one is the account, and the selected mailbox where none is named. What needs a token
(URLAUTH), another protocol or a search is no URL here.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.fetch_items import Section, parse_section

# imapurl = "imap://" iserver ipath-query;  imapurl-rel = inetwork-path / iabsolute-path / irelative-path
# imessagepart = imailbox-ref iuid [isection] [ipartial]; a relative one may leave out the mailbox.
_URL = re.compile(
    r"(?:(?:imap:)?//(?:(?P<user>[^@/;:]*)(?:;AUTH=[^@/]*)?@)?(?P<host>\[[0-9a-f:.]+\]|[^/:@;]+)(?::[0-9]{1,5})?(?=/))?"
    r"(?:/(?P<mailbox>[^;?#]+?)(?:;UIDVALIDITY=(?P<uid_validity>[1-9][0-9]{0,9}))?(?=/;))?"
    r"/?;UID=(?P<uid>[1-9][0-9]{0,9})"
    r"(?:/?;SECTION=(?P<section>[^;?#]*?))?"
    r"(?:/?;PARTIAL=(?P<offset>[0-9]{1,10})(?:\.(?P<length>[1-9][0-9]{0,9}))?)?",
    re.IGNORECASE,
)
MAX_OCTETS = 8_192
WHOLE = 0xFFFF_FFFF  # a partial without a length goes to the end


class BadUrl(ValueError):
    """It names nothing that this server could have; the text is the URL."""


@dataclass(frozen=True, slots=True)
class MessagePart:
    """What a URL names. `host` and `user` are "" and `mailbox` is None where it leaves them out."""

    host: str
    user: str
    mailbox: str | None
    uid_validity: int | None
    uid: int
    section: Section


def parse_url(url: str) -> MessagePart:
    """The part that the URL means. Raises BadUrl."""
    match = _URL.fullmatch(url) if len(url) <= MAX_OCTETS else None
    if match is None or (match["host"] and not match["mailbox"]):
        raise BadUrl(url)
    partial = None
    if match["offset"]:
        partial = (int(match["offset"]), int(match["length"] or WHOLE))
    try:
        return MessagePart(
            (match["host"] or "").lower(),
            _decode(match["user"] or ""),
            None if match["mailbox"] is None else _decode(match["mailbox"]),
            int(match["uid_validity"]) if match["uid_validity"] else None,
            int(match["uid"]),
            parse_section(unquote_to_bytes(match["section"] or ""), partial),
        )
    except (ImapSyntaxError, UnicodeDecodeError):
        raise BadUrl(url) from None


def _decode(encoded: str) -> str:
    """Percent-encoded UTF-8 (RFC 5092 section 8)."""
    return unquote_to_bytes(encoded).decode("utf-8")
