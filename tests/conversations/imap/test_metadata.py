"""GETMETADATA, SETMETADATA and LIST with METADATA (RFC 5464, RFC 9590; RFC 6154 section 4)."""

from collections.abc import Callable
from typing import Any

import pytest

Talk = Callable[[str], dict[str, str]]


def test_entries_of_a_mailbox(talk: Talk) -> None:
    talk(
        """
        C: a SETMETADATA inbox (/Private/Comment "Mine" /shared/comment {10}
        S: + …
        C| two\\r\\nlines)\\r\\n
        S: a OK SETMETADATA completed
        C: b GETMETADATA INBOX /private/comment
        S: * METADATA INBOX (/private/comment Mine)
        S: b OK GETMETADATA completed
    """.replace("comment Mine", 'comment "Mine"')
    )
    talk("""
        C: c GETMETADATA INBOX (/SHARED/comment /private/comment /private/vendor/x/y)
        S: * METADATA INBOX (/private/comment "Mine" /shared/comment {10}
        S: two
        S: lines /private/vendor/x/y NIL)
        S: c OK …
        C: d SETMETADATA INBOX (/private/comment NIL)
        S: d OK …
        C: e GETMETADATA INBOX (/private/comment)
        S: * METADATA INBOX (/private/comment NIL)
        S: e OK …
        C: f GETMETADATA nothing /shared/comment
        S: f NO [NONEXISTENT] …
        C: g SETMETADATA nothing (/shared/comment "x")
        S: g NO [NONEXISTENT] …
    """)


def test_any_octets(talk: Talk) -> None:
    talk(
        """
        C: a SETMETADATA INBOX (/private/vendor/x/y ~{4+}
        C| \\0\\x01\\r\\n /private/vendor/x/z "")\\r\\n
        S: a OK …
        C: b GETMETADATA INBOX (/private/vendor/x/y /private/vendor/x/z)
        S: * METADATA INBOX (/private/vendor/x/y ~{4}
        S: \0\x01
        S:  /private/vendor/x/z "")
        S: b OK …
        C: c SETMETADATA INBOX (/private/vendor/x/y {4+}
        C| a\\0bc)\\r\\n
        S: c BAD …
    """.replace("\0\x01\n", "…\n")
    )


def test_depth_and_maxsize(talk: Talk) -> None:
    talk("""
        C: a SETMETADATA INBOX (/private/f/v/small "SMALLER 5000" /private/f/v/a/b "deep" /private/f/vx "no")
        S: a OK …
        C: b GETMETADATA (DEPTH 1) INBOX (/private/f/v)
        S: * METADATA INBOX (/private/f/v/small "SMALLER 5000")
        S: b OK GETMETADATA completed
        C: c GETMETADATA INBOX (DEPTH infinity) /private/f
        S: * METADATA INBOX (/private/f/v/a/b "deep" /private/f/v/small "SMALLER 5000" /private/f/vx "no")
        S: c OK …
        C: d GETMETADATA (MAXSIZE 4 DEPTH infinity) INBOX (/private /shared)
        S: * METADATA INBOX (/private/f/v/a/b "deep" /private/f/vx "no")
        S: d OK [METADATA LONGENTRIES 12] GETMETADATA completed
        C: e GETMETADATA (MAXSIZE 1) INBOX (/private/f/vx)
        S: e OK [METADATA LONGENTRIES 2] GETMETADATA completed
        C: f GETMETADATA (DEPTH 0) INBOX /private/f/v
        S: * METADATA INBOX (/private/f/v NIL)
        S: f OK …
        C: g GETMETADATA (DEPTH 1) INBOX /private/nothing
        S: g OK GETMETADATA completed
    """)


@pytest.mark.parametrize(
    "arguments",
    [
        "GETMETADATA INBOX",
        "GETMETADATA INBOX ()",
        "GETMETADATA INBOX comment",
        "GETMETADATA INBOX /comment",
        "GETMETADATA INBOX /private//x",
        "GETMETADATA INBOX /private/x/",
        'GETMETADATA INBOX "/private/x*"',
        'GETMETADATA INBOX "/private/%"',
        "GETMETADATA INBOX {10+}\r\n/private/\u00fc",
        "GETMETADATA (DEPTH 2) INBOX /private/x",
        "GETMETADATA (DEPTH) INBOX /private/x",
        "GETMETADATA (MAXSIZE x) INBOX /private/x",
        "GETMETADATA (COLOUR red) INBOX /private/x",
        "GETMETADATA (DEPTH 1) INBOX (DEPTH 1) /private/x",
        "GETMETADATA INBOX (" + " ".join(f"/private/{number}" for number in range(101)) + ")",
        "GETMETADATA INBOX /private/" + "x" * 1000,
        "SETMETADATA INBOX /private/x y",
        "SETMETADATA INBOX ()",
        "SETMETADATA INBOX (/private/comment)",
        "SETMETADATA INBOX (/private/comment x)",
        'SETMETADATA INBOX (/private "x")',
        'SETMETADATA INBOX (/shared/vendor/token "x")',
        'SETMETADATA INBOX (/private/comment ~"x")',
    ],
)
def test_what_breaks_the_grammar(talk: Talk, arguments: str) -> None:
    talk("C| a " + arguments.replace("\r\n", "\\r\\n") + "\\r\\n\nS: a BAD …")


