"""FETCH of every item, section and partial (RFC 3501 section 6.4.5)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.support.transcript import Client

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]

SELECT = """
        C: s SELECT INBOX
        S~ s OK …
"""


def test_envelope_structure_and_the_macros(talk: Talk, put: Put) -> None:
    put("one")
    talk(
        SELECT
        + """
        C: a FETCH 1 FAST
        S: * 1 FETCH (FLAGS (\\Recent) INTERNALDATE " 6-May-2024 07:08:09 +0000" RFC822.SIZE {size})
        S: a OK FETCH completed
        C: b FETCH 1 ALL
        S: * 1 FETCH (FLAGS (\\Recent) INTERNALDATE … RFC822.SIZE {size} ENVELOPE ("Mon, 6 May 2024 09:00:00 +0200" "one" (("Bob" NIL "bob" "example.test")) …))
        S: b OK FETCH completed
        C: c UID FETCH 1:* FULL
        S: * 1 FETCH (UID 1 FLAGS … BODY ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 8 1))
        S: c OK UID FETCH completed
        C: d FETCH 1 (BODYSTRUCTURE UID)
        S: * 1 FETCH (BODYSTRUCTURE ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 8 1 NIL NIL NIL NIL) UID 1)
        S: d OK FETCH completed
        """
    )


def test_sections_of_a_multipart_message(talk: Talk, put: Put) -> None:
    from tests.conversations.imap.messages import MULTIPART

    put(MULTIPART)
    talk(
        SELECT
        + """
        C: a FETCH 1 (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[2.HEADER] BODY.PEEK[2.2] BODY.PEEK[2.1.MIME] BODY.PEEK[3] BODY.PEEK[1.HEADER])
        S: * 1 FETCH (BODY[1] {12}
        S: R3LDvMOfZQ== BODY[1.MIME] {78}
        S: Content-Type: text/plain; charset=utf-8
        S: Content-Transfer-Encoding: base64
        S: 
        S:  BODY[2.HEADER] {99}
        S: Subject: Inner
        S: From: carol@example.test
        S: Content-Type: multipart/alternative; boundary="inner"
        S: 
        S:  BODY[2.2] {11}
        S: <p>html</p> BODY[2.1.MIME] {28}
        S: Content-Type: text/plain
        S: 
        S:  BODY[3] NIL BODY[1.HEADER] NIL)
        S: a OK FETCH completed
        C: b FETCH 1 (BODY.PEEK[HEADER.FIELDS (subject To)] BODY.PEEK[2.HEADER.FIELDS.NOT (from Content-Type)])
        S: * 1 FETCH (BODY[HEADER.FIELDS (subject To)] {42}
        S: To: alice@example.test
        S: Subject: Parts
        S: 
        S:  BODY[2.HEADER.FIELDS.NOT (from Content-Type)] {18}
        S: Subject: Inner
        S: 
        S: )
        S: b OK FETCH completed
        """
    )


def test_partials_are_clipped_and_say_where_they_begin(talk: Talk, put: Put) -> None:
    put("one")
    talk(
        SELECT
        + """
        C: a FETCH 1 (BODY.PEEK[TEXT]<2.3> BODY.PEEK[TEXT]<5.100> BODY.PEEK[TEXT]<100.5> BODY.PEEK[HEADER.FIELDS (SUBJECT)]<0.7>)
        S: * 1 FETCH (BODY[TEXT]<2> {3}
        S: llo BODY[TEXT]<5> {3}
        S: .
        S:  BODY[TEXT]<100> {0}
        S:  BODY[HEADER.FIELDS (SUBJECT)]<0> {7}
        S: Subject)
        S: a OK FETCH completed
        """
    )


def test_reading_text_sets_seen_and_says_so(talk: Talk, put: Put) -> None:
    put("one")
    put("two")
    talk(
        SELECT
        + """
        C: a FETCH 1 (BODY.PEEK[] RFC822.HEADER)
        S~ a OK FETCH completed
        C: b FETCH 1:2 FLAGS
        S: * 1 FETCH (FLAGS (\\Recent))
        S: * 2 FETCH (FLAGS (\\Recent))
        S: b OK …
        C: c FETCH 1 RFC822.TEXT
        S: * 1 FETCH (RFC822.TEXT {8}
        S: Hello.
        S:  FLAGS (\\Seen \\Recent))
        S: c OK FETCH completed
        C: d FETCH 1 BODY[TEXT]
        S: * 1 FETCH (BODY[TEXT] {8}
        S: Hello.
        S: )
        S: d OK FETCH completed
        C: e STATUS INBOX (UNSEEN)
        S: * STATUS INBOX (UNSEEN 1)
        S: e OK …
        """
    )


def test_sets_of_sequence_numbers_and_uids(talk: Talk, put: Put) -> None:
    for subject in ("one", "two", "three"):
        put(subject)
    talk(
        SELECT
        + """
        C: a FETCH 3,1 UID
        S: * 1 FETCH (UID 1)
        S: * 3 FETCH (UID 3)
        S: a OK …
        C: b FETCH 4 UID
        S: b BAD …
        C: c UID FETCH 17,2 FLAGS
        S: * 2 FETCH (UID 2 FLAGS (\\Recent))
        S: c OK …
        C: d UID FETCH 17:* UID
        S: * 3 FETCH (UID 3)
        S: d OK …
        C: e UID FETCH 99 FLAGS
        S: e OK UID FETCH completed
        """
    )


def test_an_empty_mailbox_has_nothing_to_fetch(talk: Talk) -> None:
    talk(
        SELECT
        + """
        C: a FETCH 1:* FLAGS
        S: a OK …
        C: b UID FETCH 1:* FLAGS
        S: b OK …
        C: c FETCH 1 FLAGS
        S: c BAD …
        """
    )


@pytest.mark.parametrize("size", [1_000, 1_000_000, 3_000_000])
def test_any_octets_come_back(doors: "Doors", login: str, put: Put, size: int) -> None:
    octets = b"Subject: x\r\n\r\n" + bytes(range(256)) * (size // 256) + b"\n\r\x00 end"
    put(octets)
    with Client(doors.plain) as client:
        client.read_line()
        client.send(
            f'a LOGIN {login} "correct horse"\r\nb SELECT INBOX\r\n'
            "c FETCH 1 (UID BODY.PEEK[] BODY.PEEK[TEXT]<3.5> BODY.PEEK[HEADER.FIELDS (SUBJECT)])\r\n".encode()
        )
        while not (line := client.read_line() or b"").startswith(b"* 1 FETCH"):
            pass
        assert line == b"* 1 FETCH (UID 1 BODY[] {%d}\r\n" % len(octets)
        assert client.read_octets(len(octets)) == octets
        assert client.read_line() == b" BODY[TEXT]<3> {5}\r\n"
        assert client.read_octets(5) == octets[17:22]
        assert client.read_line() == b" BODY[HEADER.FIELDS (SUBJECT)] {14}\r\n"
        assert client.read_octets(14) == b"Subject: x\r\n\r\n"
        assert client.read_line() == b")\r\n"


def test_many_messages_come_in_order(doors: "Doors", login: str) -> None:
    from django.utils import timezone

    from mailboxes.models import Account
    from mailboxes.store.append import append, prepare
    from mailboxes.store.hierarchy import find_mailbox
    from mailboxes.store.values import NewMessage
    from tests.conversations.imap.messages import simple

    account_id = Account.objects.get(login=login).pk
    mailbox = find_mailbox(account_id=account_id, name="INBOX")
    content = NewMessage(prepare(simple("many")))
    count = 1_201  # more than two chunks of rows
    append(
        account_id=account_id, mailbox_id=mailbox.mailbox_id, contents=[content] * count, now=timezone.now()
    )
    with Client(doors.plain) as client:
        client.read_line()
        client.send(f'a LOGIN {login} "correct horse"\r\nb SELECT INBOX\r\n'.encode())
        while not (client.read_line() or b"").startswith(b"b OK"):
            pass
        for items, expected in (
            (b"(UID ENVELOPE)", b"* %d FETCH (UID %d ENVELOPE ("),
            (b"(UID BODY.PEEK[HEADER])", b"* %d FETCH (UID %d BODY[HEADER] {"),
        ):
            client.send(b"c FETCH 1:* " + items + b"\r\n")
            number = 0
            while not (line := client.read_line() or b"").startswith(b"c OK"):
                if line.startswith(b"* "):
                    number += 1
                    assert line.startswith(expected % (number, number))
            assert number == count


def test_bodies_that_are_fetched_one_by_one_are_the_right_ones(doors: "Doors", login: str, put: Put) -> None:
    from tests.conversations.imap.messages import simple

    sizes = [10, 20, 300_000, 30, 2_000_000, 40, 50, 60]
    messages = [simple(f"number {number}", text="x" * size + "\r\n") for number, size in enumerate(sizes)]
    for octets in messages:
        put(octets)
    with Client(doors.plain) as client:
        client.read_line()
        client.send(f'a LOGIN {login} "correct horse"\r\nb SELECT INBOX\r\n'.encode())
        while not (client.read_line() or b"").startswith(b"b OK"):
            pass
        for uid in [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 5, 6, 6, 7]:
            for items in ("BODY.PEEK[]", "RFC822.SIZE BODY.PEEK[]") if uid == 6 else ("BODY.PEEK[]",):
                client.send(f"c UID FETCH {uid} ({items})\r\n".encode())
                octets = messages[uid - 1]
                line = client.read_line() or b""
                assert line.startswith(b"* %d FETCH (UID %d " % (uid, uid))
                assert line.endswith(b"BODY[] {%d}\r\n" % len(octets))
                assert client.read_octets(len(octets)) == octets
                assert client.read_line() == b")\r\n"
                assert client.read_line() == b"c OK UID FETCH completed\r\n"
