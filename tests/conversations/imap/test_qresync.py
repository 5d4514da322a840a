"""QRESYNC (RFC 7162 section 3.2): what a client missed, told when it comes back; VANISHED instead of EXPUNGE."""

from collections.abc import Callable
from datetime import timedelta

import pytest

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]

BOTH_SELECT = """
        1C: s SELECT INBOX
        1S~ s OK …
        2C: e ENABLE QRESYNC
        2S: * ENABLED QRESYNC
        2S: e OK ENABLE completed
        2C: s SELECT INBOX
        2S~ s OK …
"""


@pytest.fixture
def five(talk: Talk, put: Put) -> dict[str, str]:
    """Five messages, UIDs 1 to 5; number 2 and 4 are expunged (modseqs 8 and 9), 3 is \\Seen (10), 6 arrives (11)."""
    for subject in ("one", "two", "three", "four", "five"):
        put(subject)
    words = talk("""
        1C: a SELECT INBOX
        1S~ * OK [UIDVALIDITY {validity}] …
        1S~ a OK …
        1C: b UID STORE 2,4 +FLAGS.SILENT (\\Deleted)
        1S: b OK …
        1C: c UID EXPUNGE 2
        1S~ c OK …
        1C: d UID EXPUNGE 4
        1S~ d OK …
        1C: e UID STORE 3 +FLAGS.SILENT (\\Seen)
        1S: e OK …
    """)
    put("six")
    return words


def test_select_tells_what_was_missed(five: dict[str, str], talk: Talk) -> None:
    talk("""
        C: a ENABLE CONDSTORE QRESYNC
        S: * ENABLED CONDSTORE QRESYNC
        S: a OK …
        C: b SELECT INBOX (QRESYNC ({validity} 6))
        S: * FLAGS …
        S: * OK [PERMANENTFLAGS …
        S: * 4 EXISTS
        S~ * OK [HIGHESTMODSEQ 11] …
        S: * VANISHED (EARLIER) 2,4
        S: * 2 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (10))
        S: * 4 FETCH (UID 6 FLAGS (…) MODSEQ (11))
        S: b OK [READ-WRITE] SELECT completed
        C: c SELECT INBOX (QRESYNC ({validity} 8))
        S: * OK [CLOSED] …
        S~ * OK [HIGHESTMODSEQ 11] …
        S: * VANISHED (EARLIER) 4
        S~ c OK …
        Only what the client knows:
        C: d EXAMINE INBOX (QRESYNC ({validity} 6 1:3))
        S~ * OK [HIGHESTMODSEQ 11] …
        S: * VANISHED (EARLIER) 2
        S: * 2 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (10))
        S: d OK [READ-ONLY] EXAMINE completed
        C: e SELECT INBOX (QRESYNC ({validity} 6 1:5 (1 1)) CONDSTORE)
        S~ * OK [HIGHESTMODSEQ 11] …
        S: * VANISHED (EARLIER) 2,4
        S: * 2 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (10))
        S: e OK …
        Another mailbox by now, so nothing of it is the same:
        C: f SELECT INBOX (QRESYNC (1 6))
        S~ * OK [HIGHESTMODSEQ 11] …
        S: f OK …
        Nothing missed:
        C: g SELECT INBOX (QRESYNC ({validity} 11))
        S~ * OK [HIGHESTMODSEQ 11] …
        S: g OK …
    """)


def test_what_is_no_resync_is_refused_and_closes_nothing(five: dict[str, str], talk: Talk) -> None:
    talk("""
        C: a SELECT INBOX
        S~ a OK …
        C: b SELECT INBOX (QRESYNC ({validity} 6))
        S: b BAD …
        C: c ENABLE QRESYNC
        S: * ENABLED QRESYNC
        S: * OK [HIGHESTMODSEQ 11] …
        S: c OK …
        C: d SELECT INBOX (QRESYNC ({validity} 0))
        S: d BAD …
        C: e SELECT INBOX (QRESYNC ({validity}))
        S: e BAD …
        C: f SELECT INBOX (QRESYNC ({validity} 6 1:*))
        S: f BAD …
        C: g SELECT INBOX (QRESYNC ({validity} 6 1:5 (1:2 1)))
        S: g BAD …
        C: h SELECT INBOX (QRESYNC ({validity} 6 1:5 (2,1 1,2)))
        S: h BAD …
        C: i SELECT INBOX (QRESYNC ({validity} 6 1:5 (1:4000000000 1:4000000000)))
        S: i BAD …
        C: j SELECT INBOX (QRESYNC ({validity} 6 1:5 (1 *)))
        S: j BAD …
        C: k SELECT INBOX (QRESYNC ({validity} 9223372036854775808))
        S: k BAD …
        C: l CHECK
        S: l OK CHECK completed
    """)


