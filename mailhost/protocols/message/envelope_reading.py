"""The first address of a field, read back from an ENVELOPE in wire form (RFC 3501 section 7.4.2)."""

import re
from dataclasses import dataclass

FROM, TO = 2, 5  # places in an envelope

# nil / quoted / literal / "(" / ")", with the blanks between them
_TOKEN = re.compile(
    rb' *(?:(?P<nil>NIL)|"(?P<quoted>(?:[^"\\]|\\.)*)"|\{(?P<size>[0-9]+)\}\r\n|(?P<paren>[()]))', re.DOTALL
)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class EnvelopeAddress:
    """addr-name, addr-mailbox and addr-host as they stand there, encoded words and all; b"" for NIL."""

    name: bytes
    mailbox: bytes
    host: bytes


def first_address(envelope: bytes, place: int) -> EnvelopeAddress | None:
    """The first address of the field at that place (FROM, TO); of a group, its name is the mailbox. None: no field."""
    depth = item = at = 0
    words: list[bytes] = []
    while (token := _TOKEN.match(envelope, at)) is not None:
        at = token.end()
        if token["paren"] == b"(":
            depth += 1
            continue
        if token["paren"] == b")":
            depth -= 1
        elif token["size"] is not None:
            at += int(token["size"])
            words.append(envelope[token.end() : at])
        else:
            words.append(_QUOTED_PAIR.sub(rb"\1", token["quoted"] or b""))
        if item == place and depth == 3 and len(words) == 4:
            return EnvelopeAddress(words[0], words[2], words[3])
        if depth == 1:
            item += 1
        if depth == 1 or depth == 2:
            words.clear()
        if item > place:
            break
    return None
