"""Which command is legal in which state (RFC 1939 sections 4 to 6, RFC 2449, RFC 2595 section 4, RFC 6856)."""

from enum import Enum

from mailhost.protocols.pop3 import commands


class State(Enum):
    """UPDATE is not among them: it is what QUIT does."""

    AUTHORIZATION = "AUTHORIZATION"
    TRANSACTION = "TRANSACTION"


BEFORE = frozenset({State.AUTHORIZATION})
AFTER = frozenset({State.TRANSACTION})
ALWAYS = BEFORE | AFTER

ALLOWED_IN: dict[type[commands.Command], frozenset[State]] = {
    commands.Capa: ALWAYS,
    commands.Quit: ALWAYS,
    commands.Stls: BEFORE,
    commands.User: BEFORE,
    commands.Pass: BEFORE,
    commands.Auth: BEFORE,
    commands.Utf8: BEFORE,
    commands.Lang: ALWAYS,
    commands.Stat: AFTER,
    commands.List: AFTER,
    commands.Uidl: AFTER,
    commands.Retr: AFTER,
    commands.Top: AFTER,
    commands.Dele: AFTER,
    commands.Rset: AFTER,
    commands.Noop: AFTER,
}


def is_allowed(command: commands.Command, state: State) -> bool:
    """Whether the command may be given now."""
    return state in ALLOWED_IN[type(command)]