def test_uid_fetch_tells_what_vanished(five: dict[str, str], talk: Talk) -> None:
    talk("""
        C: a ENABLE QRESYNC
        S: * ENABLED QRESYNC
        S: a OK …
        C: b SELECT INBOX
        S~ b OK …
        C: c UID FETCH 1:3 (FLAGS) (CHANGEDSINCE 6 VANISHED)
        S: * VANISHED (EARLIER) 2
        S: * 2 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (10))
        S: c OK UID FETCH completed
        C: d UID FETCH 1:* (UID) (VANISHED CHANGEDSINCE 8)
        S: * VANISHED (EARLIER) 4
        S: * 2 FETCH (UID 3 MODSEQ (10))
        S: * 4 FETCH (UID 6 MODSEQ (11))
        S: d OK UID FETCH completed
        C: e FETCH 1:* (UID) (CHANGEDSINCE 8 VANISHED)
        S: e BAD …
        C: f UID FETCH 1:* (UID) (VANISHED)
        S: f BAD …
        C: g UID FETCH 1:* (UID) (CHANGEDSINCE 8 VANISHED VANISHED)
        S: g BAD …
    """)


def test_below_the_kept_journal_every_missing_uid_is_named(five: dict[str, str], talk: Talk) -> None:
    from django.utils import timezone

    from mailboxes.models import Expunged
    from mailboxes.store.content import remove_expired

    now = timezone.now()
    Expunged.objects.filter(mailbox__uid_validity=int(five["validity"]), uid=2).update(
        expunged_at=now - timedelta(days=1000)
    )
    remove_expired(now=now)
    talk("""
        C: a ENABLE QRESYNC
        S: * ENABLED QRESYNC
        S: a OK …
        The journal still knows what came after 8:
        C: b SELECT INBOX (QRESYNC ({validity} 8))
        S~ * OK [HIGHESTMODSEQ 11] …
        S: * VANISHED (EARLIER) 4
        S~ b OK …
        C: c SELECT INBOX (QRESYNC ({validity} 7 1:5))
        S~ * OK [HIGHESTMODSEQ 11] …
        S: * VANISHED (EARLIER) 2,4
        S: * 2 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (10))
        S: c OK …
        C: d SELECT INBOX (QRESYNC ({validity} 7 3:4000000000))
        S~ * OK [HIGHESTMODSEQ 11] …
        S: * VANISHED (EARLIER) 4
        S~ d OK …
        What the client proves to know is not named again:
        C: e SELECT INBOX (QRESYNC ({validity} 7 1:5 (1:2 1,3)))
        S~ * OK [HIGHESTMODSEQ 11] …
        S: * VANISHED (EARLIER) 4
        S: * 2 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (10))
        S: e OK …
        C: f UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)
        S: * VANISHED (EARLIER) 2,4
        S: * 1 FETCH …
        S~ f OK …
    """)


def test_a_journal_that_lost_all_is_below_everything(five: dict[str, str], talk: Talk) -> None:
    from django.utils import timezone

    from mailboxes.store.content import remove_expired

    remove_expired(now=timezone.now() + timedelta(days=1000))
    talk("""
        C: a ENABLE QRESYNC
        S: * ENABLED QRESYNC
        S: a OK …
        C: b SELECT INBOX (QRESYNC ({validity} 9))
        S~ * OK [HIGHESTMODSEQ 11] …
        S: * VANISHED (EARLIER) 2,4
        S~ b OK …
        C: c SELECT INBOX (QRESYNC ({validity} 10))
        S~ * OK [HIGHESTMODSEQ 11] …
        S: * 4 FETCH (UID 6 …
        S: c OK …
    """)


