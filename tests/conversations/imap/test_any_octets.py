"""Whatever a signed-in client sends, it gets an answer or a BYE, and the next client is served."""

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.protocols.imap.test_parser import WORDS
from tests.support.examples import examples
from tests.support.transcript import Client

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

NOISE = st.binary(max_size=40)
# Without what waits for more of the client, or ends the session by asking.
NEARLY = st.lists(WORDS, min_size=1, max_size=4).map(lambda words: b"t " + b" ".join(words) + b"\r\n")
LINES = st.lists(NOISE | NEARLY, max_size=6).map(b"".join)
END = b"\r\nDONE\r\n\r\n*\r\nend-of-test LOGOUT\r\n"
FEED = b"x" * 20  # for a literal that is still open


@examples(60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(LINES)
def test_any_octets_are_answered_or_end_in_bye(doors: "Doors", login: str, octets: bytes) -> None:
    with Client(doors.plain, timeout=20) as client:
        client.send(f'a LOGIN {login} "correct horse"\r\nb SELECT INBOX\r\n'.encode())
        while not (client.read_line() or b"").startswith(b"b OK"):
            pass
        client.send(octets + b"\r\n" + FEED * 20 + END)
        last = b""
        try:
            client.socket.shutdown(1)
        except OSError:
            pass  # it was sent away already
        while line := client.read_line():
            last = line
        is_waiting_for_literal = last.startswith(b"+ ")  # it went away in the middle: nothing more is owed
        has_ended = last.startswith(b"* BYE") or last.endswith(b" OK LOGOUT completed\r\n")
        assert has_ended or is_waiting_for_literal, last
