"""Replies (RFC 5321 section 4.2) with enhanced status codes (RFC 2034, RFC 3463)."""

import re
from dataclasses import dataclass
from typing import Final

_ONE_LINE: Final = re.compile(r"([2-5][0-9]{2}) (?:([245]\.[0-9]{1,3}\.[0-9]{1,3}) )?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reply:
    """enhanced: "5.1.1", or "" where RFC 2034 section 4 has none (greeting, HELO, EHLO, 3xx). A text of many
    lines is a reply of many lines."""

    code: int
    enhanced: str
    text: str

    def encode(self) -> bytes:
        """The reply as it goes on the wire, CRLF included."""
        prefix = f"{self.enhanced} " if self.enhanced else ""
        *before, last = self.text.split("\n")
        if not before:
            return f"{self.code} {prefix}{last}\r\n".encode()
        lines = [f"{self.code}-{prefix}{line}\r\n" for line in before]
        return "".join((*lines, f"{self.code} {prefix}{last}\r\n")).encode()

    def __str__(self) -> str:
        return self.encode().decode().rstrip()

    @classmethod
    def parse(cls, text: str) -> "Reply":
        """A reply of one line as str() writes it. Raises ValueError."""
        match = _ONE_LINE.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no reply.")
        return cls(int(match[1]), match[2] or "", match[3])

    @property
    def is_refusal(self) -> bool:
        return self.code >= 400


class CommandRefused(Exception):
    """This command gets a refusal that follows from its own words."""

    def __init__(self, code: int, enhanced: str, text: str) -> None:
        super().__init__(text)
        self.reply = Reply(code, enhanced, text)
