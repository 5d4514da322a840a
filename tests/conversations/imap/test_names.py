"""Mailbox names on the wire: modified UTF-7, and UTF-8 once it is enabled (RFC 3501 5.1.3, RFC 6855, RFC 9051 5.1)."""

from collections.abc import Callable

Talk = Callable[[str], dict[str, str]]

REV2 = """
    C: z ENABLE IMAP4rev2
    S: * ENABLED IMAP4rev2
    S: z OK …
"""


def test_each_command_reads_and_tells_utf8_in_imap4rev2(talk: Talk) -> None:
    talk('C: a CREATE "Entw&APw-rfe"\nS: a OK …' + REV2)
    talk("""
        C: b LIST "" "Entw*"
        S: * LIST (\\HasNoChildren) "/" "Entwürfe"
        S: b OK …
        C: c STATUS "Entwürfe" (MESSAGES)
        S: * STATUS "Entwürfe" (MESSAGES 0)
        S: c OK …
        C: d SUBSCRIBE {9}
        S: + …
        C: Entwürfe
        S: d OK …
        C: e LSUB "" "%ürfe"
        S: * LSUB () "/" "Entwürfe"
        S: e OK …
        C: f SETMETADATA "Entwürfe" (/private/comment "x")
        S: f OK …
        C: g GETMETADATA "Entwürfe" /private/comment
        S: * METADATA "Entwürfe" (/private/comment "x")
        S: g OK …
        C: h GETQUOTAROOT "Entwürfe"
        S: * QUOTAROOT "Entwürfe" ""
        S~ h OK …
        C: i CREATE "R&D"
        S: i OK …
        C: j LIST "" R*
        S: * LIST (\\HasNoChildren) "/" R&D
        S: j OK …
        C: k CREATE "Entw&APw-rfe"
        S: k OK …
        C: l SELECT "Entwürfe"
        S~ l OK …
        C: m DELETE "Entwürfe"
        S: m OK …
    """)
    talk("""
        2C: a LIST "" (R* E*)
        2S: * LIST (\\HasNoChildren) "/" Entw&-APw-rfe
        2S: * LIST (\\HasNoChildren) "/" R&-D
        2S: a OK …
    """)


def test_a_name_that_is_told_otherwise_comes_with_the_old_one(talk: Talk) -> None:
    """Section 6.3.9.7 of RFC 9051: what was supplied is the old name."""
    talk(REV2)
    talk(
        """
        C: a CREATE inbox/e\u0301
        S: * LIST (\\HasNoChildren) "/" "INBOX/\u00e9" ("OLDNAME" ("inbox/e\u0301"))
        S: a OK …
    """.replace("CREATE inbox/e\u0301", 'CREATE "inbox/e\u0301"')
    )
    talk("""
        C: b CREATE plain/
        S: b OK …
        C: c RENAME plain other/name
        S: * LIST (\\HasNoChildren) "/" other/name ("OLDNAME" (plain))
        S: c OK …
        C: d SELECT inbox
        S~ * LIST () "/" INBOX ("OLDNAME" (inbox))
        S~ d OK …
        C: e DELETE "inbox/\u00e9"
        S: * LIST (\\NonExistent \\HasNoChildren) "/" "INBOX/\u00e9" ("OLDNAME" ("inbox/\u00e9"))
        S: e OK …
        C: f RENAME INBOX saved
        S: f OK …
        C: g DELETE other/name
        S: g OK …
        C: h LIST "" other
        S: * LIST (\\HasNoChildren) "/" other
        S: h OK …
    """)


def test_in_imap4rev1_nobody_hears_of_old_names(talk: Talk) -> None:
    talk("""
        C: a CREATE inbox/x
        S: a OK …
        C: b RENAME inbox/x y
        S: b OK …
        C: c DELETE y
        S: c OK …
    """)


def test_every_list_is_an_extended_one_in_imap4rev2(talk: Talk) -> None:
    talk(
        """
        C: a CREATE a/b
        S: a OK …
        C: b DELETE a
        S: b OK …
        C: c LIST "" a%
        S: * LIST (\\Noselect \\HasChildren) "/" a
        S: c OK …
    """
        + REV2
    )
    talk("""
        C: d LIST "" a%
        S: * LIST (\\NonExistent \\HasChildren) "/" a
        S: d OK …
        C: e LIST "" ""
        S: * LIST (\\Noselect) "/" ""
        S: e OK …
    """)


def test_utf8_accept_means_the_same(talk: Talk) -> None:
    talk("""
        C: a CREATE "Entw&APw-rfe"
        S: a OK …
        C: b ENABLE UTF8=ACCEPT
        S: * ENABLED UTF8=ACCEPT
        S: b OK …
        C: c LIST "" E*
        S: * LIST (\\HasNoChildren) "/" "Entwürfe"
        S: c OK …
    """)