def test_private_is_private_and_shared_is_the_operators_at_the_server(talk: Talk, login: str) -> None:
    from mailboxes.models import Annotation

    Annotation.objects.filter(mailbox=None, account=None).delete()
    domain = login.split("@")[1]
    talk(f"""
        C: a GETMETADATA "" (/shared/comment /shared/admin)
        S: * METADATA "" (/shared/admin "mailto:postmaster@{domain}" /shared/comment NIL)
        S: a OK …
        C: b SETMETADATA "" (/shared/comment "x")
        S: b NO [NOPERM] …
        C: c SETMETADATA "" (/private/vendor/client/x "mine" /shared/admin "mailto:me@{domain}")
        S: c NO [NOPERM] …
        C: d SETMETADATA "" (/private/vendor/client/x "mine")
        S: d OK …
        C: e GETMETADATA (DEPTH infinity) "" /private
        S: * METADATA "" (/private/vendor/client/x "mine")
        S: e OK …
    """)


def test_operators_write_the_servers_comment(doors: Any, login: str) -> None:
    from mailboxes.models import Account, Annotation
    from tests.support.transcript import converse

    Account.objects.filter(login=login).update(is_operator=True)
    converse(
        doors.plain,
        """
        S: * OK …
        C: a LOGIN {login} "correct horse"
        S: a OK …
        C: b SETMETADATA "" (/shared/comment "Closed on Sunday")
        S: b OK …
        C: c GETMETADATA "" /shared/comment
        S: * METADATA "" (/shared/comment "Closed on Sunday")
        S: c OK …
        C: d SETMETADATA "" (/shared/admin "mailto:me@example.org")
        S: d NO [NOPERM] …
        C: e SETMETADATA "" (/shared/comment NIL)
        S: e OK …
        """,
        login=login,
    )
    assert not Annotation.objects.filter(mailbox=None, account=None).exists()


def test_limits(talk: Talk, settings: Any) -> None:
    settings.IMAP_MAX_ANNOTATION_OCTETS = 5
    settings.IMAP_MAX_ANNOTATIONS = 3
    talk("""
        C: a SETMETADATA INBOX (/private/a "12345" /private/b "123456")
        S: a NO [METADATA MAXSIZE 5] …
        C: b GETMETADATA INBOX /private/a
        S: * METADATA INBOX (/private/a NIL)
        S: b OK …
        C: c SETMETADATA INBOX (/private/a "1" /private/b "1" /shared/c "1")
        S: c OK …
        C: d SETMETADATA INBOX (/private/a "2" /private/d "1")
        S: d NO [METADATA TOOMANY] …
        C: e GETMETADATA INBOX (/private/a /private/d)
        S: * METADATA INBOX (/private/a "1" /private/d NIL)
        S: e OK …
        C: f SETMETADATA INBOX (/private/a NIL /private/d "1")
        S: f OK …
        C: g SETMETADATA Sent (/private/a "1")
        S: g OK …
    """)
    settings.IMAP_MAX_ANNOTATIONS_OCTETS = 50
    talk("""
        C: a SETMETADATA Sent (/private/b "1")
        S: a NO [METADATA TOOMANY] …
        C: b SETMETADATA Sent (/private/a NIL)
        S: b OK …
    """)


def test_they_follow_a_rename_and_go_with_delete(talk: Talk) -> None:
    talk("""
        C: a CREATE one
        S: a OK …
        C: b SETMETADATA one (/private/comment "x")
        S: b OK …
        C: c RENAME one two
        S: c OK …
        C: d GETMETADATA two /private/comment
        S: * METADATA two (/private/comment "x")
        S: d OK …
        C: e DELETE two
        S: e OK …
        C: f CREATE two
        S: f OK …
        C: g GETMETADATA two /private/comment
        S: * METADATA two (/private/comment NIL)
        S: g OK …
        C: h SETMETADATA INBOX (/private/comment "mail")
        S: h OK …
        C: i RENAME INBOX old
        S: i OK …
        C: j LIST "" (INBOX old) RETURN (METADATA (/private/comment))
        S: * LIST (\\HasNoChildren) "/" INBOX
        S: * METADATA INBOX (/private/comment "mail")
        S: * LIST (\\HasNoChildren) "/" old
        S: * METADATA old (/private/comment "mail")
        S: j OK …
    """)


