"""What a milter says: SMFIR_… packets as values, with every text of theirs bounded and fit to be quoted."""

import re
import struct
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailhost.protocols.milter.packets import MilterSyntaxError, Packet, strings
from mailhost.protocols.smtp.replies import Reply

MAX_TEXT: Final = 500  # characters of a reply or a reason
MAX_FIELD_NAME: Final = 200
MAX_FIELD_VALUE: Final = 16_384  # real ones (signatures, lists of results) have up to 4,000 octets
_INDEX: Final = struct.Struct("!I")
# RFC 5322 section 3.6.8: ftext
_FIELD_NAME: Final = re.compile(rb"[!-9;-~]+")
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_NOT_PRINTABLE: Final = re.compile(r"[^ -~]+")
# Reply-code, enhanced code and text (RFC 5321 section 4.2); of several lines, each begins like this.
_REPLY: Final = re.compile(
    rb"([45][0-9]{2})[ -](?:([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:[ ]|\Z))?(.*)", re.DOTALL
)


class Word(Enum):
    """Answers that are one letter. What they mean depends on what was asked."""

    CONTINUE = b"c"
    ACCEPT = b"a"
    REJECT = b"r"
    TEMPFAIL = b"t"
    DISCARD = b"d"
    SKIP = b"s"
    PROGRESS = b"p"
    SHUT_DOWN = b"4"
    FAIL_CONNECTION = b"f"


@dataclass(frozen=True, slots=True)
class Replied:
    """SMFIR_REPLYCODE: reject or tempfail with a reply of the milter's own; one line, printable ASCII."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class FieldAdded:
    """SMFIR_ADDHEADER (index None: behind all others) and SMFIR_INSHEADER (so many fields stay in front of it).

    value: with its line ends as CRLF, each followed by a blank, without the last one.
    """

    name: bytes
    value: bytes
    index: int | None = None


@dataclass(frozen=True, slots=True)
class FieldChanged:
    """SMFIR_CHGHEADER: the index-th field of that name, from 1 on, has this value; b"": it goes."""

    name: bytes
    value: bytes
    index: int


@dataclass(frozen=True, slots=True)
class Quarantined:
    """SMFIR_QUARANTINE. reason: one line."""

    reason: str


HeaderChange = FieldAdded | FieldChanged
Answer = Word | Replied | FieldAdded | FieldChanged | Quarantined


def parse_answer(packet: Packet) -> Answer:
    """Raises MilterSyntaxError for what is none, and for what was never offered."""
    content = packet.content
    match packet.letter:
        case b"y":
            return Replied(_reply(content))
        case b"h":
            name, value = strings(content, count=2)
            return FieldAdded(_name(name), _value(value))
        case b"i":
            name, value = strings(content[_INDEX.size :], count=2)
            return FieldAdded(_name(name), _value(value), _index(content))
        case b"m":
            name, value = strings(content[_INDEX.size :], count=2)
            return FieldChanged(_name(name), _value(value), max(1, _index(content)))
        case b"q":
            return Quarantined(_text(strings(content, count=1)[0]))
    try:
        return Word(packet.letter)
    except ValueError:
        raise MilterSyntaxError(f"It answers {packet.letter!r}, which was not agreed on.") from None


def _index(content: bytes) -> int:
    if len(content) < _INDEX.size:
        raise MilterSyntaxError("A packet is too short.")
    return int(_INDEX.unpack_from(content)[0])


def _reply(content: bytes) -> Reply:
    """The first line of it: the others seldom say more, and a reply of ours after DATA is one line."""
    line = _LINE_END.split(strings(content, count=1)[0], maxsplit=1)[0]
    match = _REPLY.fullmatch(line) or _REPLY.fullmatch(line + b" ")
    if match is None:
        raise MilterSyntaxError("Its reply is none of SMTP.")
    code, enhanced = int(match[1]), (match[2] or b"").decode("ascii")
    if enhanced[:1] != str(code)[:1]:
        enhanced = "5.7.1" if code >= 500 else "4.7.1"
    if code == 421:  # would end the session (RFC 5321 section 3.8), which had nothing to do with it
        code = 451
    text = _text(match[3].replace(b"%%", b"%"))  # sendmail's replies are formats, where one is written as two
    return Reply(code, enhanced, text or "Refused by a filter of this host")


def _text(octets: bytes) -> str:
    return " ".join(_NOT_PRINTABLE.sub(" ", octets.decode("utf-8", "replace")).split())[:MAX_TEXT].rstrip()


def _name(name: bytes) -> bytes:
    if len(name) > MAX_FIELD_NAME or not _FIELD_NAME.fullmatch(name):
        raise MilterSyntaxError("It names a field that cannot be one.")
    return name


def _value(value: bytes) -> bytes:
    """A value that stays one field: whatever line ends it has, what follows is a continuation (RFC 5322 2.2.3)."""
    if len(value) > MAX_FIELD_VALUE:
        raise MilterSyntaxError("It has a field that is too long.")
    lines = [line for line in _LINE_END.split(value) if line.strip(b" \t")]
    return b"\r\n".join(
        [*lines[:1], *(line if line[:1] in (b" ", b"\t") else b"\t" + line for line in lines[1:])]
    )
