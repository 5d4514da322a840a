"""NOTIFY (RFC 5465): what was asked for is told when it happens, without a command, and nothing else is."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.support.transcript import converse

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]


def test_the_selected_mailbox_between_commands(talk: Talk, put: Put) -> None:
    put("one")
    talk("""
        1C: s SELECT INBOX
        1S~ s OK …
        1C: a NOTIFY SET (SELECTED (MessageNew (FLAGS ENVELOPE) MessageExpunge FlagChange))
        1S: a OK NOTIFY completed
    """)
    put("two")
    talk("""
        1S: * 2 EXISTS
        1S: * 2 RECENT
        1S: * 2 FETCH (UID 2 FLAGS (\\Recent) ENVELOPE ("Mon, 6 May 2024 09:00:00 +0200" "two" …
        2C: s SELECT INBOX
        2S~ s OK …
        2C: a STORE 1 +FLAGS (\\Flagged)
        2S: * 1 FETCH (FLAGS (\\Flagged))
        2S: a OK …
        1S: * 1 FETCH (UID 1 FLAGS (\\Flagged \\Recent))
        2C: b UID MOVE 1 Trash
        2S~ b OK …
        1S: * 1 EXPUNGE
        1S: * 1 RECENT
        1C: b UID FETCH 1:* UID
        1S: * 1 FETCH (UID 2)
        1S: b OK UID FETCH completed
    """)


def test_new_messages_without_items_are_told_by_their_number_alone(talk: Talk, put: Put) -> None:
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a NOTIFY SET (SELECTED (MessageNew MessageExpunge))
        S: a OK …
    """)
    put("one")
    talk("""
        S: * 1 EXISTS
        S: * 1 RECENT
        C: b NOOP
        S: b OK …
    """)


def test_one_s_own_messages_are_told_without_their_items(talk: Talk, put: Put) -> None:
    """Section 5.2: the client knows what it has put there."""
    put("one")
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a NOTIFY SET (SELECTED (MessageNew (UID) MessageExpunge))
        S: a OK …
        C: b APPEND INBOX {5+}
        C: Hello
        S: * 2 EXISTS
        S: * 2 RECENT
        S: b OK [APPENDUID {v} 2] …
        C: c UID COPY 1 INBOX
        S: * 3 EXISTS
        S: * 3 RECENT
        S: c OK [COPYUID {v} 1 3] …
    """)
    put("four")
    talk("""
        S: * 4 EXISTS
        S: * 4 RECENT
        S: * 4 FETCH (UID 4)
    """)


def test_reading_what_is_told_marks_nothing_as_read(talk: Talk, put: Put) -> None:
    """Section 5.2 advises clients against such items: they are told as their PEEK forms are."""
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a NOTIFY SET (SELECTED (MessageNew (BODY[HEADER.FIELDS (Subject)]) MessageExpunge))
        S: a OK …
    """)
    put("one")
    talk("""
        S: * 1 EXISTS
        S: * 1 RECENT
        S: * 1 FETCH (UID 1 BODY[HEADER.FIELDS (Subject)] {16}
        S: Subject: one
        S: …
        S: )
        C: b UID FETCH 1 FLAGS
        S: * 1 FETCH (UID 1 FLAGS (\\Recent))
        S: b OK …
    """)


def test_expunges_wait_for_a_command_where_that_is_asked_for(talk: Talk, put: Put) -> None:
    """Section 6.1.2: numbers in commands go on to mean what they meant."""
    for subject in ("one", "two", "three"):
        put(subject)
    talk("""
        1C: s SELECT INBOX
        1S~ s OK …
        1C: a NOTIFY SET (SELECTED-DELAYED (MessageNew (UID) MessageExpunge))
        1S: a OK …
        2C: s SELECT INBOX
        2S~ s OK …
        2C: a UID MOVE 1 Trash
        2S~ a OK …
    """)
    put("four")
    talk("""
        1S: * 4 EXISTS
        1S: * 4 RECENT
        1S: * 4 FETCH (UID 4)
        1C: b FETCH 2 UID
        1S: * 2 FETCH (UID 2)
        1S: b OK …
        1C: c NOOP
        1S: * 1 EXPUNGE
        1S: * 3 RECENT
        1S: c OK …
        2C: b UID MOVE 2 Trash
        2S~ b OK …
        1C: d IDLE
        1S: + idling
        1S: * 1 EXPUNGE
        1S: * 2 RECENT
        1C: DONE
        1S: d OK …
    """)


