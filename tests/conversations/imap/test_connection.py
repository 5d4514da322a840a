"""What a session bears: wrong states, broken commands, silence, too much of anything."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.support.transcript import Client, converse

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

Talk = Callable[[str], dict[str, str]]
ENTER = 'S: * OK …\nC: a LOGIN {login} "correct horse"\nS: a OK …\n'


def test_commands_in_the_wrong_state_are_bad(doors: "Doors", login: str) -> None:
    converse(
        doors.plain,
        """
        S: * OK …
        C: a SELECT INBOX
        S: a BAD Log in first
        C: b FETCH 1 FLAGS
        S: b BAD …
        C: c LOGIN {login} "correct horse"
        S: c OK …
        C: d FETCH 1 FLAGS
        S: d BAD …no mailbox is selected…
        C: e STARTTLS
        S: e BAD …
        """,
        login=login,
    )


def test_what_cannot_be_read_is_bad_and_the_session_goes_on(talk: Talk) -> None:
    talk("""
        C: a XYZZY
        S: a BAD Error in IMAP command: unknown command XYZZY
        C: b
        S: b BAD …
        C:
        S: * BAD …
        C| \\x00\\xff\\r\\n
        S: * BAD …
        C: c SELECT
        S: c BAD …
        C: d NOOP
        S: d OK NOOP completed
    """)


def test_too_many_bad_commands_in_a_row_end_the_session(doors: "Doors", login: str) -> None:
    converse(
        doors.small,
        """
        S: * OK …
        C: a X
        S: a BAD …
        C: b X
        S: b BAD …
        C: c NOOP
        S: c OK …
        C: d X
        S: d BAD …
        C: e X
        S: e BAD …
        C: f X
        S: f BAD …
        S: * BYE Too many bad commands
        S!
        """,
        login=login,
    )


def test_a_synchronising_literal_that_is_too_big_is_refused_instead_of_read(
    doors: "Doors", login: str
) -> None:
    converse(
        doors.small,
        ENTER
        + """
        C: b APPEND INBOX {2001}
        S: b NO [TOOBIG] …
        C: c SEARCH SUBJECT {101}
        S: c NO [TOOBIG] …
        C: d NOOP
        S: d OK NOOP completed
        """,
        login=login,
    )


def test_a_non_synchronising_literal_that_is_too_big_is_read_past(doors: "Doors", login: str) -> None:
    with Client(doors.small) as client:
        client.read_line()
        client.send(f'a LOGIN {login} "correct horse"\r\n'.encode())
        client.read_line()
        client.send(b"b APPEND INBOX {3000+}\r\n" + b"x" * 3000 + b"\r\nc NOOP\r\n")
        assert (client.read_line() or b"").startswith(b"b NO [TOOBIG]")
        assert client.read_line() == b"c OK NOOP completed\r\n"
        client.send(b"d APPEND INBOX {9999999+}\r\n")
        assert (client.read_line() or b"").startswith(b"* BYE [TOOBIG]")


def test_lines_are_bounded_and_the_tag_is_kept(doors: "Doors", login: str) -> None:
    converse(
        doors.small,
        ENTER + f"C: b SEARCH SUBJECT {'x' * 1000}\nS: b BAD …line too long\nC: c NOOP\nS: c OK …",
        login=login,
    )


def test_before_login_little_is_taken(doors: "Doors") -> None:
    converse(
        doors.plain,
        """
        S: * OK …
        C: a LOGIN {2000}
        S: a NO [TOOBIG] …
        C: b LOGIN {99999999+}
        S: * BYE [TOOBIG] …
        S!
        """,
    )


def test_silence_ends_in_bye_before_and_after_login(doors: "Doors", login: str) -> None:
    converse(doors.small, "S: * OK …\nS: * BYE Nothing heard for too long\nS!")
    converse(doors.small, ENTER + "S: * BYE Nothing heard for too long\nS!", login=login)


def test_pipelined_commands_are_answered_in_order(talk: Talk) -> None:
    talk("""
        C| b SELECT INBOX\\r\\nc NOOP\\r\\nd STATUS Sent (MESSAGES)\\r\\n
        S~ b OK …
        S: c OK NOOP completed
        S: * STATUS Sent (MESSAGES 0)
        S: d OK STATUS completed
    """)
