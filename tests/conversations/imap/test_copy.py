"""COPY and MOVE (RFC 3501 section 6.4.7, RFC 6851, RFC 4315)."""

from collections.abc import Callable

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]


def test_copies_keep_flags_and_dates_and_tell_their_uids(talk: Talk, put: Put) -> None:
    from mailboxes.store.values import Flag

    put("one", flags=Flag.FLAGGED, keywords=("k",))
    put("two")
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a COPY 1:2 Archive
        S: a OK [COPYUID {validity} 1:2 1:2] COPY completed
        C: b UID COPY 2 Archive
        S: b OK [COPYUID {validity} 2 3] UID COPY completed
        C: c UID COPY 99 Archive
        S: c OK UID COPY completed
        C: d COPY 1 nowhere
        S: d NO [TRYCREATE] …
        C: e COPY 3 Archive
        S: e BAD …
        C: f SELECT Archive
        S~ f OK …
        C: g FETCH 1 (FLAGS INTERNALDATE)
        S: * 1 FETCH (FLAGS (\\Flagged \\Recent k) INTERNALDATE " 6-May-2024 07:08:09 +0000")
        S: g OK …
    """)


def test_a_copy_into_the_selected_mailbox_arrives_there(talk: Talk, put: Put) -> None:
    put()
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a COPY 1 INBOX
        S: * 2 EXISTS
        S: * 2 RECENT
        S: a OK [COPYUID …1 2] COPY completed
    """)


def test_move_tells_where_messages_went_and_that_they_are_gone(talk: Talk, put: Put) -> None:
    for subject in ("one", "two", "three"):
        put(subject)
    talk("""
        1C: s SELECT INBOX
        1S~ s OK …
        2C: s SELECT INBOX
        2S~ s OK …
        1C: a MOVE 1,3 Trash
        1S: * OK [COPYUID {validity} 1,3 1:2] …
        1S: * 3 EXPUNGE
        1S: * 1 EXPUNGE
        1S: * 1 RECENT
        1S: a OK MOVE completed
        1C: b UID MOVE 2 nowhere
        1S: b NO [TRYCREATE] …
        2C: a NOOP
        2S: * 3 EXPUNGE
        2S: * 1 EXPUNGE
        2S: a OK NOOP completed
        1C: c UID MOVE 2 Trash
        1S: * OK [COPYUID {validity} 2 3] …
        1S: * 1 EXPUNGE
        1S: * 0 RECENT
        1S: c OK UID MOVE completed
    """)
