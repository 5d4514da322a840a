"""LIST, LSUB, SUBSCRIBE, NAMESPACE (RFC 3501 sections 6.3.6 to 6.3.9, RFC 2342, 3348, 5258, 5819, 6154)."""

from collections.abc import Callable

Talk = Callable[[str], dict[str, str]]


def test_a_new_account_has_its_mailboxes_with_special_use(talk: Talk) -> None:
    talk("""
        C: a LIST "" "*"
        S: * LIST (\\HasNoChildren \\Archive) "/" Archive
        S: * LIST (\\HasNoChildren \\Drafts) "/" Drafts
        S: * LIST (\\HasNoChildren) "/" INBOX
        S: * LIST (\\HasNoChildren \\Junk) "/" Junk
        S: * LIST (\\HasNoChildren \\Sent) "/" Sent
        S: * LIST (\\HasNoChildren \\Trash) "/" Trash
        S: a OK LIST completed
        C: b LIST "" ""
        S: * LIST (\\Noselect) "/" ""
        S: b OK LIST completed
        C: c NAMESPACE
        S: * NAMESPACE …
        S: c OK NAMESPACE completed
        C: d LIST "" inbox
        S: * LIST (\\HasNoChildren) "/" INBOX
        S: d OK LIST completed
        C: e LIST "" nothing
        S: e OK LIST completed
    """)


def test_levels_and_names_that_only_have_inferiors(talk: Talk) -> None:
    talk("""
        C: a CREATE work/2024/May
        S: a OK …
        C: b LIST "" "work%"
        S: * LIST (\\HasChildren) "/" work
        S: b OK LIST completed
        C: c LIST work/ "%"
        S: * LIST (\\HasChildren) "/" work/2024
        S: c OK LIST completed
        C: d DELETE work/2024
        S: d OK DELETE completed
        C: e LIST "work/" "*"
        S: * LIST (\\Noselect \\HasChildren) "/" work/2024
        S: * LIST (\\HasNoChildren) "/" work/2024/May
        S: e OK LIST completed
        C: f SELECT work/2024
        S: f NO [NONEXISTENT] …
    """)


def test_subscriptions_outlive_their_mailbox(talk: Talk) -> None:
    talk("""
        C: a CREATE a/b
        S: a OK …
        C: b SUBSCRIBE a/b
        S: b OK SUBSCRIBE completed
        C: c SUBSCRIBE nothing
        S: c NO [NONEXISTENT] …
        C: d LSUB "" "a%"
        S: * LSUB (\\Noselect) "/" a
        S: d OK LSUB completed
        C: e DELETE a/b
        S: e OK DELETE completed
        C: f LSUB "" "a*"
        S: * LSUB (\\Noselect) "/" a/b
        S: f OK LSUB completed
        C: g UNSUBSCRIBE a/b
        S: g OK UNSUBSCRIBE completed
        C: h UNSUBSCRIBE never-was
        S: h OK UNSUBSCRIBE completed
        C: i LSUB "" "a*"
        S: i OK LSUB completed
        C: j LSUB "" "S*"
        S: * LSUB () "/" Sent
        S: j OK LSUB completed
    """)


def test_names_outside_ascii_travel_in_modified_utf7(talk: Talk) -> None:
    talk("""
        C: a CREATE "Entw&APw-rfe &- mehr"
        S: a OK …
        C: b LIST "" "Entw*"
        S: * LIST (\\HasNoChildren) "/" "Entw&APw-rfe &- mehr"
        S: b OK LIST completed
        C: c CREATE "&Jjo!"
        S: c BAD …
        C: d STATUS "Entwürfe" (MESSAGES)
        S: d NO [NONEXISTENT] …
    """)


