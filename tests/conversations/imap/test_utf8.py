"""UTF8=ACCEPT (RFC 6855): names and strings in UTF-8, messages with UTF-8 in their header."""

from collections.abc import Callable

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]

ENABLED = """
        C: utf8 ENABLE UTF8=ACCEPT
        S: * ENABLED UTF8=ACCEPT
        S: utf8 OK ENABLE completed
"""


def test_names_are_utf8_once_that_is_enabled(talk: Talk) -> None:
    talk(
        """
        C: a CREATE &ANw-ber
        S: a OK …
        C: b LIST "" "*ber"
        S: * LIST (\\HasNoChildren) "/" &ANw-ber
        S: b OK …
        """
        + ENABLED
        + """
        C: c LIST "" "*ber"
        S: * LIST (\\HasNoChildren) "/" "Über"
        S: c OK …
        C: d STATUS "Über" (MESSAGES)
        S: * STATUS "Über" (MESSAGES 0)
        S: d OK …
        C: e STATUS &ANw-ber (MESSAGES)
        S: e NO [NONEXISTENT] …
        C: f SELECT "Über"
        S~ f OK [READ-WRITE] SELECT completed
        C: g LSUB "" "*"
        S~ g OK …
        """
    )


def test_a_message_with_utf8_in_its_header(talk: Talk) -> None:
    talk(
        ENABLED
        + """
        C: a SELECT INBOX
        S~ a OK …
        C: b APPEND INBOX (\\Seen) UTF8 (~{18}
        S: + …
        C: Subject: Käse
        C:
        C: )
        S: * 1 EXISTS
        S: * 1 RECENT
        S: b OK [APPENDUID …] APPEND completed
        C: c APPEND "INBOX" UTF8 (~{18+}
        C: Subject: Käse
        C:
        C: )
        S: * 2 EXISTS
        S: * 2 RECENT
        S: c OK [APPENDUID …] APPEND completed
        C: d FETCH 1 (RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])
        S: * 1 FETCH (RFC822.SIZE 18 BODY[HEADER.FIELDS (SUBJECT)] {18}
        S: Subject: Käse
        S:
        S: )
        S: d OK …
        C: e SEARCH SUBJECT "käse"
        S: * SEARCH 1 2
        S: e OK …
        What is UTF-8 anyway has no other charset:
        C: f SEARCH CHARSET UTF-8 SUBJECT "käse"
        S: f BAD …
        C: g UID SEARCH RETURN (COUNT) CHARSET UTF-8 ALL
        S: g BAD …
        C: h SORT (SUBJECT) UTF-8 SUBJECT "käse"
        S: * SORT 1 2
        S: h OK …
        C: i APPEND INBOX UTF8 ({3+}
        C: a:b)
        S: i BAD …
        """
    )


def test_utf8_is_for_who_has_enabled_it(talk: Talk, put: Put) -> None:
    put("Subject: Käse\r\n\r\n".encode())
    talk("""
        C: a APPEND INBOX UTF8 (~{12+}
        C: Subject: x
        C: )
        S: a BAD …
        C: b SELECT INBOX
        S~ b OK …
        C: c SEARCH CHARSET UTF-8 SUBJECT {5+}
        C: käse
        S: * SEARCH 1
        S: c OK …
    """)


def test_it_can_be_switched_off(talk: Talk, login: str) -> None:
    from mailboxes.models import Account

    Account.objects.filter(login=login).update(imap_switched_off=["UTF8=ACCEPT", "UNAUTHENTICATE", "ENABLE"])
    talk("""
        C: a ENABLE UTF8=ACCEPT
        S: a BAD …
        C: b UNAUTHENTICATE
        S: b BAD …
        C: c NOOP
        S: c OK …
    """)
