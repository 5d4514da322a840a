"""The client's side of SMTP: another server's replies and extensions, our commands (RFC 5321 section 4).

Extensions understood: PIPELINING (RFC 2920), SIZE (RFC 1870), 8BITMIME (RFC 6152), CHUNKING
and BINARYMIME (RFC 3030), SMTPUTF8 (RFC 6531), DSN
(RFC 3461), ENHANCEDSTATUSCODES (RFC 2034), STARTTLS (RFC 3207), DELIVERBY (RFC 2852), REQUIRETLS (RFC 8689).
"""

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Final

# RFC 5321 section 4.5.3.1.5 says 512 octets a line; servers with long explanations are out there.
MAX_REPLY_LINE_OCTETS: Final = 4_096
MAX_REPLY_LINES: Final = 128  # more than any EHLO response or explanation has
KEPT_TEXT_CHARACTERS: Final = 1_000  # of a reply that is stored with an attempt and quoted in a DSN

# Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
_REPLY_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
# RFC 3463 section 2: status-code = class "." subject "." detail
_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s+|$)")
# C0, DEL, C1, and what Unicode calls the end of a line or paragraph: all that could begin a line where it is shown.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_EHLO_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


class ReplySyntaxError(ValueError):
    """The other server said something that is no SMTP reply."""


@dataclass(frozen=True, slots=True)
class ServerReply:
    """One reply of another server: its code, enhanced code ("" where it gave none) and lines of text."""

    code: int
    lines: tuple[str, ...] = ()

    @property
    def enhanced(self) -> str:
        """The enhanced code, where the text begins with one of the reply's own class (RFC 2034 section 4)."""
        match = _ENHANCED.match(self.lines[0]) if self.lines else None
        return match[1] if match and match[1][0] == str(self.code)[0] else ""

    @property
    def is_positive(self) -> bool:
        """2yz: done."""
        return 200 <= self.code < 300

    @property
    def is_intermediate(self) -> bool:
        """3yz: go on."""
        return 300 <= self.code < 400

    @property
    def is_permanent(self) -> bool:
        """5yz: no, and do not ask again."""
        return self.code >= 500

    def __str__(self) -> str:
        """Code and text in one line, as it is stored with an attempt and quoted in a DSN."""
        enhanced = self.enhanced
        texts = (
            [self.lines[0], *(line.removeprefix(enhanced).strip() for line in self.lines[1:])]
            if self.lines
            else []
        )
        return _CONTROLS.sub(" ", " ".join([str(self.code), *texts])).strip()[:KEPT_TEXT_CHARACTERS]


@dataclass(slots=True)
class ReplyReader:
    """Replies out of octets, however these are cut. After an error nothing more can be read from it."""

    _pending: bytes = b""
    _code: int = 0
    _lines: list[str] = field(default_factory=list)
    replies: deque[ServerReply] = field(default_factory=deque)

    def feed(self, octets: bytes) -> None:
        """Takes octets in; complete replies are appended to `replies`. Raises ReplySyntaxError."""
        *lines, self._pending = (self._pending + octets).split(b"\n")
        for line in lines:
            self._take_line(line.removesuffix(b"\r"))
        if len(self._pending) > MAX_REPLY_LINE_OCTETS:
            raise ReplySyntaxError("A line of the reply is too long.")

    @property
    def is_clean(self) -> bool:
        """True where nothing was read beyond the replies that were taken: asked before TLS starts."""
        return not (self._pending or self._lines or self.replies)

    def _take_line(self, line: bytes) -> None:
        match = _REPLY_LINE.fullmatch(line)
        if match is None or len(line) > MAX_REPLY_LINE_OCTETS:
            shown = _CONTROLS.sub(" ", line[:80].decode("ascii", "backslashreplace")).strip()
            raise ReplySyntaxError(f"This is no SMTP reply: {shown}")
        code = int(match[1])
        if self._lines and code != self._code:
            raise ReplySyntaxError("The lines of one reply have different codes.")
        self._code = code
        # RFC 6531 section 3.7.4.2 allows UTF-8 in replies; others send whatever they have.
        self._lines.append((match[3] or b"").decode("utf-8", "replace"))
        if len(self._lines) > MAX_REPLY_LINES:
            raise ReplySyntaxError("The reply has too many lines.")
        if match[2] != b"-":
            self.replies.append(ServerReply(code, tuple(self._lines)))
            self._lines = []


