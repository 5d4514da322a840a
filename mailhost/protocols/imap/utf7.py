"""Mailbox names on the wire: modified UTF-7 (RFC 3501 section 5.1.3).

Only the one canonical form of a name is read (RFC 3501: "modified BASE64 MUST NOT be used to represent any
printing US-ASCII character which can represent itself"), so that two spellings can never mean one mailbox.
"""

import re
from base64 import b64decode, b64encode

from mailhost.protocols.imap.errors import ImapSyntaxError

_SHIFTED = re.compile(rb"&([A-Za-z0-9+,]*)-")
_NOT_PRINTABLE_ASCII = re.compile(r"[^\x20-\x7e]+")


def encode_name(name: str) -> bytes:
    """A name as a client reads it."""
    return _NOT_PRINTABLE_ASCII.sub(_encode_run, name.replace("&", "&-")).encode("ascii")


def _encode_run(run: re.Match[str]) -> str:
    packed = b64encode(run[0].encode("utf-16-be", "surrogatepass")).rstrip(b"=").replace(b"/", b",")
    return f"&{packed.decode('ascii')}-"


def decode_name(octets: bytes) -> str:
    """A name as a client sent it; raises ImapSyntaxError for what is not the canonical form."""
    try:
        text = _SHIFTED.sub(_decode_run, octets).decode("utf-8")
    except ValueError:
        text = ""
    # What holds no "&" may be plain UTF-8, as some clients send it and as RFC 9051 has it.
    if (encode_name(text) == octets) if b"&" in octets else (text.encode() == octets):
        return text
    raise ImapSyntaxError("the mailbox name is not modified UTF-7 (RFC 3501 section 5.1.3)")


def _decode_run(run: re.Match[bytes]) -> bytes:
    packed = run[1]
    if not packed:
        return b"&"
    padding = b"=" * (-len(packed) % 4)
    return b64decode(packed + padding, altchars=b"+,", validate=True).decode("utf-16-be").encode("utf-8")