def test_extended_list(talk: Talk) -> None:
    talk("""
        C: a CREATE x/y
        S: a OK …
        C: b SUBSCRIBE x/y
        S: b OK SUBSCRIBE completed
        C: c LIST (SUBSCRIBED) "" (INBOX "x*")
        S: * LIST (\\HasNoChildren \\Subscribed) "/" INBOX
        S: * LIST (\\HasNoChildren \\Subscribed) "/" x/y
        S: c OK LIST completed
        C: d LIST (SUBSCRIBED RECURSIVEMATCH) "" x
        S: * LIST (\\HasChildren) "/" x ("CHILDINFO" ("SUBSCRIBED"))
        S: d OK LIST completed
        C: e LIST (SPECIAL-USE) "" "*" RETURN (SPECIAL-USE SUBSCRIBED)
        S: * LIST (\\HasNoChildren \\Subscribed \\Archive) "/" Archive
        S: * LIST (\\HasNoChildren \\Subscribed \\Drafts) "/" Drafts
        S: * LIST (\\HasNoChildren \\Subscribed \\Junk) "/" Junk
        S: * LIST (\\HasNoChildren \\Subscribed \\Sent) "/" Sent
        S: * LIST (\\HasNoChildren \\Subscribed \\Trash) "/" Trash
        S: e OK LIST completed
        C: f LIST "" INBOX RETURN (STATUS (MESSAGES UNSEEN))
        S: * LIST (\\HasNoChildren) "/" INBOX
        S: * STATUS INBOX (MESSAGES 0 UNSEEN 0)
        S: f OK LIST completed
        C: g DELETE x/y
        S: g OK DELETE completed
        C: h LIST (SUBSCRIBED) "" "x*"
        S: * LIST (\\NonExistent \\HasNoChildren \\Subscribed) "/" x/y
        S: h OK LIST completed
    """)


def test_selection_options(talk: Talk) -> None:
    """RFC 5258 section 3.1: no mailbox is a remote one, and RECURSIVEMATCH needs something to match."""
    talk("""
        C: a LIST (REMOTE) "" (INBOX Sent INBOX) RETURN (CHILDREN SUBSCRIBED)
        S: * LIST (\\HasNoChildren \\Subscribed) "/" INBOX
        S: * LIST (\\HasNoChildren \\Subscribed \\Sent) "/" Sent
        S: a OK …
        C: b LIST (RECURSIVEMATCH) "" *
        S: b BAD …
        C: c LIST (REMOTE RECURSIVEMATCH) "" *
        S: c BAD …
        C: d LIST () "" INBOX
        S: * LIST (\\HasNoChildren) "/" INBOX
        S: d OK …
        C: e LIST (SPECIAL-USE SUBSCRIBED RECURSIVEMATCH) "" S*
        S: * LIST (\\HasNoChildren \\Subscribed \\Sent) "/" Sent
        S: e OK …
        C: f UNSUBSCRIBE Sent
        S: f OK …
        C: g LIST (SPECIAL-USE SUBSCRIBED) "" S*
        S: g OK …
        C: h LIST (SUBSCRIBED NONSENSE) "" S*
        S: h BAD …
        C: i LIST "" S* RETURN (NONSENSE)
        S: i BAD …
    """)


def test_options_of_what_is_switched_off(talk: Talk, login: str) -> None:
    from mailboxes.models import Account

    Account.objects.filter(login=login).update(imap_switched_off=["CHILDREN", "SPECIAL-USE", "LIST-STATUS"])
    talk("""
        C: a LIST "" Sent
        S: * LIST () "/" Sent
        S: a OK …
        C: b LIST "" Sent RETURN (CHILDREN)
        S: * LIST (\\HasNoChildren) "/" Sent
        S: b OK …
        C: c LIST (SPECIAL-USE) "" *
        S: c BAD …
        C: d LIST "" Sent RETURN (STATUS (MESSAGES))
        S: d BAD …
    """)
    Account.objects.filter(login=login).update(imap_switched_off=["LIST-EXTENDED"])
    talk("""
        2C: a LIST (SUBSCRIBED) "" *
        2S: a BAD …
        2C: b LIST "" Sent
        2S: * LIST (\\HasNoChildren \\Sent) "/" Sent
        2S: b OK …
    """)