@dataclass(frozen=True, slots=True)
class Extensions:
    """What the other server offers, by upper-case EHLO keyword, with the parameters as they came."""

    offered: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, reply: ServerReply) -> "Extensions":
        """From the response to EHLO, whose first line is a greeting (RFC 5321 section 4.1.1.1)."""
        offered = {}
        for line in reply.lines[1:]:
            keyword, _, parameters = _CONTROLS.sub(" ", line).strip().partition(" ")
            if _EHLO_KEYWORD.fullmatch(keyword):
                offered[keyword.upper()] = parameters.strip()
        return cls(offered)

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.offered

    @property
    def take_binary(self) -> bool:
        """Messages with BODY=BINARYMIME, which come by BDAT (RFC 3030 section 3)."""
        return "BINARYMIME" in self and "CHUNKING" in self

    @property
    def max_size_octets(self) -> int | None:
        """SIZE's limit; None where there is none or it is not told (RFC 1870 section 3)."""
        text = self.offered.get("SIZE", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 and int(text) > 0 else None


def mail_command(
    reverse_path: str,
    *,
    extensions: Extensions,
    size_octets: int,
    body: str = "",
    is_smtputf8: bool = False,
    ret: str = "",
    envid: str = "",
    by: str = "",
    requires_tls: bool = False,
) -> bytes:
    """MAIL with the parameters that this server understands; reverse_path is "" for the null one."""
    parameters = []
    if "SIZE" in extensions:
        parameters.append(f"SIZE={size_octets}")
    if body and ("8BITMIME" in extensions or body == "BINARYMIME"):
        parameters.append(f"BODY={body}")
    if is_smtputf8:
        parameters.append("SMTPUTF8")
    if "DSN" in extensions:
        parameters += [f"RET={ret}"] if ret else []
        parameters += [f"ENVID={envid}"] if envid else []
    if requires_tls:
        parameters.append("REQUIRETLS")  # whoever does not offer it must not be sent such a message at all
    if by and "DELIVERBY" in extensions:
        parameters.append(f"BY={by}")
    return _command(f"MAIL FROM:<{reverse_path}>", parameters)


def rcpt_command(forward_path: str, *, extensions: Extensions, notify: str = "", orcpt: str = "") -> bytes:
    """RCPT, with RFC 3461's parameters where the server understands them."""
    parameters = []
    if "DSN" in extensions:
        parameters += [f"NOTIFY={notify}"] if notify else []
        parameters += [f"ORCPT={orcpt}"] if orcpt else []
    return _command(f"RCPT TO:<{forward_path}>", parameters)


def _command(path: str, parameters: list[str]) -> bytes:
    line = " ".join([path, *parameters])
    if _CONTROLS.search(line):
        # Paths are parsed at the door; this is the last wall before another server.
        raise ValueError("a control character in a command")
    return line.encode() + b"\r\n"


_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def encode_data(octets: bytes) -> bytes:
    """What follows the reply to DATA: CRLF lines, transparent dots, the final dot (RFC 5321 section 4.5.2).

    A bare CR or LF becomes CRLF: sent as it is, some servers would read a line end in it and others not
    (section 2.3.8), which is how one message smuggles another.
    """
    pairs = octets.count(b"\r\n")
    if octets.count(b"\r") != pairs or octets.count(b"\n") != pairs:  # far faster than the expression
        octets = _BARE.sub(b"\r\n", octets)
    if b"\r\n." in octets:
        octets = octets.replace(b"\r\n.", b"\r\n..")
    if octets.startswith(b"."):
        octets = b"." + octets
    end = b".\r\n" if not octets or octets.endswith(b"\r\n") else b"\r\n.\r\n"
    return octets + end
