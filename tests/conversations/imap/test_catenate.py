"""APPEND of what is put together on the server (RFC 4469)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]

SELECT = """
        C: s SELECT INBOX
        S~ s OK [READ-WRITE] …
        C: t STATUS INBOX (UIDVALIDITY)
        S: * STATUS INBOX (UIDVALIDITY {validity})
        S: t OK …
"""


def test_a_message_is_made_of_text_and_of_parts(talk: Talk, put: Put) -> None:
    from tests.conversations.imap.messages import MULTIPART

    put(MULTIPART)
    talk(
        SELECT
        + """
        C: a APPEND Drafts (\\Draft) CATENATE (URL "/INBOX;UIDVALIDITY={validity}/;UID=1/;section=HEADER.FIELDS%20(SUBJECT)" TEXT {6+}
        C| mine:  URL ";UID=1/;SECTION=1" TEXT ~{2+}\\r\\n,  URL "/INBOX/;UID=1/;SECTION=2.2/;PARTIAL=3.4")\\r\\n
        S: a OK [APPENDUID {drafts} 1] APPEND completed
        C: b SELECT Drafts
        S~ b OK …
        C: c FETCH 1 (FLAGS BODY.PEEK[])
        S: * 1 FETCH (FLAGS (\\Draft \\Recent) BODY[] {42}
        S: Subject: Parts
        S: 
        S: mine: R3LDvMOfZQ==, html)
        S: c OK …
        """
    )


def test_a_whole_message_can_be_copied_by_its_url(talk: Talk, put: Put, login: str) -> None:
    put("one")
    talk(
        f"""
        C: a APPEND INBOX CATENATE (URL "/INBOX/;UID=1")
        S: a OK [APPENDUID {{validity}} 2] APPEND completed
        C: b APPEND INBOX CATENATE (URL "imap://{login.replace("@", "%40")}@127.0.0.1:143/inbox/;UID=2")
        S: b OK [APPENDUID {{validity}} 3] APPEND completed
        C: s SELECT INBOX
        S~ s OK …
        C: c FETCH 1:3 (RFC822.SIZE PREVIEW)
        S: * 1 FETCH (RFC822.SIZE {{size}} PREVIEW "Hello.")
        S: * 2 FETCH (RFC822.SIZE {{size}} PREVIEW "Hello.")
        S: * 3 FETCH (RFC822.SIZE {{size}} PREVIEW "Hello.")
        S: c OK …
        """
    )


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("/INBOX/;UID=9", "/INBOX/;UID=9"),
        ("/INBOX;UIDVALIDITY=1/;UID=1", "/INBOX;UIDVALIDITY=1/;UID=1"),
        ("/INBOX/;UID=1/;SECTION=2", "/INBOX/;UID=1/;SECTION=2"),
        ("/INBOX/;UID=1/;SECTION=1.HEADER", "/INBOX/;UID=1/;SECTION=1.HEADER"),
        ("/No such/;UID=1", "/No%20such/;UID=1"),
        ("/a]b\u00fc/;UID=1", "/a%5Db%C3%BC/;UID=1"),
        ("imap://elsewhere.example/INBOX/;UID=1", "imap://elsewhere.example/INBOX/;UID=1"),
        ("imap://bob@127.0.0.1/INBOX/;UID=1", "imap://bob@127.0.0.1/INBOX/;UID=1"),
        (";UID=1", ";UID=1"),
        ("", "%00"),
    ],
)
def test_a_url_that_names_nothing_is_told_and_nothing_is_stored(
    talk: Talk, put: Put, url: str, told: str
) -> None:
    put("one")
    talk(
        f"""
        C: a APPEND Drafts CATENATE (TEXT {{3+}}
        C| abc URL "{url}")\\r\\n
        S: a NO [BADURL {told}] …
        C: b STATUS Drafts (MESSAGES UIDNEXT)
        S: * STATUS Drafts (MESSAGES 0 UIDNEXT 1)
        S: b OK …
        """
    )


def test_a_url_cannot_forge_a_line_of_the_response(talk: Talk) -> None:
    talk("""
        C| a APPEND Drafts CATENATE (URL {19+}\\r\\n/x\\r\\n* BYE forged] x)\\r\\n
        S: a NO [BADURL /x%0D%0A*%20BYE%20forged%5D%20x] …
        C: b NOOP
        S: b OK …
    """)


def test_an_expunged_message_is_no_part_of_another(talk: Talk, put: Put) -> None:
    put("one")
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a STORE 1 +FLAGS.SILENT (\\Deleted)
        S: a OK …
        C: b EXPUNGE
        S~ b OK …
        C: c APPEND Drafts CATENATE (URL ";UID=1")
        S: c NO [BADURL ;UID=1] …
    """)


def test_what_others_do_not_share_is_not_read(talk: Talk, put: Put) -> None:
    from tests.conversations.imap.messages import put_message
    from tests.support.hosting import new_account

    other = new_account("carol").login
    put_message(other, "secret")
    talk(
        f"""
        C: a APPEND Drafts CATENATE (URL "/Other%20Users/{other}/INBOX/;UID=1")
        S: a NO [BADURL /Other%20Users/{other}/INBOX/;UID=1] …
        """
    )


def test_what_would_be_too_big_is_refused_before_it_is_read(
    doors: "Doors", login: str, put: Put, talk: Talk
) -> None:
    from django.conf import settings

    put("x" * 40_000_000)
    talk(
        f"""
        C: a APPEND Drafts CATENATE (URL "/INBOX/;UID=1" URL "/INBOX/;UID=1")
        S: a NO [TOOBIG] …
        C: b APPEND Drafts CATENATE (URL "/INBOX/;UID=1/;PARTIAL=0.{settings.MAX_MESSAGE_OCTETS}" TEXT {{1+}}
        C| .)\\r\\n
        S~ b OK …
        """
    )
