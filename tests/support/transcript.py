"""Conversations written down as they go over the wire, held against a real listener.

    converse(port, '''
        S: +OK…
        C: USER {login}
        S: +OK
    ''', login="alice@d1.example.test")

`C:` is a line we send (CRLF is added), `C|` octets without a line end, in which \\r, \\n, \\t, \\0, \\x41 and \\\\ are
escapes; `S:` a line we expect, `S~` skips lines until one fits, `S!` expects the end of the connection, `=: TLS` begins
TLS. `…` fits anything on that line; `{name}` fits a word the first time (and keeps it), then, and in what we send, is
that word. With a number before (`1C:`, `2S:`) several sessions take turns. Other text is a comment.
"""

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field

LINE = re.compile(r"\s*(?P<session>\d?)(?P<kind>C:|C\||S:|S~|S!|=:)(?: (?P<text>.*))?")
PLACE = re.compile(r"…|\{([a-z_][a-z0-9_]*)\}")  # {5} and {5+} are literals of IMAP
ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|([rnt0\\]))")
ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}
TIMEOUT_SECONDS = 10.0
MAX_SKIPPED = 10_000


class ConversationDiffers(AssertionError):
    """What came is not what was expected; the text shows the conversation up to there."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a script."""

    session: str
    kind: str
    text: str


def parse_script(script: str) -> Iterator[Step]:
    """The steps of a script, in order. The session is "" where there is one alone."""
    for line in script.splitlines():
        match = LINE.fullmatch(line)
        if match is not None:
            yield Step(match["session"], match["kind"], match["text"] or "")


def anyone() -> ssl.SSLContext:
    """A client's context that takes any certificate: the tests of tls.py look at those."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Client:
    """One end of a connection: lines out, lines in."""

    def __init__(
        self,
        port: int,
        *,
        tls: bool = False,
        host: str = "127.0.0.1",
        timeout: float = TIMEOUT_SECONDS,
        source: str = "",
    ):
        self.socket: socket.socket = socket.create_connection(
            (host, port), timeout=timeout, source_address=(source, 0) if source else None
        )
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()
        if tls:
            self.start_tls()

    def start_tls(self) -> None:
        """TLS from here on."""
        assert not self._buffer, f"sent before TLS began: {bytes(self._buffer)!r}"
        self.socket = anyone().wrap_socket(self.socket, server_hostname="localhost")

    def send(self, octets: bytes) -> None:
        """Octets as they are."""
        self.socket.sendall(octets)

    def read_line(self) -> bytes | None:
        """The next line with its end; None at the end of the connection. Raises TimeoutError."""
        while (end := self._buffer.find(b"\n")) < 0:
            if not self._fill():
                rest = bytes(self._buffer)
                self._buffer.clear()
                return rest or None
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line

    def read_octets(self, count: int) -> bytes:
        """Exactly so many octets (fewer at the end of the connection)."""
        while len(self._buffer) < count and self._fill():
            pass
        octets = bytes(self._buffer[:count])
        del self._buffer[:count]
        return octets

    def _fill(self) -> bool:
        try:
            octets = self.socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            return False
        self._buffer += octets
        return bool(octets)

    def close(self) -> None:
        """Without a word."""
        self.socket.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class Conversation:
    """Sessions that take turns, and the words captured so far."""

    port: int
    tls: bool = False
    words: dict[str, str] = field(default_factory=dict)
    timeout: float = TIMEOUT_SECONDS
    source: str = ""  # the address that clients come from, such as 127.0.0.5
    clients: dict[str, Client] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def follow(self, script: str) -> dict[str, str]:
        """Play the script; the words captured. Raises ConversationDiffers."""
        for step in parse_script(script):
            client = self.clients.get(step.session)
            if client is None:
                client = self.clients[step.session] = Client(
                    self.port, tls=self.tls, timeout=self.timeout, source=self.source
                )
            match step.kind:
                case "C:":
                    client.send(self._fill_in(step.text).encode() + b"\r\n")
                    self.said.append(f"{step.session}C: {step.text}")
                case "C|":
                    client.send(ESCAPE.sub(_unescape, self._fill_in(step.text)).encode())
                    self.said.append(f"{step.session}C| {step.text}")
                case "=:":
                    client.start_tls()
                case _:
                    self._expect(client, step)
        return self.words

    def _fill_in(self, text: str) -> str:
        return PLACE.sub(lambda place: self.words.get(place[1] or "", place[0]), text)

    def _expect(self, client: Client, step: Step) -> None:
        for _ in range(MAX_SKIPPED):
            try:
                line = client.read_line()
            except TimeoutError:
                raise self._differs(step, f"nothing within {self.timeout:g} s") from None
            if step.kind == "S!":
                if line is None:
                    return
                raise self._differs(step, repr(line))
            if line is None:
                raise self._differs(step, "the end of the connection")
            text = line.decode(errors="backslashreplace").removesuffix("\n").removesuffix("\r")
            self.said.append(f"{step.session}S: {text}")
            if self._fits(step.text, text):
                return
            if step.kind != "S~":
                raise self._differs(step, repr(line))
        raise self._differs(step, f"{MAX_SKIPPED} other lines")

    def _fits(self, pattern: str, text: str) -> bool:
        """Whether the line is as expected; what `{name}` met is kept."""
        parts, names, position = [], set(), 0
        for place in PLACE.finditer(pattern):
            parts.append(re.escape(pattern[position : place.start()]))
            position = place.end()
            name = place[1]
            if name is None:
                parts.append(".*")
            elif name in self.words:
                parts.append(re.escape(self.words[name]))
            elif name in names:
                parts.append(f"(?P={name})")
            else:
                names.add(name)
                parts.append(rf"(?P<{name}>[^\s\])}}]+)")
        parts.append(re.escape(pattern[position:]))
        match = re.fullmatch("".join(parts), text, re.DOTALL)
        if match is not None:
            self.words.update(match.groupdict())
        return match is not None

    def _differs(self, step: Step, came: str) -> ConversationDiffers:
        said = "\n".join(self.said[-40:])
        wanted = f"{step.session}{step.kind} {step.text}"
        return ConversationDiffers(f"\n{said}\nexpected  {wanted}\ncame      {came}\nwords     {self.words}")

    def close(self) -> None:
        """Close all sessions."""
        for client in self.clients.values():
            client.close()

    def __enter__(self) -> "Conversation":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else ESCAPES[match[2]]


def converse(
    port: int,
    script: str,
    *,
    tls: bool = False,
    timeout: float = TIMEOUT_SECONDS,
    source: str = "",
    **words: str,
) -> dict[str, str]:
    """Play a whole script over new connections; the captured words. Raises ConversationDiffers."""
    with Conversation(port, tls=tls, timeout=timeout, source=source, words=dict(words)) as conversation:
        return conversation.follow(script)
