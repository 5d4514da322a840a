"""Where one IMAP command ends: lines, literals, and bounds on both (RFC 3501 sections 2.2 and 4.3, RFC 7888).

The owner of the connection feeds lines and literals and does as the framer says; no octet is read in here.
Literals are kept beside the text instead of inside it, so that a large APPEND is never copied.
"""

import re
from dataclasses import dataclass

# literal = "{" number ["+"] "}" CRLF (RFC 7888); "~" before it is literal8 (RFC 3516).
# Without the bound on digits, a line of nines would become a very long integer.
_LITERAL_AT_END = re.compile(rb"~?\{(?P<size>[0-9]{1,20})(?P<plus>\+?)\}\Z")
_TAG = re.compile(rb"([^\x00-\x20(){%*\"\\+\x7f-\xff]{1,128})(?: |\Z)")
# What takes messages, up to the mailbox's name.
_TAKES_MESSAGES = re.compile(rb"[^ ]+ +(?:APPEND|(?:UID +)?REPLACE +[0-9*]+) +", re.IGNORECASE)


# Why a command was refused, for who words it.
TOO_BIG, NO_ROOM, NOT_AWAITED = "literal too big", "no room", "literal not awaited"
NOT_TAKEN = "message not taken"
SHORT_LITERAL_OCTETS = 4_096  # RFC 7888 section 5


@dataclass(frozen=True, slots=True)
class FramingLimits:
    """Bounds in octets. RFC 7162 section 4 asks for lines of at least 8192; clients send long UID sets."""

    line: int = 65_536
    literal: int = 65_536  # a literal that is no message: names, search strings, passwords
    message: int = 52_428_800  # a message of APPEND or REPLACE, or a piece of one (RFC 4469)
    messages: int = 104_857_600  # all messages of one command together (RFC 3502)
    command: int = 1_048_576  # everything of one command but its messages
    literals: int = 500
    # The longest literal that waits for no "+": LITERAL- says 4096 (RFC 7888 section 5); -1: there is none.
    non_synchronising: int = 2**63


@dataclass(frozen=True, slots=True)
class CommandText:
    """One whole command: its text with `{n}CRLF` where each literal stood, and the literals in order."""

    octets: bytes
    literals: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class LiteralFollows:
    """The next `size` octets are a literal. A synchronising one waits for our `+`; one not kept is thrown away."""

    size: int
    is_synchronising: bool
    is_kept: bool
    is_message: bool = False


@dataclass(frozen=True, slots=True)
class CommandTooBig:
    """The command is over and was not kept; `tag` is `*` where none could be read."""

    tag: str
    text: str


class Framer:
    """Feed it each line; after `LiteralFollows`, feed the literal (or throw its octets away), then the next line."""

    __slots__ = ("_is_open", "_kept", "_limits", "_literals", "_messages", "_refusal", "_tag", "_text")

    def __init__(self, limits: FramingLimits) -> None:
        self._limits = limits
        self._text: list[bytes] = []
        self._literals: list[bytes] = []
        self._kept = 0
        self._messages = 0
        self._refusal = ""
        self._tag = "*"
        self._is_open = False

    def set_limits(self, limits: FramingLimits) -> None:
        """Signing in widens what a client may send."""
        self._limits = limits

    @property
    def beginning(self) -> CommandText:
        """What has come of the command that is not complete yet."""
        return CommandText(b"".join(self._text), tuple(self._literals))

    @property
    def message_octets(self) -> int:
        """Of the messages that have come of it."""
        return self._messages

    def feed_line(self, line: bytes) -> CommandText | LiteralFollows | CommandTooBig:
        """Take one line without its CRLF."""
        self._begin(line)
        if len(line) > self._limits.line:
            self._refuse("line too long")
        self._keep(line)
        match = _LITERAL_AT_END.search(line)
        if match is None:
            return self._end()
        size = int(match["size"])
        is_synchronising = not match["plus"]
        if not is_synchronising and size > self._limits.non_synchronising:
            self._refuse(NOT_AWAITED)
        if size > self._allowed() or len(self._literals) >= self._limits.literals:
            self._refuse(TOO_BIG)
        if self._refusal and is_synchronising:
            return self._end()  # refused before it is read: the client sees the tagged NO instead of "+"
        self._keep(b"\r\n")
        return LiteralFollows(size, is_synchronising, not self._refusal, self._is_message())

    def feed_literal(self, octets: bytes) -> None:
        """Take the whole literal that `LiteralFollows` with `is_kept` announced."""
        if self._is_message():
            self._messages += len(octets)
        else:
            self._kept += len(octets)
        self._literals.append(octets)

    def refuse_literal(self, literal: LiteralFollows, why: str) -> CommandTooBig | LiteralFollows:
        """This literal is not taken: the command ends here, or with what is on its way without our `+`."""
        self._refuse(why)
        if literal.is_synchronising:
            ended = self._end()
            assert isinstance(ended, CommandTooBig)
            return ended
        return LiteralFollows(literal.size, is_synchronising=False, is_kept=False)

    def refuse_line(self, beginning: bytes) -> CommandTooBig:
        """The connection met a line beyond its bound and threw it away: the command ends here."""
        self._begin(beginning)
        self._refuse("line too long")
        ended = self._end()
        assert isinstance(ended, CommandTooBig)
        return ended

    def _begin(self, line: bytes) -> None:
        if not self._is_open:
            self._is_open = True
            match = _TAG.match(line)
            self._tag = match[1].decode("ascii") if match else "*"

    def _is_message(self) -> bool:
        """Whether the next literal is a message. The first one may be the mailbox's name."""
        match = _TAKES_MESSAGES.match(self._text[0]) if self._text else None
        if match is None:
            return False
        return bool(self._literals) or _LITERAL_AT_END.match(self._text[0], match.end()) is None

    def _allowed(self) -> int:
        if self._is_message():
            return min(self._limits.message, self._limits.messages - self._messages)
        return min(self._limits.literal, self._limits.command - self._kept)

    def _keep(self, text: bytes) -> None:
        self._kept += len(text)
        if self._kept > self._limits.command:
            self._refuse("command too big")
        if not self._refusal:
            self._text.append(text)

    def _refuse(self, why: str) -> None:
        if not self._refusal:
            self._refusal = why
            self._literals.clear()
            self._text.clear()

    def _end(self) -> CommandText | CommandTooBig:
        ended: CommandText | CommandTooBig
        if self._refusal:
            ended = CommandTooBig(self._tag, self._refusal)
        else:
            ended = CommandText(b"".join(self._text), tuple(self._literals))
        self._clear()
        return ended

    def _clear(self) -> None:
        self._text = []
        self._literals = []
        self._kept = 0
        self._messages = 0
        self._refusal = ""
        self._tag = "*"
        self._is_open = False
