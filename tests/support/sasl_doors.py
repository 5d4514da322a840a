"""How a SASL exchange travels in each protocol, so that one test serves all three doors."""

import base64
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.transcript import Client


@dataclass
class SaslDoor:
    """A session that has been greeted; begin() gives the server's first answer to AUTH, go_on() those after it.

    What is given is a challenge without base64, or the final line as text.
    """

    client: Client
    command: str  # with {mechanism} and {initial}
    prompt: bytes
    greet: Callable[[Client], None]

    def begin(self, mechanism: str, initial: bytes | None = None) -> bytes | str:
        encoded = "" if initial is None else " " + (base64.b64encode(initial).decode() or "=")
        self.client.send(self.command.format(mechanism=mechanism).encode() + encoded.encode() + b"\r\n")
        return self.answer()

    def go_on(self, response: bytes) -> bytes | str:
        self.client.send(base64.b64encode(response) + b"\r\n")
        return self.answer()

    def leave(self) -> None:
        """Ends the session, and waits for its end: a maildrop has one at a time."""
        self.client.send(b"z LOGOUT\r\n" if "AUTHENTICATE" in self.command else b"QUIT\r\n")
        while self.client.read_line() is not None:
            pass
        self.client.close()

    def answer(self) -> bytes | str:
        while True:
            line = (self.client.read_line() or b"").removesuffix(b"\r\n")
            if line.startswith(self.prompt):
                return base64.b64decode(line.removeprefix(self.prompt), validate=True)
            if not line.startswith(b"* "):
                return line.decode()


def _greet_smtp(client: Client) -> None:
    client.read_line()
    client.send(b"EHLO client.test\r\n")
    while not (client.read_line() or b"250 ").startswith(b"250 "):
        pass


def imap(client: Client) -> SaslDoor:
    return SaslDoor(client, "a AUTHENTICATE {mechanism}", b"+ ", lambda client: _skip(client))


def pop3(client: Client) -> SaslDoor:
    return SaslDoor(client, "AUTH {mechanism}", b"+ ", lambda client: _skip(client))


def smtp(client: Client) -> SaslDoor:
    return SaslDoor(client, "AUTH {mechanism}", b"334 ", _greet_smtp)


def _skip(client: Client) -> None:
    client.read_line()


DOORS = {"imap": imap, "pop3": pop3, "smtp": smtp}
# How each says yes, no, and that the line makes no sense.
YES = {"imap": "a OK ", "pop3": "+OK", "smtp": "235 2.7.0"}
NO = {"imap": "a NO [AUTHENTICATIONFAILED]", "pop3": "-ERR [AUTH]", "smtp": "535 5.7.8"}
BAD = {"imap": "a BAD ", "pop3": "-ERR ", "smtp": "501 5.5.2"}
