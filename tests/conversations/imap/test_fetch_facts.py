"""EMAILID and THREADID (RFC 8474), SAVEDATE (RFC 8514), PREVIEW (RFC 8970)."""

from collections.abc import Callable

import pytest

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]

SELECT = """
        C: s SELECT INBOX
        S~ s OK …
"""


def test_the_email_id_stays_with_copies_and_differs_between_messages(talk: Talk, put: Put) -> None:
    put("one")
    put("two")
    words = talk(
        SELECT
        + """
        C: a FETCH 1:2 (EMAILID THREADID)
        S: * 1 FETCH (EMAILID (E{first}) THREADID NIL)
        S: * 2 FETCH (EMAILID (E{second}) THREADID NIL)
        S: a OK FETCH completed
        C: b COPY 1 Archive
        S: b OK …
        C: c MOVE 2 Archive
        S~ c OK …
        C: d SELECT Archive
        S~ d OK …
        C: e UID FETCH 1:2 EMAILID
        S: * 1 FETCH (UID 1 EMAILID (E{first}))
        S: * 2 FETCH (UID 2 EMAILID (E{second}))
        S: e OK UID FETCH completed
        C: f FETCH 1 THREADID
        S: * 1 FETCH (THREADID NIL)
        S: f OK FETCH completed
        """
    )
    assert words["first"] != words["second"]


def test_the_save_date_is_that_of_the_mailbox_and_not_of_the_message(talk: Talk, put: Put) -> None:
    from datetime import UTC, datetime

    from mailhost.protocols.imap.dates import format_date_time

    put("one")
    before = datetime.now(UTC).replace(microsecond=0)
    words = talk(
        SELECT
        + """
        C: a COPY 1 Archive
        S: a OK …
        C: b SELECT Archive
        S~ b OK …
        C: c FETCH 1 (INTERNALDATE SAVEDATE)
        S: * 1 FETCH (INTERNALDATE " 6-May-2024 07:08:09 +0000" SAVEDATE "{day} {time} +0000")
        S: c OK FETCH completed
        """
    )
    after = datetime.now(UTC)
    told = datetime.strptime(f"{words['day']} {words['time']}", "%d-%b-%Y %H:%M:%S").replace(tzinfo=UTC)
    assert before <= told <= after
    assert format_date_time(int(told.timestamp())).decode() == f'"{words["day"]:>11} {words["time"]} +0000"'


@pytest.mark.parametrize("item", ["PREVIEW", "PREVIEW (LAZY)", "preview (lazy lazy)", "(PREVIEW (LAZY))"])
def test_the_preview_is_the_first_words(talk: Talk, put: Put, item: str) -> None:
    put(b'Subject: x\r\n\r\nThe  first\r\n"words" \\ of it.\r\n')
    put("Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGrüße aus Köln\r\n".encode())
    put(b"Subject: x\r\n\r\n")
    talk(
        SELECT
        + f"""
        C: a FETCH 1:3 {item}
        S: * 1 FETCH (PREVIEW "The first \\"words\\" \\\\ of it.")
        S: * 2 FETCH (PREVIEW {{17}}
        S: Grüße aus Köln)
        S: * 3 FETCH (PREVIEW "")
        S: a OK FETCH completed
        """
    )


def test_a_preview_modifier_that_nobody_knows_is_refused(talk: Talk, put: Put) -> None:
    put("one")
    talk(
        SELECT
        + """
        C: a FETCH 1 (PREVIEW (FUZZY))
        S: a BAD …
        C: b FETCH 1 (PREVIEW () FLAGS)
        S: b BAD …
        C: c FETCH 1 (PREVIEW (LAZY) UID)
        S: * 1 FETCH (PREVIEW "Hello." UID 1)
        S: c OK FETCH completed
        """
    )


@pytest.mark.parametrize(
    ("word", "item"),
    [
        ("OBJECTID", "EMAILID"),
        ("OBJECTID", "THREADID"),
        ("SAVEDATE", "SAVEDATE"),
        ("PREVIEW", "PREVIEW"),
        ("BINARY", "BINARY.SIZE[1]"),
    ],
)
def test_what_is_switched_off_is_no_item(talk: Talk, put: Put, login: str, word: str, item: str) -> None:
    from mailboxes.models import Account

    put("one")
    Account.objects.filter(login=login).update(imap_switched_off=[word])
    talk(
        SELECT
        + f"""
        C: a FETCH 1 {item}
        S: a BAD …
        C: b FETCH 1 UID
        S: * 1 FETCH (UID 1)
        S: b OK …
        """
    )
