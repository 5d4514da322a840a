"""What an APPEND may take of the process's memory (RFC 7889 for TOOBIG, RFC 7888 for literals that are not wanted)."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.transcript import Client, converse

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

MESSAGE_OCTETS = 50 << 20
PIECE = b"The quick brown fox jumps over the lazy dog, as it always did.\r\n" * 1_024
LOGIN = """
        {n}S: * OK …
        {n}C: a LOGIN {login} "correct horse"
        {n}S: a OK …
"""


def both(script: str) -> str:
    return LOGIN.replace("{n}", "1") + LOGIN.replace("{n}", "2") + script


def test_an_append_waits_for_room_and_is_refused_where_none_comes(doors: "Doors", login: str) -> None:
    text = "Subject: x\\r\\n\\r\\n" + "x" * 1_986
    converse(
        doors.small,
        both(
            f"""
        1C: b APPEND INBOX {{2000}}
        1S: + …
        2C: b APPEND INBOX {{1500}}
        2S: b NO [LIMIT] …
        2C| c APPEND INBOX {{1500+}}\\r\\n{text[:1508]}\\r\\nd NOOP\\r\\n
        2S: c NO [LIMIT] …
        2S: d OK …
        2C: e APPEND INBOX {{2000}}
        1C| {text}\\r\\n
        1S: b OK [APPENDUID {{validity}} 1] …
        2S: + …
        2C| {text}\\r\\n
        2S: e OK [APPENDUID {{validity}} 2] …
        """
        ),
        login=login,
    )


def test_a_session_that_goes_away_gives_its_room_back(doors: "Doors", login: str) -> None:
    with Client(doors.small) as gone:
        gone.send(f'a LOGIN {login} "correct horse"\r\nb APPEND INBOX {{2000}}\r\n'.encode())
        while not (gone.read_line() or b"").startswith(b"+"):
            pass
    converse(
        doors.small,
        LOGIN.replace("{n}", "")
        + f"""
        C: b APPEND INBOX {{2000}}
        S: + …
        C: {"x" * 2_000}
        S: b OK …
        """,
        login=login,
    )


def test_a_mailbox_name_is_no_message(doors: "Doors", login: str) -> None:
    converse(
        doors.small,
        LOGIN.replace("{n}", "")
        + """
        C: b APPEND {101}
        S: b NO [TOOBIG] …
        C: c APPEND {5}
        S: + …
        C| INBOX {2001}\\r\\n
        S: c NO [TOOBIG] …
        C: d NOOP
        S: d OK …
        """,
        login=login,
    )


def memory(name: str) -> int:
    """A line of this process's status, in octets."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path("/proc/self/status").read_text("ascii"), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1_024


def test_a_message_of_50_mb_is_in_memory_once(doors: "Doors", login: str) -> None:
    """Twice its octets at the most: growing may move them, and what is worked out of them is small."""
    with Client(doors.plain, timeout=60) as client:
        client.send(f'a LOGIN {login} "correct horse"\r\n'.encode())
        head = b"Subject: large\r\n\r\n"
        count = (MESSAGE_OCTETS - len(head)) // len(PIECE)
        client.send(b"b APPEND INBOX {%d+}\r\n" % (len(head) + count * len(PIECE)))
        before = memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5", "ascii")  # proc(5): the peak counts from here
        client.send(head)
        for _ in range(count):
            client.send(PIECE)
        client.send(b"\r\n")
        while not (line := client.read_line() or b"").startswith(b"b "):
            assert line
        grown = memory("VmHWM") - before
        assert line.startswith(b"b OK [APPENDUID ")
        assert grown < 2 * MESSAGE_OCTETS, grown / MESSAGE_OCTETS


LARGE = "Subject: large\\r\\n\\r\\n" + "x" * 199_982  # 200,000 octets


def test_a_large_message_that_cannot_be_stored_is_refused_before_it_is_sent(
    doors: "Doors", login: str
) -> None:
    from mailboxes.models import Account

    converse(
        doors.plain,
        LOGIN.replace("{n}", "")
        + f"""
        C: b APPEND Nowhere {{200000}}
        S: b NO [TRYCREATE] …
        C: c APPEND "&bad" {{200000}}
        S: + …
        C| {LARGE}\\r\\n
        S: c BAD …
        C: d SELECT INBOX
        S~ d OK …
        C| e APPEND INBOX {{17+}}\\r\\nSubject: x\\r\\n\\r\\nold\\r\\n
        S~ e OK …
        C: f REPLACE 1 Nowhere (\\Seen) {{200000}}
        S: f NO [TRYCREATE] …
        C: g UID REPLACE 1 {{7}}
        S: + …
        C| Nowhere {{200000}}\\r\\n
        S: g NO [TRYCREATE] …
        """,
        login=login,
    )
    Account.objects.filter(login=login).update(quota_octets=200_010)
    converse(
        doors.plain,
        LOGIN.replace("{n}", "")
        + f"""
        C: b APPEND INBOX {{200000}}
        S: b NO [OVERQUOTA] …
        C: c APPEND INBOX CATENATE (TEXT {{150000}}
        S: + …
        C: {"x" * 150_000} TEXT {{150000}}
        S: c NO [OVERQUOTA] …
        C: d SELECT INBOX
        S~ d OK …
        What goes makes room for what comes:
        C: e REPLACE 1 INBOX {{200000}}
        S: + …
        C| {LARGE}\\r\\n
        S~ e OK …
        C: f STATUS INBOX (MESSAGES)
        S: * STATUS INBOX (MESSAGES 1)
        S: f OK …
        """,
        login=login,
    )
    Account.objects.filter(login=login).update(quota_octets=0, quota_messages=1)
    converse(
        doors.plain,
        LOGIN.replace("{n}", "")
        + f"""
        C: b APPEND INBOX {{200000}}
        S: b NO [OVERQUOTA] …
        C| c APPEND INBOX {{200000+}}\\r\\n{LARGE}\\r\\nd NOOP\\r\\n
        S: c NO [OVERQUOTA] …
        S: d OK …
        """,
        login=login,
    )


def test_a_message_that_is_on_its_way_all_the_same_is_dropped_as_it_comes(doors: "Doors", login: str) -> None:
    with Client(doors.plain, timeout=60) as client:
        client.send(f'a LOGIN {login} "correct horse"\r\n'.encode())
        count = MESSAGE_OCTETS // len(PIECE)
        client.send(b"b APPEND Nowhere {%d+}\r\n" % (count * len(PIECE)))
        before = memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5", "ascii")
        for _ in range(count):
            client.send(PIECE)
        client.send(b"\r\n")
        while not (line := client.read_line() or b"").startswith(b"b "):
            assert line
        assert line.startswith(b"b NO [TRYCREATE] ")
        assert memory("VmHWM") - before < MESSAGE_OCTETS // 5