def test_vanished_instead_of_expunge(talk: Talk, put: Put) -> None:
    for subject in ("one", "two", "three", "four", "five"):
        put(subject)
    talk(
        BOTH_SELECT
        + """
        1C: a STORE 2:3,5 +FLAGS.SILENT (\\Deleted)
        1S: a OK …
        1C: b EXPUNGE
        1S: * 5 EXPUNGE
        1S: * 3 EXPUNGE
        1S: * 2 EXPUNGE
        1S~ b OK EXPUNGE completed
        Numbers hold still, and so does news that a client could count from:
        2C: a FETCH 4 (UID FLAGS)
        2S: * 4 FETCH (UID 4 FLAGS ())
        2S: a OK FETCH completed
        1C: c STORE 1 +FLAGS.SILENT (\\Seen)
        1S: c OK …
        2C: b SEARCH ALL
        2S: * SEARCH 1 4
        2S: b OK …
        2C: c NOOP
        2S: * VANISHED 2:3,5
        2S: * 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (9))
        2S: c OK NOOP completed
        2C: d STORE 2 +FLAGS (\\Deleted)
        2S: * 2 FETCH (UID 4 FLAGS (\\Deleted) MODSEQ (10))
        2S: d OK …
        2C: e EXPUNGE
        2S: * VANISHED 4
        2S: e OK [HIGHESTMODSEQ 11] EXPUNGE completed
        2C: f EXPUNGE
        2S: f OK EXPUNGE completed
        2C: g UID MOVE 1 Trash
        2S: * OK [COPYUID …] …
        2S: * VANISHED 1
        2S: g OK [HIGHESTMODSEQ 12] UID MOVE completed
        1C: d NOOP
        1S: * 2 EXPUNGE
        1S: * 1 EXPUNGE
        1S: * 0 RECENT
        1S: d OK …
        """
    )


def test_close_tells_how_far_the_client_is(talk: Talk, put: Put) -> None:
    from mailboxes.store.values import Flag

    put("one", flags=Flag.DELETED)
    put("two", flags=Flag.DELETED)
    talk(
        BOTH_SELECT
        + """
        2C: a CLOSE
        2S: a OK [HIGHESTMODSEQ 4] CLOSE completed
        2C: b SELECT INBOX
        2S~ b OK …
        2C: c CLOSE
        2S: c OK CLOSE completed
        """
    )


def test_close_does_not_count_what_the_client_has_not_heard(talk: Talk, put: Put) -> None:
    from mailboxes.store.values import Flag

    put("one", flags=Flag.DELETED)
    put("two")
    talk(
        BOTH_SELECT
        + """
        1C: a STORE 2 +FLAGS.SILENT (\\Seen)
        1S: a OK …
        2C: a CLOSE
        2S: a OK [HIGHESTMODSEQ 3] CLOSE completed
        """
    )


def test_many_that_vanished_come_in_lines_of_bounded_length(talk: Talk, put: Put, login: str) -> None:
    from django.utils import timezone

    from mailboxes.models import Account
    from mailboxes.store.append import append, prepare
    from mailboxes.store.expunge import expunge
    from mailboxes.store.hierarchy import find_mailbox
    from mailboxes.store.values import NewMessage

    account_id = Account.objects.get(login=login).pk
    mailbox_id = find_mailbox(account_id=account_id, name="INBOX").mailbox_id
    now = timezone.now()
    content = prepare(b"Subject: x\r\n\r\n")
    append(account_id=account_id, mailbox_id=mailbox_id, contents=[NewMessage(content)] * 4_000, now=now)
    expunge(mailbox_id=mailbox_id, uids=range(1, 4_001, 2), now=now, only_deleted=False)
    words = talk("""
        C: a ENABLE QRESYNC
        S: * ENABLED QRESYNC
        S: a OK …
        C: b EXAMINE INBOX
        S~ * OK [UIDVALIDITY {validity}] …
        S~ b OK …
        C: c EXAMINE INBOX (QRESYNC ({validity} 2))
        S~ * VANISHED (EARLIER) {first}
        S: * VANISHED (EARLIER) {second}
        S: c OK …
    """)
    assert max(len(words["first"]), len(words["second"])) <= 8_000
    named = [int(uid) for uid in f"{words['first']},{words['second']}".split(",")]
    assert named == list(range(1, 4_001, 2))
