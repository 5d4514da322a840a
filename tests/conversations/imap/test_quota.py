"""GETQUOTA, GETQUOTAROOT, SETQUOTA and OVERQUOTA (RFC 9208)."""

from collections.abc import Callable

import pytest

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]


def limit(login: str, *, octets: int = 0, messages: int = 0) -> None:
    from mailboxes.accounts import change_account
    from mailboxes.models import Account

    account = Account.objects.get(login=login)
    change_account(account_id=account.pk, quota_octets=octets, quota_messages=messages, by="test")


def test_usage_and_limits_of_the_one_root(talk: Talk, put: Put, login: str) -> None:
    limit(login, octets=10_240, messages=5)
    put(b"Subject: x\r\n\r\n" + b"x" * 1_010)
    talk("""
        C: a GETQUOTAROOT inbox
        S: * QUOTAROOT inbox ""
        S: * QUOTA "" (STORAGE 1 10 MESSAGE 1 5)
        S: a OK GETQUOTAROOT completed
        C: b GETQUOTA ""
        S: * QUOTA "" (STORAGE 1 10 MESSAGE 1 5)
        S: b OK GETQUOTA completed
        C: c GETQUOTAROOT "not made yet/&APw-"
        S: * QUOTAROOT "not made yet/&APw-" ""
        S: * QUOTA "" (STORAGE 1 10 MESSAGE 1 5)
        S: c OK GETQUOTAROOT completed
    """)


def test_without_limits_nothing_is_listed(talk: Talk, login: str) -> None:
    limit(login)
    talk("""
        C: a GETQUOTA ""
        S: * QUOTA "" ()
        S: a OK …
    """)
    limit(login, messages=7)
    talk("""
        C: a GETQUOTA ""
        S: * QUOTA "" (MESSAGE 0 7)
        S: a OK …
    """)
    limit(login, octets=1_025)
    talk("""
        C: a GETQUOTA ""
        S: * QUOTA "" (STORAGE 0 2)
        S: a OK …
    """)


def test_what_is_refused(talk: Talk) -> None:
    talk("""
        C: a GETQUOTA nothing
        S: a NO [NONEXISTENT] …
        C: b SETQUOTA "" (STORAGE 9223372036854775807 MESSAGE 0)
        S: b NO [NOPERM] …
        C: c SETQUOTA "" ()
        S: c NO [NOPERM] …
        C: d SETQUOTA "" (STORAGE 9223372036854775808)
        S: d BAD …
        C: e SETQUOTA "" (STORAGE)
        S: e BAD …
        C: f GETQUOTA
        S: f BAD …
        C: g GETQUOTAROOT INBOX x
        S: g BAD …
        C: h GETQUOTAROOT "Other Users/bob@example.test/INBOX"
        S: * QUOTAROOT "Other Users/bob@example.test/INBOX"
        S: h OK …
    """)


def test_the_message_limit_holds_for_append_copy_and_delivery_and_not_for_move(
    talk: Talk, put: Put, login: str
) -> None:
    from mailboxes.exceptions import QuotaExceeded

    limit(login, messages=2)
    put()
    talk("""
        C: a SELECT INBOX
        S~ a OK …
        C: b APPEND Sent {14+}
        C| Subject: x\\r\\n\\r\\n\\r\\n
        S: b OK [APPENDUID …] …
        C: c APPEND Sent {14+}
        C| Subject: x\\r\\n\\r\\n\\r\\n
        S: c NO [OVERQUOTA] …
        C: d COPY 1 Sent
        S: d NO [OVERQUOTA] …
        C: e MOVE 1 Sent
        S: * OK [COPYUID …] …
        S: * 1 EXPUNGE
        S: * 0 RECENT
        S: e OK …
        C: f STATUS Sent (MESSAGES)
        S: * STATUS Sent (MESSAGES 2)
        S: f OK …
    """)
    with pytest.raises(QuotaExceeded):
        put()
    talk("""
        C: a SELECT Sent
        S~ a OK …
        C: b STORE 1 +FLAGS.SILENT (\\Deleted)
        S: b OK …
        C: c EXPUNGE
        S: * 1 EXPUNGE
        S~ c OK …
        C: d COPY 1 INBOX
        S: d OK [COPYUID …] …
    """)


def test_without_the_capability_the_commands_are_unknown(talk: Talk, login: str) -> None:
    from mailboxes.models import Account

    Account.objects.filter(login=login).update(imap_switched_off=["QUOTA"])
    talk("""
        C: a GETQUOTA ""
        S: a BAD …
        C: b GETQUOTAROOT INBOX
        S: b BAD …
    """)


def test_a_resource_that_is_switched_off_is_not_told(talk: Talk, login: str) -> None:
    from mailboxes.models import Account

    limit(login, octets=10_240, messages=5)
    Account.objects.filter(login=login).update(imap_switched_off=["QUOTA=RES-STORAGE"])
    talk("""
        C: a GETQUOTA ""
        S: * QUOTA "" (MESSAGE 0 5)
        S: a OK …
    """)
