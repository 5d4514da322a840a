"""SELECT, EXAMINE, CLOSE, UNSELECT and \\Recent (RFC 3501 sections 6.3.1, 6.3.2, 6.4.2, 2.3.2; RFC 3691)."""

from collections.abc import Callable

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]


def test_select_tells_what_it_must(talk: Talk, put: Put) -> None:
    from mailboxes.store.values import Flag

    put("one", flags=Flag.SEEN)
    put("two")
    talk("""
        C: a SELECT inbox
        S: * FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)
        S: * OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft \\*)] …
        S: * 2 EXISTS
        S: * 2 RECENT
        S: * OK [UNSEEN 2] …
        S: * OK [MAILBOXID (…)] …
        S: * OK [UIDVALIDITY {validity}] …
        S: * OK [UIDNEXT 3] …
        S: * OK [HIGHESTMODSEQ 3] …
        S: a OK [READ-WRITE] SELECT completed
    """)


def test_recent_is_so_for_one_session_alone(talk: Talk, put: Put) -> None:
    put()
    talk("""
        1C: a EXAMINE INBOX
        1S~ * 1 RECENT
        1S~ a OK [READ-ONLY] EXAMINE completed
        2C: a SELECT INBOX
        2S~ * 1 RECENT
        2S~ a OK …
        2C: b FETCH 1 FLAGS
        2S: * 1 FETCH (FLAGS (\\Recent))
        2S: b OK …
        3C: a SELECT INBOX
        3S~ * 0 RECENT
        3S~ a OK …
        3C: b FETCH 1 FLAGS
        3S: * 1 FETCH (FLAGS ())
        3S: b OK …
    """)


def test_an_examined_mailbox_cannot_be_changed(talk: Talk, put: Put) -> None:
    from mailboxes.store.values import Flag

    put(flags=Flag.DELETED)
    talk("""
        C: a EXAMINE INBOX
        S: * FLAGS …
        S: * OK [PERMANENTFLAGS ()] …
        S~ a OK [READ-ONLY] …
        C: b STORE 1 +FLAGS (\\Seen)
        S: b NO …read-only…
        C: c EXPUNGE
        S: c NO …
        C: d MOVE 1 Trash
        S: d NO …
        C: e FETCH 1 BODY[TEXT]
        S: * 1 FETCH (BODY[TEXT] {8}
        S: Hello.
        S: )
        S: e OK FETCH completed
        C: f COPY 1 Trash
        S: f OK [COPYUID …] COPY completed
        C: g CLOSE
        S: g OK CLOSE completed
        C: h STATUS INBOX (MESSAGES UNSEEN)
        S: * STATUS INBOX (MESSAGES 1 UNSEEN 1)
        S: h OK …
    """)


def test_close_expunges_silently_and_unselect_does_not(talk: Talk, put: Put) -> None:
    from mailboxes.store.values import Flag

    put(flags=Flag.DELETED)
    talk("""
        C: a SELECT INBOX
        S~ a OK …
        C: b UNSELECT
        S: b OK UNSELECT completed
        C: c CHECK
        S: c BAD …
        C: d SELECT INBOX
        S: * FLAGS …
        S~ * 1 EXISTS
        S~ d OK …
        C: e CHECK
        S: e OK CHECK completed
        C: f CLOSE
        S: f OK CLOSE completed
        C: g STATUS INBOX (MESSAGES)
        S: * STATUS INBOX (MESSAGES 0)
        S: g OK …
    """)


def test_a_select_that_fails_leaves_nothing_selected(talk: Talk) -> None:
    talk("""
        C: a SELECT INBOX
        S~ a OK …
        C: b SELECT nothing
        S: * OK [CLOSED] …
        S: b NO [NONEXISTENT] …
        C: c CHECK
        S: c BAD …
    """)