def test_flags_are_told_to_those_alone_who_ask_for_them(talk: Talk, put: Put) -> None:
    put("one")
    talk("""
        1C: s SELECT INBOX
        1S~ s OK …
        1C: a NOTIFY SET (SELECTED (MessageNew MessageExpunge))
        1S: a OK …
        2C: s SELECT INBOX
        2S~ s OK …
        2C: a STORE 1 +FLAGS (\\Flagged)
        2S~ a OK …
    """)
    put("two")
    talk("""
        1S: * 2 EXISTS
        1S: * 2 RECENT
        1C: b NOOP
        1S: b OK …
        1C: c NOTIFY SET (SELECTED (MessageNew MessageExpunge FlagChange))
        1S: * 1 FETCH (UID 1 FLAGS (\\Flagged \\Recent))
        1S: c OK …
    """)


def test_without_the_selected_mailbox_nothing_is_told_of_it_and_numbers_hold_still(
    talk: Talk, put: Put
) -> None:
    """Section 3.1; what was kept back is told when it is asked for again."""
    for subject in ("one", "two"):
        put(subject)
    script = """
        1C: s SELECT INBOX
        1S~ s OK …
        1C: a NOTIFY {what}
        1S: a OK …
        2C: s SELECT INBOX
        2S~ s OK …
        2C: a UID MOVE {gone} Trash
        2S~ a OK …
    """
    talk(script.replace("{what}", "NONE").replace("{gone}", "1"))
    put("three")
    talk("""
        1C: b NOOP
        1S: b OK …
        1C: c IDLE
        1S: + idling
        1C: DONE
        1S: c OK …
        1C: d FETCH 1:* UID
        1S: * 1 FETCH (UID 1)
        1S: * 2 FETCH (UID 2)
        1S: d OK …
        1C: e UID STORE 2 +FLAGS (\\Deleted)
        1S: * 2 FETCH (UID 2 FLAGS (\\Deleted \\Recent))
        1S: e OK …
        1C: f EXPUNGE
        1S: * 2 EXPUNGE
        1S: * 1 RECENT
        1S: f OK …
        1C: g SEARCH ALL
        1S: * SEARCH
        1S: g OK …
        1C: h NOTIFY SET (SELECTED (MessageNew MessageExpunge))
        1S: * 1 EXPUNGE
        1S: * 1 RECENT
        1S: * 1 EXISTS
        1S: * 1 RECENT
        1S: h OK …
        1C: i NOTIFY SET (PERSONAL (MailboxName))
        1S: i OK …
        2C: b NOOP
        2S~ b OK …
        2C: c UID STORE 3 +FLAGS (\\Flagged)
        2S~ c OK …
        1C: j NOOP
        1S: j OK …
        1C: k SELECT INBOX
        1S: * OK [CLOSED] …
        1S~ k OK …
        1C: l FETCH 1 (UID FLAGS)
        1S: * 1 FETCH (UID 3 FLAGS (\\Flagged…
        1S: l OK …
    """)


def test_it_is_about_whatever_is_selected_later(talk: Talk, put: Put) -> None:
    talk("""
        C: a NOTIFY SET (SELECTED (MessageNew (UID) MessageExpunge))
        S: a OK …
    """)
    put("one")
    talk("""
        C: b NOOP
        S: b OK …
        C: c EXAMINE INBOX
        S~ c OK …
    """)
    put("two")
    talk("""
        S: * 2 EXISTS
        S: * 2 RECENT
        S: * 2 FETCH (UID 2)
        C: d UNSELECT
        S: d OK …
    """)
    put("three")
    talk("""
        C: e NOOP
        S: e OK …
    """)


