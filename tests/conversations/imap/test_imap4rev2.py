"""IMAP4rev2 (RFC 9051) beside IMAP4rev1 on one door: what differs once it is enabled (appendix E)."""

from collections.abc import Callable

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]

ENABLED = """
        C: rev2 ENABLE IMAP4rev2
        S: * ENABLED IMAP4rev2
        S: rev2 OK ENABLE completed
"""


def test_both_are_told_and_rev1_holds_until_rev2_is_enabled(talk: Talk, put: Put) -> None:
    put("one")
    talk(
        """
        C: a CAPABILITY
        S: * CAPABILITY IMAP4rev1 IMAP4rev2 …
        S: a OK …
        C: b EXAMINE INBOX
        S: * FLAGS …
        S: * OK [PERMANENTFLAGS …
        S: * 1 EXISTS
        S: * 1 RECENT
        S: * OK [UNSEEN 1] …
        S~ b OK …
        C: c UNSELECT
        S: c OK …
        """
        + ENABLED
        + """
        C: d EXAMINE INBOX
        S: * FLAGS …
        S: * OK [PERMANENTFLAGS …
        S: * 1 EXISTS
        S: * LIST () "/" INBOX
        S: * OK [MAILBOXID (…)] …
        S: * OK [UIDVALIDITY …
        S: * OK [UIDNEXT 2] …
        S: * OK [HIGHESTMODSEQ 2] …
        S: d OK [READ-ONLY] EXAMINE completed
        C: e SEARCH ALL
        S: * ESEARCH (TAG "e") ALL 1
        S: e OK SEARCH completed
        C: f FETCH 1 (UID FLAGS)
        S: * 1 FETCH (UID 1 FLAGS ())
        S: f OK FETCH completed
        """
    )


def test_nothing_is_recent_to_it_and_others_are_not_deprived(talk: Talk, put: Put) -> None:
    put("one")
    talk(
        ENABLED
        + """
        C: a SELECT INBOX
        S~ a OK [READ-WRITE] …
        C: b FETCH 1 FLAGS
        S: * 1 FETCH (FLAGS ())
        S: b OK …
        """
    )
    put("two")
    talk("""
        C: c NOOP
        S: * 2 EXISTS
        S: c OK …
        C: d STORE 1 +FLAGS.SILENT (\\Deleted)
        S: d OK …
        C: e EXPUNGE
        S: * 1 EXPUNGE
        S: e OK EXPUNGE completed
        C: f UNSELECT
        S: f OK …
        1C: a SELECT INBOX
        1S~ * 1 RECENT
        1S~ a OK …
    """)


def test_names_and_what_they_are_called_now(talk: Talk) -> None:
    talk(
        ENABLED
        + """
        C: a CREATE "Über/&uns"
        S: a OK …
        C: b SELECT inbox
        S~ * LIST () "/" INBOX ("OLDNAME" (inbox))
        S~ b OK …
        C: c SELECT "Über/&uns"
        S: * OK [CLOSED] …
        S~ * LIST () "/" "Über/&uns"
        S~ c OK …
        C: d LIST "" "*ns"
        S: * LIST (\\HasNoChildren) "/" "Über/&uns"
        S: d OK …
        1C: a LIST "" "*ns"
        1S: * LIST (\\HasNoChildren) "/" &ANw-ber/&-uns
        1S: a OK …
        """
    )


def test_it_can_be_switched_off(talk: Talk, login: str) -> None:
    from mailboxes.models import Account

    Account.objects.filter(login=login).update(imap_switched_off=["IMAP4rev2"])
    talk("""
        C: a CAPABILITY
        S: * CAPABILITY IMAP4rev1 LITERAL+ …
        S: a OK …
        C: b ENABLE IMAP4rev2
        S: * ENABLED
        S: b OK …
        C: c SELECT INBOX
        S~ * 0 RECENT
        S~ c OK …
    """)
