"""The client's side of clamd's INSTREAM (clamd(8)): one message in chunks, one answer that ends in NUL."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

INSTREAM: Final = b"zINSTREAM\0"
END: Final = b"\0\0\0\0"  # a chunk of no octets ends the stream
MAX_REPLY_OCTETS: Final = 4_096  # a signature's name and a few words; clamd's own are below 300
MAX_SIGNATURE: Final = 200  # characters: what is quoted to the sender
_CHUNK_OCTETS: Final = 128 * 1024
_LENGTH: Final = struct.Struct("!I")

# "stream: OK", "stream: Eicar-Signature FOUND", "INSTREAM size limit exceeded. ERROR", "UNKNOWN COMMAND"
_REPLY: Final = re.compile(rb"(?:stream: )?(?P<text>.*?) ?(?P<word>OK|FOUND|ERROR)\s*", re.DOTALL)
_TOO_LARGE: Final = re.compile(rb"size limit exceeded", re.IGNORECASE)
# Signatures are made of these (ClamAV's are Platform.Category.Name-ID); UNOFFICIAL ones have a few more.
_NOT_IN_A_NAME: Final = re.compile(rb"[^A-Za-z0-9._:()/+-]+")


class ClamdReplyInvalid(ValueError):
    """What came is no answer to INSTREAM. The text is a sentence."""


@dataclass(frozen=True, slots=True)
class Clean:
    """Nothing was found."""


@dataclass(frozen=True, slots=True)
class Infected:
    """signature: its name in ClamAV's database, ASCII."""

    signature: str


@dataclass(frozen=True, slots=True)
class TooLarge:
    """The message is longer than its StreamMaxLength."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It could not look. text: its words, ASCII, one line."""

    text: str


ClamdReply = Clean | Infected | TooLarge | Failed


def chunks(octets: bytes) -> Iterator[bytes | memoryview]:
    """What is sent after INSTREAM: each chunk's length, then the chunk; the end of the stream last."""
    view = memoryview(octets)
    for start in range(0, len(view), _CHUNK_OCTETS):
        chunk = view[start : start + _CHUNK_OCTETS]
        yield _LENGTH.pack(len(chunk))
        yield chunk
    yield END


def parse_reply(reply: bytes) -> ClamdReply:
    """The answer without its NUL. Raises ClamdReplyInvalid."""
    match = _REPLY.fullmatch(reply)
    if match is None:
        raise ClamdReplyInvalid("Its answer cannot be understood.")
    text = match["text"]
    if match["word"] == b"ERROR":
        return TooLarge() if _TOO_LARGE.search(text) else Failed(_words(text))
    if match["word"] == b"FOUND":
        return Infected(_NOT_IN_A_NAME.sub(b"_", text).decode("ascii")[:MAX_SIGNATURE] or "unnamed")
    if text:
        raise ClamdReplyInvalid("Its answer cannot be understood.")
    return Clean()


def _words(text: bytes) -> str:
    return " ".join(re.sub(rb"[^ -~]+", b" ", text).decode("ascii").split())[:MAX_SIGNATURE]
