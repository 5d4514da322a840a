"""ENABLE (RFC 5161; RFC 9051 section 6.3.1)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.support.transcript import converse

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

Talk = Callable[[str], dict[str, str]]


def test_what_cannot_be_enabled_is_passed_over(talk: Talk) -> None:
    talk("""
        C: a CAPABILITY
        S: * CAPABILITY … ENABLE …
        S: a OK …
        C: b ENABLE IDLE X-GOOD-IDEA
        S: * ENABLED
        S: b OK ENABLE completed
        C: c ENABLE
        S: c BAD …
        C: d ENABLE "IDLE"
        S: d BAD …
    """)


def test_it_is_for_those_who_are_signed_in(doors: "Doors") -> None:
    converse(
        doors.plain,
        """
        S: * OK [CAPABILITY IMAP4rev1 …] …
        C: a ENABLE IDLE
        S: a BAD …
        """,
    )
