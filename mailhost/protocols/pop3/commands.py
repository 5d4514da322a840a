"""POP3 commands as values: RFC 1939, STLS (RFC 2595), CAPA (RFC 2449), AUTH (RFC 5034), UTF8 and LANG (RFC 6856)."""

import re
from collections.abc import Callable
from dataclasses import dataclass


class BadCommand(ValueError):
    """The line is no command, or its arguments are wrong; the text is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Command:
    """Any command."""


@dataclass(frozen=True, slots=True)
class Capa(Command):
    """CAPA"""


@dataclass(frozen=True, slots=True)
class Stls(Command):
    """STLS"""


@dataclass(frozen=True, slots=True)
class User(Command):
    """USER name"""

    name: str


@dataclass(frozen=True, slots=True)
class Pass(Command):
    """PASS string: everything behind the first space, spaces too."""

    password: str

    def __repr__(self) -> str:
        return "Pass(…)"  # never into a log


@dataclass(frozen=True, slots=True)
class Auth(Command):
    """AUTH [mechanism [initial-response]]; without a mechanism old clients ask which there are (RFC 1734)."""

    mechanism: str | None
    initial_response: bytes | None

    def __repr__(self) -> str:
        return f"Auth({self.mechanism})"


@dataclass(frozen=True, slots=True)
class Utf8(Command):
    """UTF8"""


@dataclass(frozen=True, slots=True)
class Lang(Command):
    """LANG [language tag, or * for the server's own]"""

    tag: str | None


@dataclass(frozen=True, slots=True)
class Stat(Command):
    """STAT"""


@dataclass(frozen=True, slots=True)
class List(Command):
    """LIST [msg]"""

    number: int | None


@dataclass(frozen=True, slots=True)
class Uidl(Command):
    """UIDL [msg]"""

    number: int | None


@dataclass(frozen=True, slots=True)
class Retr(Command):
    """RETR msg"""

    number: int


@dataclass(frozen=True, slots=True)
class Top(Command):
    """TOP msg n"""

    number: int
    lines: int


@dataclass(frozen=True, slots=True)
class Dele(Command):
    """DELE msg"""

    number: int


@dataclass(frozen=True, slots=True)
class Rset(Command):
    """RSET"""


@dataclass(frozen=True, slots=True)
class Noop(Command):
    """NOOP"""


@dataclass(frozen=True, slots=True)
class Quit(Command):
    """QUIT"""


# RFC 1939 section 3: keywords of three or four printable characters, in any case; arguments after single spaces.
LINE = re.compile(rb"([A-Za-z0-9]{3,4})(?: (.*))?", re.DOTALL)
NUMBER = re.compile(r"[0-9]{1,10}")  # ten digits are more messages, and more lines, than any maildrop has


def _nothing(make: Callable[[], Command]) -> Callable[[str | None], Command]:
    def parse_argument(argument: str | None) -> Command:
        if argument is not None and argument.strip(" "):
            raise BadCommand("This command takes no argument.")
        return make()

    return parse_argument


def _number(word: str) -> int:
    if not NUMBER.fullmatch(word):
        raise BadCommand("A number was expected.")
    return int(word)


def _words(argument: str | None, count: int) -> list[str]:
    words = (argument or "").split()
    if len(words) != count:
        raise BadCommand(f"{count} argument{'s were' if count > 1 else ' was'} expected.")
    return words


def _user(argument: str | None) -> Command:
    name = (argument or "").strip(" ")
    if not name:
        raise BadCommand("USER takes a name.")
    return User(name)


def _pass(argument: str | None) -> Command:
    if not argument:
        raise BadCommand("PASS takes a password.")
    return Pass(argument)


def _auth(argument: str | None) -> Command:
    words = (argument or "").split()
    if len(words) > 2:
        raise BadCommand("AUTH takes a mechanism and perhaps one initial response.")
    mechanism = words[0].upper() if words else None
    return Auth(mechanism, words[1].encode() if len(words) == 2 else None)


def _lang(argument: str | None) -> Command:
    return Lang(_words(argument, 1)[0] if argument and argument.strip(" ") else None)


def _optional_number(make: Callable[[int | None], Command]) -> Callable[[str | None], Command]:
    def parse_argument(argument: str | None) -> Command:
        return make(_number(_words(argument, 1)[0]) if argument and argument.strip(" ") else None)

    return parse_argument


def _one_number(make: Callable[[int], Command]) -> Callable[[str | None], Command]:
    return lambda argument: make(_number(_words(argument, 1)[0]))


def _top(argument: str | None) -> Command:
    number, lines = _words(argument, 2)
    return Top(_number(number), _number(lines))


PARSERS: dict[str, Callable[[str | None], Command]] = {
    "CAPA": _nothing(Capa),
    "STLS": _nothing(Stls),
    "USER": _user,
    "PASS": _pass,
    "AUTH": _auth,
    "UTF8": _nothing(Utf8),
    "LANG": _lang,
    "STAT": _nothing(Stat),
    "LIST": _optional_number(List),
    "UIDL": _optional_number(Uidl),
    "RETR": _one_number(Retr),
    "TOP": _top,
    "DELE": _one_number(Dele),
    "RSET": _nothing(Rset),
    "NOOP": _nothing(Noop),
    "QUIT": _nothing(Quit),
}


def parse(line: bytes) -> Command:
    """The command in a line without its CRLF. Arguments are UTF-8, which ASCII is. Raises BadCommand."""
    match = LINE.fullmatch(line)
    if match is None or (parse_argument := PARSERS.get(match[1].decode().upper())) is None:
        raise BadCommand("There is no such command.")
    try:
        argument = None if match[2] is None else match[2].decode()
    except UnicodeDecodeError:
        raise BadCommand("The argument is not UTF-8.") from None
    if argument is not None and "\0" in argument:
        raise BadCommand("NUL is not allowed.")
    return parse_argument(argument)
