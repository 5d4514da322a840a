"""REPLACE and UID REPLACE (RFC 8508)."""

from collections.abc import Callable

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]

SELECT = """
        {n}C: s SELECT {name}
        {n}S~ s OK …
"""


def select(name: str = "INBOX", n: str = "") -> str:
    return SELECT.replace("{name}", name).replace("{n}", n)


def test_a_draft_is_replaced_and_others_see_it(talk: Talk, put: Put) -> None:
    put("one", name="Drafts")
    put("two", name="Drafts")
    talk(
        select("Drafts", "1")
        + select("Drafts", "2")
        + """
        1C: a REPLACE 1 Drafts (\\Draft \\Seen) {3}
        1S: + …
        1C: new
        1S: * OK [APPENDUID {validity} 3] …
        1S: * 1 EXPUNGE
        1S~ * 2 EXISTS
        1S~ a OK REPLACE completed
        1C: b UID FETCH 1:* FLAGS
        1S: * 1 FETCH (UID 2 FLAGS (\\Recent))
        1S: * 2 FETCH (UID 3 FLAGS (\\Seen \\Draft \\Recent))
        1S: b OK …
        2C: c NOOP
        2S: * 1 EXPUNGE
        2S: * 2 EXISTS
        2S~ c OK …
        """
    )


def test_it_may_go_to_another_mailbox(talk: Talk, put: Put) -> None:
    put("one", name="Drafts")
    talk(
        select("Drafts")
        + """
        C| a UID REPLACE 1 Sent ~{3+}\\r\\nnew\\r\\n
        S: * OK [APPENDUID {validity} 1] …
        S: * 1 EXPUNGE
        S~ a OK UID REPLACE completed
        C: b STATUS Sent (MESSAGES)
        S: * STATUS Sent (MESSAGES 1)
        S: b OK …
        C: c STATUS Drafts (MESSAGES)
        S: * STATUS Drafts (MESSAGES 0)
        S: c OK …
        """
    )


def test_nothing_is_lost_where_the_new_one_is_refused(talk: Talk, put: Put) -> None:
    put("one")
    talk(
        select()
        + """
        C| a REPLACE 1 Nowhere {3+}\\r\\nnew\\r\\n
        S: a NO [TRYCREATE] …
        C| b REPLACE 1 INBOX {0+}\\r\\n\\r\\n
        S: b NO [CANNOT] …
        C| c REPLACE 2 INBOX {3+}\\r\\nnew\\r\\n
        S: c BAD …
        C| d UID REPLACE 7 INBOX {3+}\\r\\nnew\\r\\n
        S: d NO [NONEXISTENT] …
        C| e REPLACE 1 INBOX CATENATE (URL ";UID=7")\\r\\n
        S: e NO [BADURL ;UID=7] …
        C: f UID FETCH 1:* FLAGS
        S: * 1 FETCH (UID 1 FLAGS (\\Recent))
        S: f OK …
        C: g EXAMINE INBOX
        S~ g OK …
        C| h REPLACE 1 INBOX {3+}\\r\\nnew\\r\\n
        S: h NO …
        """
    )


def test_a_message_that_another_session_expunged_cannot_be_replaced(talk: Talk, put: Put) -> None:
    put("one")
    talk(
        select(n="1")
        + select(n="2")
        + """
        2C: a STORE 1 +FLAGS.SILENT (\\Deleted)
        2S: a OK …
        2C: b EXPUNGE
        2S~ b OK …
        1C| c REPLACE 1 INBOX {3+}\\r\\nnew\\r\\n
        1S~ c NO [EXPUNGEISSUED] …
        1C: d STATUS INBOX (MESSAGES)
        1S: * STATUS INBOX (MESSAGES 0)
        1S: d OK …
        """
    )


def test_what_goes_makes_room_for_what_comes(talk: Talk, put: Put, login: str) -> None:
    from mailboxes.models import Account

    put(b"x" * 90)
    Account.objects.filter(login=login).update(quota_octets=100)
    talk(
        select()
        + """
        C| a REPLACE 1 INBOX {20+}\\r\\n01234567890123456789\\r\\n
        S~ a OK REPLACE completed
        C| b REPLACE 1 INBOX {101+}\\r\\n"""
        + "x" * 101
        + """\\r\\n
        S: b NO [OVERQUOTA] …
        C: c UID FETCH 1:* RFC822.SIZE
        S: * 1 FETCH (UID 2 RFC822.SIZE 20)
        S: c OK …
        """
    )


def test_a_replacement_can_keep_parts_of_what_it_replaces(talk: Talk, put: Put) -> None:
    put(b"Subject: old\r\n\r\nLong text.\r\n")
    talk(
        select()
        + """
        C| a REPLACE 1 INBOX CATENATE (TEXT {16+}\\r\\nSubject: new\\r\\n\\r\\n URL ";UID=1/;SECTION=TEXT")\\r\\n
        S~ a OK …
        C: b FETCH 1 BODY.PEEK[]
        S: * 1 FETCH (BODY[] {28}
        S: Subject: new
        S: 
        S: Long text.
        S: )
        S: b OK …
        """
    )
