"""SASL without SCRAM: PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login), and the base64 around both.

An exchange takes the client's responses and gives the next challenge or the credentials. The same two lines
of a door serve IMAP (RFC 9051 section 6.2.2), SMTP (RFC 4954) and POP3 (RFC 5034).
"""

import base64
import binascii
from collections.abc import Callable
from typing import NamedTuple, Protocol

# RFC 4616 asks for no limit; RFC 4954 section 4.5 lets a server end lines at 12,288 octets. Logins are
# shorter.
MAX_FIELD_OCTETS = 1024


class SaslSyntaxError(ValueError):
    """The response cannot be read; the text is a sentence for people."""


class SaslCancelled(Exception):
    """The client sent "*"."""


class Credentials(NamedTuple):
    """Who wants to act as whom (authorization identity; "" is the login itself), and the proof."""

    authzid: str
    login: str
    password: str


class Challenge(NamedTuple):
    """What the server says next, not yet in base64."""

    octets: bytes


class Exchange(Protocol):
    """One attempt to authenticate."""

    def answer(self, response: bytes | None) -> Challenge | Credentials:
        """The next step. None: the client sent no initial response. Raises SaslSyntaxError."""


def decode_plain(octets: bytes) -> Credentials:
    """`[authzid] NUL authcid NUL passwd` in UTF-8 (RFC 4616 section 2). Raises SaslSyntaxError."""
    fields = octets.split(b"\0")
    if len(fields) != 3:
        raise SaslSyntaxError("PLAIN takes three fields separated by NUL.")
    authzid, login, password = (_text(field) for field in fields)
    if not login or not password:
        raise SaslSyntaxError("PLAIN needs a login and a password.")
    return Credentials(authzid, login, password)


def _text(field: bytes) -> str:
    if len(field) > MAX_FIELD_OCTETS:
        raise SaslSyntaxError("Login or password is too long.")
    try:
        return field.decode()
    except UnicodeDecodeError:
        raise SaslSyntaxError("Login and password must be in UTF-8.") from None


class PlainExchange:
    """PLAIN: all in one response, which a client may send at once."""

    def answer(self, response: bytes | None) -> Challenge | Credentials:
        """An empty challenge first, where there is no initial response."""
        return Challenge(b"") if response is None else decode_plain(response)


class LoginExchange:
    """LOGIN: a prompt for each. Old, never standardised, and what Outlook uses for submission."""

    def __init__(self) -> None:
        self._login: str | None = None

    def answer(self, response: bytes | None) -> Challenge | Credentials:
        """The prompts are fixed texts that clients compare."""
        if response is None:
            return Challenge(b"Username:")
        if self._login is None:
            self._login = _text(response)
            return Challenge(b"Password:")
        password = _text(response)
        if not self._login or not password or "\0" in self._login or "\0" in password:
            raise SaslSyntaxError("LOGIN needs a login and a password.")
        return Credentials("", self._login, password)


MECHANISMS: dict[str, Callable[[], Exchange]] = {"PLAIN": PlainExchange, "LOGIN": LoginExchange}


def decode_response(line: bytes) -> bytes:
    """The octets in a response line of base64. Raises SaslCancelled for "*", SaslSyntaxError."""
    if line == b"*":
        raise SaslCancelled
    try:
        return base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        raise SaslSyntaxError("This is not base64.") from None


def decode_initial_response(argument: bytes) -> bytes:
    """The octets in an initial response, where "=" stands for none at all (RFC 4954 section 4, RFC 5034)."""
    return b"" if argument == b"=" else decode_response(argument)


def encode_challenge(challenge: Challenge) -> bytes:
    """The challenge in base64, without what the protocol puts before it."""
    return base64.b64encode(challenge.octets)