def test_the_special_use_of_a_mailbox_is_an_entry(talk: Talk) -> None:
    talk("""
        C: a GETMETADATA Sent /private/specialuse
        S: * METADATA Sent (/private/specialuse "\\\\Sent")
        S: a OK …
        C: b CREATE Outgoing
        S: b OK …
        C: c SETMETADATA Outgoing (/private/specialuse "\\\\Sent")
        S: c NO [USEATTR] …
        C: d SETMETADATA Sent (/private/specialuse NIL)
        S: d OK …
        C: e SETMETADATA Outgoing (/private/specialuse "\\\\sent" /private/comment "x")
        S: e OK …
        C: f LIST (SPECIAL-USE) "" (Sent Outgoing)
        S: * LIST (\\HasNoChildren \\Sent) "/" Outgoing
        S: f OK …
        C: g SETMETADATA Outgoing (/private/specialuse "\\\\All")
        S: g NO [USEATTR] …
        C: h SETMETADATA INBOX (/private/specialuse "\\\\Sent")
        S: h NO [USEATTR] …
        C: i GETMETADATA Sent /private/specialuse
        S: * METADATA Sent (/private/specialuse NIL)
        S: i OK …
    """)


def test_list_tells_entries_of_what_is_selected(talk: Talk) -> None:
    talk("""
        C: a CREATE x/y/z
        S: a OK …
        C: b SUBSCRIBE x/y
        S: b OK …
        C: c SETMETADATA x/y (/shared/comment "c")
        S: c OK …
        C: d DELETE x
        S: d OK …
        C: e LIST "" (x x/%) RETURN (METADATA (/shared/comment /private/comment) STATUS (MESSAGES))
        S: * LIST (\\NonExistent \\HasChildren) "/" x
        S: * LIST (\\HasChildren) "/" x/y
        S: * STATUS x/y (MESSAGES 0)
        S: * METADATA x/y (/shared/comment "c" /private/comment NIL)
        S: e OK …
        C: f LIST (SUBSCRIBED RECURSIVEMATCH) "" x RETURN (METADATA (/shared/comment) STATUS (MESSAGES))
        S: * LIST (\\NonExistent \\HasChildren) "/" x ("CHILDINFO" ("SUBSCRIBED"))
        S: f OK …
        C: g LIST "" * RETURN (METADATA ())
        S: g BAD …
        C: h LIST "" * RETURN (METADATA (comment))
        S: h BAD …
    """)


def test_what_another_account_sees(doors: Any, login: str) -> None:
    from tests.support.hosting import new_account
    from tests.support.transcript import converse

    other = new_account("bob").login
    converse(
        doors.plain,
        """
        1S: * OK …
        1C: a LOGIN {login} "correct horse"
        1S: a OK …
        1C: b SETMETADATA Archive (/shared/comment "ours" /private/comment "mine")
        1S: b OK …
        2S: * OK …
        2C: a LOGIN {other} "correct horse"
        2S: a OK …
        2C: b GETMETADATA "Other Users/{login}/Archive" /shared/comment
        2S: b NO [NONEXISTENT] …
        1C: c SETACL Archive {other} l
        1S: c OK …
        2C: c GETMETADATA "Other Users/{login}/Archive" /shared/comment
        2S: c NO [NOPERM] …
        1C: d SETACL Archive {other} lr
        1S: d OK …
        2C: d GETMETADATA "Other Users/{login}/Archive" (/shared/comment /private/comment)
        2S: * METADATA "Other Users/{login}/Archive" (/shared/comment "ours" /private/comment NIL)
        2S: d OK …
        2C: e SETMETADATA "Other Users/{login}/Archive" (/shared/comment "theirs")
        2S: e NO [NOPERM] …
        2C: f SETMETADATA "Other Users/{login}/Archive" (/private/comment "bob's")
        2S: f OK …
        2C: g SETMETADATA "Other Users/{login}/Archive" (/private/specialuse "\\\\Archive")
        2S: g NO [NOPERM] …
        1C: e GETMETADATA Archive (/private/comment)
        1S: * METADATA Archive (/private/comment "mine")
        1S: e OK …
        1C: f SETACL Archive {other} lrw
        1S: f OK …
        2C: h SETMETADATA "Other Users/{login}/Archive" (/shared/comment "theirs")
        2S: h OK …
        1C: g GETMETADATA Archive /shared/comment
        1S: * METADATA Archive (/shared/comment "theirs")
        1S: g OK …
        """,
        login=login,
        other=other,
    )


def test_without_the_capability_it_is_unknown(talk: Talk, login: str) -> None:
    from mailboxes.models import Account

    Account.objects.filter(login=login).update(imap_switched_off=["METADATA", "LIST-METADATA"])
    talk("""
        C: a GETMETADATA INBOX /private/comment
        S: a BAD …
        C: b LIST "" INBOX RETURN (METADATA (/private/comment))
        S: b BAD …
    """)
