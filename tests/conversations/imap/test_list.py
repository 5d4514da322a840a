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