def test_vanished_and_modseqs_where_they_are_enabled(talk: Talk, put: Put) -> None:
    put("one")
    talk("""
        1C: e ENABLE QRESYNC
        1S~ e OK …
        1C: s SELECT INBOX
        1S~ s OK …
        1C: a NOTIFY SET (SELECTED (MessageNew (UID) MessageExpunge))
        1S: a OK …
        2C: s SELECT INBOX
        2S~ s OK …
        2C: a UID MOVE 1 Trash
        2S~ a OK …
        1S: * VANISHED 1
        1S: * 0 RECENT
    """)
    put("two")
    talk("""
        1S: * 1 EXISTS
        1S: * 1 RECENT
        1S: * 1 FETCH (UID 2 MODSEQ ({modseq}))
    """)


def test_uids_alone_where_they_are_all_that_is_told(talk: Talk, put: Put) -> None:
    talk("""
        C: e ENABLE UIDONLY
        S~ e OK …
        C: s SELECT INBOX
        S~ s OK …
        C: a NOTIFY SET (SELECTED (MessageNew (UID FLAGS) MessageExpunge))
        S: a OK …
    """)
    put("one")
    talk("""
        S: * 1 EXISTS
        S: * 1 RECENT
        S: * 1 UIDFETCH (FLAGS (\\Recent))
    """)


def test_commands_sent_together_and_literals_are_read_as_ever(talk: Talk, put: Put) -> None:
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a NOTIFY SET (SELECTED (MessageNew (UID) MessageExpunge))
        S: a OK …
        C| b STATUS {5}\\r\\n
        S: + …
    """)
    put("one")
    talk("""
        C| INBOX (MESSAGES)\\r\\nc NOOP\\r\\nd NO
        S: * STATUS INBOX (MESSAGES 1)
        S~ * 1 FETCH (UID 1)
        S~ c OK …
    """)
    put("two")
    talk("""
        S: * 2 EXISTS
        S: * 2 RECENT
        S: * 2 FETCH (UID 2)
        C| OP\\r\\n
        S: d OK NOOP completed
    """)


def test_silence_is_counted_as_ever(doors: "Doors", login: str) -> None:
    converse(
        doors.small,
        """
        S: * OK …
        C: a LOGIN {login} "correct horse"
        S: a OK …
        C: b NOTIFY SET (PERSONAL (MailboxName))
        S: b OK …
        S: * OK Still here
        S~ * BYE Nothing heard for too long
        S!
        """,
        login=login,
    )


def test_what_cannot_be_asked_for(talk: Talk) -> None:
    talk("""
        C: a NOTIFY SET (SELECTED (MessageNew))
        S: a BAD …
        C: b NOTIFY SET (PERSONAL (MessageExpunge))
        S: b BAD …
        C: c NOTIFY SET (PERSONAL (FlagChange))
        S: c BAD …
        C: d NOTIFY SET (PERSONAL (MessageNew (UID) MessageExpunge))
        S: d BAD …
        C: e NOTIFY SET (SELECTED NONE) (SELECTED-DELAYED NONE)
        S: e BAD …
        C: f NOTIFY SET (SELECTED (MailboxName))
        S: f BAD …
        C: g NOTIFY SET (PERSONAL (MessageNew MessageExpunge AnnotationChange))
        S: g NO [BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange)] …
        C: h NOTIFY SET (PERSONAL (Weather))
        S: h NO [BADEVENT (…)] …
        C: i NOTIFY SET (SUBTREE-ONE INBOX (MailboxName))
        S: i BAD …
    """)


def test_nothing_is_watched_before_the_login(doors: "Doors") -> None:
    converse(doors.plain, "S: * OK …\nC: a NOTIFY NONE\nS: a BAD …")
