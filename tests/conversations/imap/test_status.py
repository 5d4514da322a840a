"""STATUS with every item (RFC 3501 section 6.3.10; RFC 7162, RFC 7889, RFC 8438, RFC 8474, RFC 9208)."""

from collections.abc import Callable
from typing import Any

import pytest

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]


@pytest.fixture
def three(put: Put) -> None:
    """One seen, two to be expunged."""
    from mailboxes.store.values import Flag

    put(b"Subject: 1\r\n\r\n" + b"x" * 86, flags=Flag.SEEN)
    put(b"Subject: 2\r\n\r\n" + b"x" * 36, flags=Flag.DELETED)
    put(b"Subject: 3\r\n\r\n" + b"x" * 6, flags=Flag.DELETED | Flag.SEEN)


@pytest.mark.usefixtures("three")
def test_each_item_in_the_order_asked(talk: Talk, settings: Any) -> None:
    settings.MAX_MESSAGE_OCTETS = 12_345
    talk("""
        C: a STATUS inbox (UNSEEN MESSAGES RECENT UIDNEXT)
        S: * STATUS INBOX (UNSEEN 1 MESSAGES 3 RECENT 3 UIDNEXT 4)
        S: a OK STATUS completed
        C: b STATUS INBOX (SIZE DELETED DELETED-STORAGE APPENDLIMIT)
        S: * STATUS INBOX (SIZE 170 DELETED 2 DELETED-STORAGE 70 APPENDLIMIT 12345)
        S: b OK STATUS completed
        C: c STATUS Sent (size deleted deleted-storage messages unseen recent)
        S: * STATUS Sent (SIZE 0 DELETED 0 DELETED-STORAGE 0 MESSAGES 0 UNSEEN 0 RECENT 0)
        S: c OK STATUS completed
        C: d STATUS INBOX (SIZE SIZE)
        S: * STATUS INBOX (SIZE 170)
        S: d OK STATUS completed
    """)


@pytest.mark.usefixtures("three")
def test_what_is_asked_of_all_mailboxes_at_once(talk: Talk) -> None:
    talk("""
        C: a LIST "" (INBOX Sent) RETURN (STATUS (DELETED-STORAGE RECENT SIZE))
        S: * LIST (\\HasNoChildren) "/" INBOX
        S: * STATUS INBOX (DELETED-STORAGE 70 RECENT 3 SIZE 170)
        S: * LIST (\\HasNoChildren \\Sent) "/" Sent
        S: * STATUS Sent (DELETED-STORAGE 0 RECENT 0 SIZE 0)
        S: a OK LIST completed
        C: b LIST "" INBOX RETURN (STATUS (NONSENSE))
        S: b BAD …
        C: c LIST "" INBOX RETURN (STATUS ())
        S: c BAD …
    """)


def test_highestmodseq_grows_with_every_change(talk: Talk, put: Put) -> None:
    put()
    words = talk("""
        C: a STATUS INBOX (HIGHESTMODSEQ)
        S: * STATUS INBOX (HIGHESTMODSEQ {before})
        S: a OK STATUS completed
    """)
    put()
    words |= talk("""
        C: a STATUS INBOX (HIGHESTMODSEQ)
        S: * STATUS INBOX (HIGHESTMODSEQ {after})
        S: a OK STATUS completed
    """)
    assert int(words["after"]) > int(words["before"]) > 0


def test_the_mailboxid_stays_through_a_rename_and_does_not_come_back(talk: Talk) -> None:
    talk("""
        C: a CREATE one
        S: a OK …
        C: b STATUS one (MAILBOXID)
        S: * STATUS one (MAILBOXID ({first}))
        S: b OK …
        C: c RENAME one two
        S: c OK …
        C: d STATUS two (MAILBOXID)
        S: * STATUS two (MAILBOXID ({first}))
        S: d OK …
        C: e CREATE one
        S: e OK …
        C: f STATUS one (MAILBOXID)
        S: * STATUS one (MAILBOXID ({second}))
        S: f OK …
    """)


def test_refusals(talk: Talk) -> None:
    talk("""
        C: a STATUS nothing (MESSAGES)
        S: a NO [NONEXISTENT] …
        C: b STATUS INBOX (NONSENSE)
        S: b BAD …
        C: c STATUS INBOX ()
        S: c BAD …
        C: d STATUS INBOX
        S: d BAD …
        C: e STATUS "" (MESSAGES)
        S: e NO [NONEXISTENT] …
    """)


def test_items_of_what_is_switched_off_are_unknown(talk: Talk, login: str) -> None:
    from mailboxes.models import Account

    Account.objects.filter(login=login).update(imap_switched_off=["STATUS=SIZE", "QUOTA=RES-MESSAGE"])
    talk("""
        C: a STATUS INBOX (SIZE)
        S: a BAD …
        C: b LIST "" INBOX RETURN (STATUS (DELETED))
        S: b BAD …
        C: c STATUS INBOX (DELETED-STORAGE)
        S: * STATUS INBOX (DELETED-STORAGE 0)
        S: c OK …
    """)
